# SPDX-License-Identifier: Apache-2.0
"""Packages of a guest: what is installed, installed of the operator's folder, or taken away, by the guest's own tools.

They run in the appliance, which has no network.
"""

import contextlib
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from ims_glance.guests.inside.steps.step import Work
from ims_glance.guests.inside.tree import GuestProgramFailed, Tree

_LOOK, _INSTALL, _REMOVE = 60, 800, 300
"""Seconds that a guest's tools may take, where there is no virtualization; less than the operator's ``silent_seconds``,
so that the step fails and not the image."""
_MOST_PACKAGES = 200
_AT_ONCE = 12
"""Packages that are unpacked by one program: with all of them it would be silent for many minutes."""
_MOST_BYTES = 1 << 30
# As apt calls them: with %3a for the colon of an epoch.
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9+._~%-]{1,200}\.(?:deb|rpm)")
# What takes minutes there while packages are configured, and what stands in its place meanwhile. Python is compiled
# when its programs first run; certificates are collected once, by the trigger, instead of twice; a guest that had no
# locales needs none.
_SLOW = {
    "/usr/bin/py3compile": "/bin/true",
    "/usr/bin/py3clean": "/bin/true",
    "/usr/sbin/update-ca-certificates": "/bin/true",
    "/usr/sbin/locale-gen": "/bin/true",
}
_COMPILER_OF = "/usr/lib/python3.{minor}/py_compile.py"
_MINORS = range(4, 20)
_ENVIRONMENT = ["env", "DEBIAN_FRONTEND=noninteractive", "LC_ALL=C"]
_DPKG = [*_ENVIRONMENT, "dpkg", "--force-unsafe-io", "--force-confold", "-E", "-G"]
# python3-minimal wants python3.11-minimal, which its name comes before, to be configured already when it is unpacked. All
# are unpacked first here, and configured then, in the order that they want, which is not forced.
_UNPACK = [*_DPKG, "--force-depends", "--unpack"]
_POLICY = "/usr/sbin/policy-rc.d"


def supplied(work: Work) -> list[Path]:
    """Packages that the operator has for a guest: ``DISTRO/MAJOR/`` of their folder."""
    if work.wishes.package_dir is None or not work.guest.distro:
        return []
    folder = Path(work.wishes.package_dir) / work.guest.distro / str(work.guest.major)
    suffix = f".{work.guest.package_format}"
    if not folder.is_dir():
        return []
    found = [path for path in folder.iterdir() if path.suffix == suffix and path.is_file()]
    named = sorted(path for path in found if _NAME.fullmatch(path.name))
    is_much = sum(path.stat().st_size for path in named) > _MOST_BYTES
    return [] if is_much or len(named) > _MOST_PACKAGES else named


def installed(tree: Tree, names: Sequence[str]) -> list[str]:
    """Which of these packages are installed; read from the package database, or asked of ``rpm``.

    :raises GuestProgramFailed: if its tool does not answer
    """
    if tree.is_there("/var/lib/dpkg/status"):
        return [name for name in names if _deb_is_installed(tree, name)]
    if tree.is_folder("/lib/apk/db"):
        # Not read whole: "apk" leaves out what is not there.
        return list(names)
    return [name for name in names if tree.is_folder("/var/lib/rpm") and _rpm(tree, name)]


def _deb_is_installed(tree: Tree, name: str) -> bool:
    paths = [f"/var/lib/dpkg/info/{name}.list", f"/var/lib/dpkg/info/{name}:amd64.list"]
    return any(tree.is_there(path) for path in paths)


def _rpm(tree: Tree, name: str) -> bool:
    try:
        tree.run(["rpm", "-q", name], _LOOK)
    except GuestProgramFailed:
        return False
    return True


def install(work: Work, packages: Sequence[Path]) -> None:
    """Install packages that are not there; if one cannot be, none is.

    :param packages: files of the worker
    :raises GuestProgramFailed: if the guest's tool refuses one
    """
    tree = work.tree
    is_deb = work.guest.package_format == "deb"
    wanted = [path for path in packages if not (is_deb and _deb_is_installed(tree, _name(path)))]
    folder = tree.g.mkdtemp("/var/tmp/imsXXXXXX")
    try:
        inside = [f"{folder}/{path.name}" for path in wanted]
        for path, target in zip(wanted, inside, strict=True):
            tree.g.upload(str(path), target)
        if is_deb:
            _dpkg(tree, inside, [_name(path) for path in wanted])
        else:
            tree.run(["rpm", "-U", "--oldpackage", "--replacepkgs", *inside], _INSTALL)
    finally:
        tree.g.rm_rf(folder)
    if not is_deb and tree.is_there("/etc/selinux/config"):
        # What rpm writes where SELinux does not run has no labels.
        tree.g.write("/.autorelabel", b"")


def _name(path: Path) -> str:
    return path.name.partition("_")[0]


def _dpkg(tree: Tree, files: Sequence[str], names: Sequence[str]) -> None:
    with _quiet(tree):
        try:
            for first in range(0, len(files), _AT_ONCE):
                tree.run([*_UNPACK, *files[first : first + _AT_ONCE]], _INSTALL)
            # Python itself may be among them: only now is its compiler there.
            with _covered(tree):
                tree.run([*_DPKG, "--no-triggers", "--configure", *names], _INSTALL)
            tree.run([*_DPKG, "--triggers-only", "-a"], _INSTALL)
        except GuestProgramFailed:
            tree.run([*_DPKG, "--force-all", "--purge", *names], _REMOVE)
            raise


@contextlib.contextmanager
def _quiet(tree: Tree) -> Iterator[None]:
    """While packages change, no service is started or stopped."""
    if tree.is_there(_POLICY):
        yield
        return
    tree.g.write(_POLICY, b"#!/bin/sh\nexit 101\n")
    tree.g.chmod(0o755, _POLICY)
    try:
        yield
    finally:
        tree.g.rm(_POLICY)


@contextlib.contextmanager
def _covered(tree: Tree) -> Iterator[None]:
    """While packages are configured, nothing slow is done that can be done later."""
    own = {_COMPILER_OF.format(minor=minor): "/dev/null" for minor in _MINORS}
    covered = []
    try:
        for path, cover in {**_SLOW, **own}.items():
            if tree.is_there(path):
                tree.run(["mount", "--bind", cover, path], _LOOK)
                covered.append(path)
        yield
    finally:
        for path in covered:
            tree.run(["umount", path], _LOOK)


def remove(work: Work, names: Sequence[str]) -> None:
    """Take packages away, with their settings.

    :raises GuestProgramFailed: if others need them, or the tool fails
    """
    tools = {
        "deb": [*_ENVIRONMENT, "dpkg", "--force-unsafe-io", "--purge"],
        "rpm": ["rpm", "-e"],
        "apk": ["apk", "del", "--no-network"],
    }
    with _quiet(work.tree) if work.guest.package_format == "deb" else contextlib.nullcontext():
        work.tree.run([*tools[work.guest.package_format or "rpm"], *names], _REMOVE)
