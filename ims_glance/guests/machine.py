# SPDX-License-Identifier: Apache-2.0
"""The virtual machine in which strangers' file systems are read: libguestfs's appliance.

It is a small Linux that libguestfs (supermin) makes of this machine's own programs, once, and anew when they
change. What is remembered of it is in a folder that only the worker's user can write: the appliance, how
many machines run, and whether KVM works here.
"""

import contextlib
import fcntl
import glob
import os
import platform
import stat
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from ims_glance.guests.refusals import PACKAGES, GuestsUnavailable
from ims_glance.guests.sandbox import program

PARTS = ("kernel", "initrd", "root")
"""Files of an appliance."""

_CACHE = "/var/tmp"
_SUPERMIN = ("/usr/lib/*/guestfs/supermin.d", "/usr/lib*/guestfs/supermin.d")
_BUILDING = 900
_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
_WAITING = 0.5

Check = Callable[[], None]


def folder() -> Path:
    """The folder of what is remembered: libguestfs's own, so that its appliance is made once.

    :raises GuestsUnavailable: if it is not this user's alone
    """
    found = Path(_CACHE, f".guestfs-{os.geteuid()}")
    try:
        found.mkdir(mode=0o700, exist_ok=True)
        state = found.lstat()
    except OSError as error:
        raise GuestsUnavailable(f"the folder of libguestfs: {error}", f"free {found}") from error
    is_theirs = state.st_uid != os.geteuid() or state.st_mode & 0o022
    if is_theirs or not stat.S_ISDIR(state.st_mode):
        raise GuestsUnavailable(f"others may write to {found}", f"remove {found}")
    return found


def appliance() -> Path:
    """The folder of an appliance that is of today's programs.

    :raises GuestsUnavailable: if it cannot be made
    """
    made = folder() / "appliance.d"
    sources = next((each for pattern in _SUPERMIN for each in glob.glob(pattern)), None)
    if sources is None:
        raise GuestsUnavailable("libguestfs is not installed")
    command = [
        *(program("supermin"), "--build", "--if-newer", "--lock", str(folder() / "lock")),
        *("--copy-kernel", "-f", "ext2", "--host-cpu", platform.machine()),
        *(sources, "-o", str(made)),
    ]
    try:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
            timeout=_BUILDING,
            env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "TMPDIR": _CACHE},
        )
    except subprocess.TimeoutExpired as error:
        raise GuestsUnavailable("supermin does not end", "supermin --build") from error
    if done.returncode:
        said = done.stderr.decode("ascii", "replace").strip()[-300:]
        advice = "a kernel in /boot that the worker may read; free room in /var/tmp"
        raise GuestsUnavailable(f"supermin makes no appliance: {said}", advice)
    return made


@contextlib.contextmanager
def place(many: int, check: Check) -> Iterator[None]:
    """Wait until fewer than *many* machines run here; then have one of the places."""
    with contextlib.ExitStack() as stack:
        places = []
        for number in range(many):
            opened = os.open(
                folder() / f"ims-machine-{number}", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600
            )
            stack.callback(os.close, opened)
            places.append(opened)
        while not any(_has(each) for each in places):
            check()
            time.sleep(_WAITING)
        yield


def _has(opened: int) -> bool:
    try:
        fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def is_accelerated(accelerator: str, works: Callable[[], bool]) -> bool:
    """Whether machines run under KVM here.

    :param accelerator: what the operator says: ``auto`` or ``tcg``
    :param works: tries it; is asked once between two starts of this machine
    """
    if accelerator == "tcg" or not os.access("/dev/kvm", os.R_OK | os.W_OK):
        return False
    remembered = folder() / "ims-kvm"
    boot = _BOOT_ID.read_text().strip()
    with contextlib.suppress(OSError, ValueError):
        when, found = remembered.read_text().split()
        if when == boot:
            return found == "works"
    found = "works" if works() else "fails"
    new = remembered.with_suffix(f".{os.getpid()}")
    new.write_text(f"{boot} {found}\n")
    new.rename(remembered)
    return found == "works"


def check_there() -> None:
    """See that the programs are there, without starting any.

    :raises GuestsUnavailable: if they are not
    """
    for name in ("bwrap", "prlimit", "qemu-storage-daemon", "qemu-img", "supermin"):
        program(name)
    program(f"qemu-system-{platform.machine()}")
    if not any(glob.glob(pattern) for pattern in _SUPERMIN):
        raise GuestsUnavailable("libguestfs is not installed", f"packages: {' '.join(PACKAGES)}")
