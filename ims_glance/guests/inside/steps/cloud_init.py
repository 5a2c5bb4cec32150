# SPDX-License-Identifier: Apache-2.0
"""cloud-init: there, not turned off, and with the places where Nova puts what a server should know.

Sources: cloud-init's documentation (how it is disabled, ``datasource_list``, ``/etc/cloud/cloud.cfg.d``); Ubuntu's
installer leaves a file that makes the installed system the only source.
"""

import re

from ims_glance.guests.inside.steps import kernel_line, programs
from ims_glance.guests.inside.steps.kernel_line import KernelChange
from ims_glance.guests.inside.steps.step import Work

_FOLDER = "/etc/cloud/cloud.cfg.d"
_OURS = f"{_FOLDER}/99-ims.cfg"
_SOURCES = "datasource_list: [ConfigDrive, OpenStack, NoCloud, None]\n"
_DISABLED = "/etc/cloud/cloud-init.disabled"
_ON_LINE = KernelChange(drop=re.compile(r"cloud-init=disabled"))
_INSTALLER = frozenset(
    {
        "99-installer.cfg",
        "subiquity-disable-cloudinit-networking.cfg",
        "curtin-preserve-sources.cfg",
    }
)
_NO_NETWORK = re.compile(
    r"^network:\s*(?:\{\s*config:\s*disabled\s*\}|\n\s+config:\s*disabled)", re.MULTILINE
)
_LIST = re.compile(r"^datasource_list:\s*(\[[^\]]*\]|(?:\n\s*-\s*\S+)+)", re.MULTILINE)
_WANTED = ("ConfigDrive", "OpenStack")
_UNITS = ("cloud-init-local", "cloud-init", "cloud-config", "cloud-final", "cloud-init-network")
_INSTALL = (
    "Install cloud-init in the guest before you make the image: without it a new server gets no host name, no "
    "password and no key. The operator can supply packages for such guests ([ims_guests]package_dir)."
)


def run(work: Work) -> None:
    """Install cloud-init if it is missing, and turn it on."""
    if not work.guest.has_cloud_init and not _install(work):
        return
    _enable(work)
    _name_sources(work)


def _install(work: Work) -> bool:
    packages = programs.supplied(work)
    if not packages:
        work.deeds.leave("cloud-init is not installed.", _INSTALL)
        return False
    if not work.runs:
        work.deeds.leave(
            "cloud-init is not installed, and the guest is of another processor.", _INSTALL
        )
        return False
    if not work.is_dry:
        programs.install(work, packages)
    work.deeds.done.append(f"cloud-init is installed, of {len(packages)} packages of the operator.")
    return True


def _enable(work: Work) -> None:
    tree, done = work.tree, work.deeds.done
    if tree.is_there(_DISABLED):
        tree.aside(_DISABLED)
        done.append(f"{_DISABLED} is put aside.")
    for path, text in list(tree.texts(_FOLDER, ".cfg")):
        if path.rpartition("/")[2] in _INSTALLER or _NO_NETWORK.search(text):
            tree.aside(path)
            done.append(f"{path} is put aside.")
    if kernel_line.edit(tree, _ON_LINE):
        done.append("The kernel is not told cloud-init=disabled any more.")
    for name in _UNITS:
        path = f"/etc/systemd/system/{name}.service"
        if tree.g.is_symlink(path) and tree.g.readlink(path) == "/dev/null":
            if not work.is_dry:
                tree.aside(path)
            done.append(f"{name}.service is not masked any more.")


def _name_sources(work: Work) -> None:
    """Whoever named sources and none of Nova's gets these."""
    texts = [work.tree.text("/etc/cloud/cloud.cfg") or ""]
    texts += [text for _, text in work.tree.texts(_FOLDER, ".cfg")]
    named = [found for text in texts for found in _LIST.findall(text)]
    if named and not any(source in named[-1] for source in _WANTED):
        work.tree.write(_OURS, _SOURCES)
        work.deeds.done.append(
            f"{_OURS}: cloud-init asks the configuration drive and the metadata service."
        )
