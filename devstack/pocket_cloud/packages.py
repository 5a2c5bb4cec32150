# SPDX-License-Identifier: Apache-2.0
"""Debian's packages and the virtual environment: installed when missing, and only then."""

import os
import subprocess
import sysconfig
import tomllib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from pocket_cloud import installers, process, template
from pocket_cloud.activity import Activity
from pocket_cloud.cloud import Cloud
from pocket_cloud.errors import PocketError, StepFailed
from pocket_cloud.installers import Apt, Installer, Pip
from pocket_cloud.plan import Progress
from pocket_cloud.service import digest

# Servers, tools, and a compiler for the two Python packages that have no wheels.
LIGHT = (
    "ca-certificates", "gcc", "git", "iproute2", "libc6-dev", "mariadb-client", "mariadb-server",
    "pkg-config", "procps", "python3-dev", "python3-venv", "util-linux",
)  # fmt: skip
# What systems in images are looked at with: in sandboxes, and in a virtual machine. Its kernel is that of
# this machine, or any other that is in /boot.
GUESTS = (
    "bubblewrap", "libguestfs-xfs", "libguestfs0", "libnbd-bin", "linux-image-cloud-amd64",
    "ntfs-3g", "python3-guestfs", "python3-hivex", "python3-libnbd", "qemu-block-extra",
    "qemu-system-x86", "qemu-utils",
)  # fmt: skip
FULL = (
    *LIGHT,
    *GUESTS,
    "busybox-static", "ceph-common", "ceph-mgr", "ceph-mon", "ceph-osd", "dosfstools",
    "genisoimage",
    "libvirt-clients", "libvirt-daemon", "libvirt-daemon-driver-qemu", "libvirt-daemon-system",
    "libvirt-dev", "mtools", "python3-ceph-argparse", "python3-rados", "python3-rbd",
    "qemu-guest-agent", "rabbitmq-server", "radosgw", "syslinux",
)  # fmt: skip
TEST = (*GUESTS, "chromium", "fonts-noto-cjk", "mmdebstrap", "shellcheck")

# This Python is only in Debian; it is made for the same interpreter.
DEBIAN_PYTHON = Path("/usr/lib/python3/dist-packages")
_SUFFIX = sysconfig.get_config_var("EXT_SUFFIX")
CEPH = (f"rados{_SUFFIX}", f"rbd{_SUFFIX}", "ceph_argparse.py")
LINKED = (
    "guestfs.py", "hivex", f"libguestfsmod{_SUFFIX}", f"libhivexmod{_SUFFIX}", f"libnbdmod{_SUFFIX}",
    "nbd.py",
)  # fmt: skip

_HERE = Path(__file__).parent
_CONSTRAINTS = _HERE / "constraints.txt"
_POLICY = Path("/usr/sbin/policy-rc.d")


def ensure(cloud: Cloud, is_light: bool, progress: Progress) -> None:
    """Install what the profile needs.

    :raises StepFailed: if apt or pip fail.
    """
    debian(cloud, LIGHT if is_light else FULL, progress)
    if not (cloud.venv / "bin" / "python").exists():
        with _timed(progress, "python-environment") as activity:
            command = ["/usr/bin/python3", "-m", "venv", str(cloud.venv)]
            how = Installer("making the environment")
            _run(cloud, "python-environment", command, how, activity)
    files = ["requirements.txt"] if is_light else ["requirements.txt", "requirements-full.txt"]
    for name in files:
        requirements = (_HERE / name).read_text()
        python(cloud, Path(name).stem, ["-r", str(_HERE / name)], requirements, progress)
    _check_uwsgi(cloud, progress)
    _plugin(cloud, "service" if is_light else "market,s3,swift", progress)
    if not is_light:
        _link_debian_python(cloud.venv, (*CEPH, *LINKED))
    _byte_code(cloud, progress)


def ensure_test(cloud: Cloud, progress: Progress) -> None:
    """Install what linting and testing need: the extras of ``pyproject.toml``."""
    debian(cloud, TEST, progress)
    _link_debian_python(cloud.venv, LINKED)
    project = tomllib.loads((cloud.checkout / "pyproject.toml").read_text())["project"]
    extras: dict[str, list[str]] = project["optional-dependencies"]
    listed = (requirement for extra in sorted(extras) for requirement in extras[extra])
    # Some extras name others.
    wanted = [requirement for requirement in listed if not requirement.startswith(project["name"])]
    python(cloud, "requirements-test", wanted, "\n".join(wanted), progress)
    _byte_code(cloud, progress)


def missing(installed: str, wanted: Iterable[str]) -> list[str]:
    """Which of *wanted* are not installed, by dpkg-query's ``package status`` lines."""
    there = {line.split()[0] for line in installed.splitlines() if line.endswith(" installed")}
    return [name for name in wanted if name not in there]


def debian(cloud: Cloud, wanted: tuple[str, ...], progress: Progress) -> None:
    """Install Debian packages that are missing, without starting any service of theirs."""
    query = ["dpkg-query", "-W", "-f", "${Package} ${db:Status-Status}\n", *wanted]
    found = subprocess.run(query, capture_output=True, text=True, check=False).stdout
    absent = missing(found, wanted)
    if not absent:
        return
    if os.geteuid() != 0:
        raise PocketError("only root can install packages: " + " ".join(absent))
    name = "debian-packages"
    with _timed(progress, name) as activity, _no_services_started():
        lists = Apt("reading the lists of packages")
        _run(cloud, name, [*Apt.COMMAND, "update", "-q"], lists, activity)
        options = ["-q", "-y", "--no-install-recommends", *Apt.OPTIONS]
        what = Apt(f"installing {len(absent)} packages and what they need")
        _run(cloud, name, [*Apt.COMMAND, "install", *options, *absent], what, activity)


@contextmanager
def _no_services_started() -> Iterator[None]:
    """Debian starts a server when it installs it, unless this file of the administrator forbids."""
    before = (_POLICY.read_bytes(), _POLICY.stat().st_mode) if _POLICY.exists() else None
    _POLICY.write_text("#!/bin/sh\nexit 101\n")
    _POLICY.chmod(0o755)
    try:
        yield
    finally:
        if before:
            _POLICY.write_bytes(before[0])
            _POLICY.chmod(before[1] & 0o7777)
        else:
            _POLICY.unlink()


def python(cloud: Cloud, name: str, arguments: list[str], mark: str, progress: Progress) -> None:
    """``pip install`` *arguments*, unless that was done for the same *mark* before."""
    stamp = cloud.venv / ".pocket" / name
    wanted = digest(mark, _CONSTRAINTS.read_text())
    if stamp.exists() and stamp.read_text() == wanted:
        return
    with _timed(progress, f"python-{name}") as activity:
        pip = [str(cloud.venv / "bin" / "pip"), "install", "--disable-pip-version-check"]
        command = [*pip, "--no-compile", "-c", str(_CONSTRAINTS), *arguments]
        how = Pip("looking for what is needed", _libraries(cloud.venv))
        _run(cloud, f"python-{name}", command, how, activity)
    template.write(stamp, wanted, 0o644)


def _byte_code(cloud: Cloud, progress: Progress) -> None:
    """Compile what pip installed, by all processors: pip would by one, and the packages' tests, too."""
    stamp = cloud.venv / ".pocket" / "byte-code"
    others = sorted(path for path in stamp.parent.glob("*") if path != stamp)
    wanted = digest(*(path.read_text() for path in others))
    if stamp.exists() and stamp.read_text() == wanted:
        return
    with _timed(progress, "python-byte-code") as activity:
        command = [str(cloud.venv / "bin" / "python"), "-m", "compileall", "-q", "-j", "0"]
        folder = str(_libraries(cloud.venv))
        log = cloud.log("python-byte-code")
        log.parent.mkdir(parents=True, exist_ok=True)
        # Not those of a checkout that lies in such a folder itself.
        left_out = ["-x", r"/site-packages/.*/tests?/"]
        # What cannot be compiled, a template say, is no matter here.
        installers.run([*command, *left_out, folder], log, Installer("compiling"), activity)
    template.write(stamp, wanted, 0o644)


def _plugin(cloud: Cloud, extras: str, progress: Progress) -> None:
    """The checkout itself, editable, and what it needs; again when what it declares has changed."""
    declared = [(cloud.checkout / name).read_text() for name in ("pyproject.toml", "setup.cfg")]
    what = f"{cloud.checkout}[{extras}]"
    arguments = ["--no-build-isolation", "-e", what]
    python(cloud, "ims_glance", arguments, "\n".join((what, *declared)), progress)


def _check_uwsgi(cloud: Cloud, progress: Progress) -> None:
    """Build uWSGI anew if pip took one that it had once built for another Python of this version.

    Services would not start: ``No module named '_socket'``.
    """
    programs = cloud.venv / "bin"
    version = [
        subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()
        for command in (
            [str(programs / "uwsgi"), "--python-version"],
            [str(programs / "python"), "-c", "import platform; print(platform.python_version())"],
        )
    ]
    if version[0] != version[1]:
        (cloud.venv / ".pocket" / "uwsgi").unlink(missing_ok=True)
        anew = ["--force-reinstall", "--no-cache-dir", "--no-deps", "uwsgi"]
        python(cloud, "uwsgi", anew, version[1], progress)


def _libraries(venv: Path) -> Path:
    return venv / "lib" / f"python{sysconfig.get_python_version()}" / "site-packages"


def _link_debian_python(venv: Path, names: Iterable[str]) -> None:
    libraries = _libraries(venv)
    for name in names:
        link = libraries / name
        if not link.is_symlink():
            link.symlink_to(DEBIAN_PYTHON / name)


@contextmanager
def _timed(progress: Progress, name: str) -> Iterator[Activity]:
    progress(name, "being installed (minutes, the first time)")
    begin = progress.seconds
    yield Activity(progress, name)
    progress(name, f"installed in {progress.seconds - begin:.0f} s")


def _run(
    cloud: Cloud, name: str, command: list[str], installer: Installer, activity: Activity
) -> None:
    log = cloud.log(name)
    log.parent.mkdir(parents=True, exist_ok=True)
    code = installers.run(command, log, installer, activity)
    if code:
        reason = f"it failed with exit code {code}; the end of {log}:"
        raise StepFailed(name, reason, process.tail(log))
