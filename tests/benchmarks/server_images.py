# SPDX-License-Identifier: Apache-2.0
"""Disks of a Debian server and of what becomes of it, for copies that follow an older one.

``first`` is a server of Debian 12's point release, ``upgraded`` the same after its security updates,
``trimmed`` that after ``fstrim``, ``used`` the upgraded one after a day's work, ``rebuilt`` the first one's
recipe with the updates. Each is 4 GiB raw. Root is needed for it: they are mounted.
"""

import contextlib
import os
import shutil
import subprocess
import tempfile
import zlib
from collections.abc import Iterator
from pathlib import Path

_SIZE = "4G"
_MIRROR = "http://deb.debian.org"
_POINT_RELEASE = f"deb {_MIRROR}/debian bookworm main"
_UPDATES = f"deb {_MIRROR}/debian-security bookworm-security main"
_PACKAGES = "linux-image-amd64,cloud-init,openssh-server,nginx,git,python3"
# No services are started, and nobody is asked.
_ENV = {"DEBIAN_FRONTEND": "noninteractive", "RUNLEVEL": "1", "LC_ALL": "C"}
_POLICY = "usr/sbin/policy-rc.d"
_LOG_MIB = 40


def make(folder: Path, *names: str) -> dict[str, Path]:
    """Make those disks that are not there yet; name -> raw disk.

    :param names: of those that are needed, and of all that these are made of; all unless given
    """
    folder.mkdir(parents=True, exist_ok=True)
    disks = {name: folder / f"{name}.raw" for name in names or _RECIPES}
    for name, disk in disks.items():
        if not disk.exists():
            unfinished = disk.with_suffix(".unfinished")
            unfinished.unlink(missing_ok=True)
            _RECIPES[name](disks, unfinished)
            unfinished.rename(disk)
    return disks


def as_qcow2(disk: Path) -> Path:
    """The same disk as ``qemu-img`` writes it; beside it."""
    return converted(disk, "qcow2")


def converted(disk: Path, form: str, *options: str) -> Path:
    """The same in a format of ``qemu-img``'s, with further options; beside it."""
    made = disk.with_suffix(f".{form}")
    if not made.exists():
        part = disk.with_suffix(f".{form}.part")
        _run("qemu-img", "convert", "-f", "raw", "-O", form, *options, disk, part)
        part.rename(made)
    return made


def _first(_disks: dict[str, Path], made: Path) -> None:
    _bootstrapped(made, _POINT_RELEASE)


def _rebuilt(_disks: dict[str, Path], made: Path) -> None:
    _bootstrapped(made, _POINT_RELEASE, _UPDATES)


def _upgraded(disks: dict[str, Path], made: Path) -> None:
    with _changed(disks["first"], made) as root:
        sources = root / "etc/apt/sources.list"
        sources.write_text(f"{_POINT_RELEASE}\n{_UPDATES}\n")
        _apt(root, "update")
        _apt(root, "full-upgrade")
        _apt(root, "clean")


def _trimmed(disks: dict[str, Path], made: Path) -> None:
    with _changed(disks["upgraded"], made) as root:
        _run("fstrim", root)


def _used(disks: dict[str, Path], made: Path) -> None:
    with _changed(disks["upgraded"], made) as root:
        _apt(root, "update")
        _apt(root, "install", "postgresql-15")
        line = "Nov 29 12:00:00 server nginx: 192.0.2.{} GET /index.html {} {}\n"
        with (root / "var/log/site.log").open("w") as log:
            number = 0
            while log.tell() < _LOG_MIB << 20:
                log.write(line.format(number % 251, number, zlib.crc32(b"%d" % number)))
                number += 1
        shutil.copytree(root / "usr/share/doc", root / "srv/doc", symlinks=True)


_RECIPES = {
    "first": _first,
    "upgraded": _upgraded,
    "trimmed": _trimmed,
    "used": _used,
    "rebuilt": _rebuilt,
}


def _bootstrapped(made: Path, *sources: str) -> None:
    with tempfile.TemporaryDirectory(dir=made.parent) as folder:
        root = Path(folder, "root")
        command = ("mmdebstrap", "--variant=important", f"--include={_PACKAGES}", "bookworm")
        _run(*command, root, *sources)
        _run("mke2fs", "-q", "-t", "ext4", "-d", root, made, _SIZE)


@contextlib.contextmanager
def _changed(disk: Path, made: Path) -> Iterator[Path]:
    """The root of a copy of a disk, as a system that apt can work on."""
    _run("cp", "--sparse=always", disk, made)
    with tempfile.TemporaryDirectory(dir=made.parent) as folder, contextlib.ExitStack() as stack:
        root = Path(folder)
        _run("mount", "-o", "loop", made, root)
        stack.callback(_run, "umount", "--recursive", root)
        for name in ("proc", "dev"):
            _run("mount", "--bind", f"/{name}", root / name)
        policy = root / _POLICY
        policy.write_text("#!/bin/sh\nexit 101\n")
        policy.chmod(0o755)
        stack.callback(policy.unlink)
        yield root


def _apt(root: Path, *arguments: str) -> None:
    """Run this machine's apt on a system, with this machine's way to the mirror."""
    options = {"Dir": root, "DPkg::Chroot-Directory": root, "APT::Sandbox::User": "root"}
    given = [f"--option={name}={value}" for name, value in options.items()]
    _run("apt-get", "--quiet=2", "--assume-yes", *given, *arguments)


def _run(*command: str | Path) -> None:
    words = [str(word) for word in command]
    environment = {**os.environ, **_ENV}
    done = subprocess.run(words, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{' '.join(words)}: {done.stdout[-2000:]}{done.stderr[-2000:]}")
