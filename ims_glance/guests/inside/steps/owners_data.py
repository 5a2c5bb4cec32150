# SPDX-License-Identifier: Apache-2.0
"""What is the owner's, and should not be that of each server made of the image: deleted only if they wish it.

The list is of virt-sysprep's operations ssh-hostkeys, machine-id, dhcp-client-state, logfiles and bash-history.
"""

import posixpath

from ims_glance.guests.inside.steps.step import Work

_MACHINE_ID = "/etc/machine-id"
_DBUS = "/var/lib/dbus/machine-id"
_FOLDERS = {
    "/var/lib/dhcp": ".leases",
    "/var/lib/dhclient": ".leases",
    "/var/lib/NetworkManager": ".lease",
    "/root": "",
}
_HISTORY = (".bash_history", ".viminfo", ".lesshst")
_LOGS = "/var/log"
_DEPTH = 2
_NO_KEYS = (
    "Delete /etc/ssh/ssh_host_*_key* in the guest, and see that they are made anew when it starts."
)


def run(work: Work) -> None:
    """Delete host keys, the machine's id, leases, histories and logs."""
    _host_keys(work)
    tree = work.tree
    if tree.text(_MACHINE_ID):
        _empty(work, _MACHINE_ID)
    if tree.is_there(_DBUS) and not tree.g.is_symlink(_DBUS):
        _delete(work, _DBUS)
    for folder, suffix in _FOLDERS.items():
        names = (
            [f"{folder}/{name}" for name in _HISTORY]
            if folder == "/root"
            else tree.names(folder, suffix)
        )
        for path in names:
            if tree.is_there(path):
                _delete(work, path)
    logs = _logs(work, _LOGS, _DEPTH)
    for path in logs:
        if not work.is_dry:
            tree.g.truncate(path)
    if logs:
        work.deeds.done.append(f"{_LOGS}: {len(logs)} files are empty.")


def _host_keys(work: Work) -> None:
    keys = [
        path
        for path in work.tree.names("/etc/ssh")
        if posixpath.basename(path).startswith("ssh_host_") and "_key" in posixpath.basename(path)
    ]
    has_cloud_init = work.guest.has_cloud_init or work.tree.is_there("/usr/bin/cloud-init")
    if keys and not has_cloud_init:
        work.deeds.leave("Host keys stay: without cloud-init nobody makes new ones.", _NO_KEYS)
        return
    for path in keys:
        _delete(work, path)


def _delete(work: Work, path: str) -> None:
    if not work.is_dry:
        work.tree.g.rm(path)
    work.deeds.done.append(f"{path} is deleted.")


def _empty(work: Work, path: str) -> None:
    if not work.is_dry:
        work.tree.g.truncate(path)
    work.deeds.done.append(f"{path} is empty.")


def _logs(work: Work, folder: str, depth: int) -> list[str]:
    """Files with something in them; of a folder that is too large, none."""
    found = []
    for path in work.tree.names(folder):
        if work.tree.g.is_symlink(path):
            continue
        if work.tree.is_there(path):
            found += [path] if work.tree.g.filesize(path) else []
        elif depth and work.tree.is_folder(path):
            found += _logs(work, path, depth - 1)
    return found
