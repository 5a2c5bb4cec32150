# SPDX-License-Identifier: Apache-2.0
"""The virtual machine in which strangers' file systems are read: libguestfs's appliance.

It is a small Linux that libguestfs (supermin) makes of this machine's own programs, once, and anew when they
change. What is remembered of it is in a folder that only the worker's user can write: the appliance, how
many machines run, and whether KVM works here.
"""

import contextlib
import dataclasses
import fcntl
import glob
import hashlib
import os
import platform
import shutil
import stat
import struct
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from ims_glance.guests.refusals import PACKAGES, GuestsUnavailable, NoMachineFree
from ims_glance.guests.sandbox import Words, kill, program

PARTS = ("kernel", "initrd", "root")
"""Files of an appliance."""

_CACHE = "/var/tmp"
_SUPERMIN = ("/usr/lib/*/guestfs/supermin.d", "/usr/lib*/guestfs/supermin.d")
_BUILDING = 900
_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
_WAITING = 0.5
_TRIED_AGAIN = 3600
"""Seconds after which a KVM that did not work is tried once more."""
_TEMPORARY = "ims-supermin-"
_PLACES_BITS = 10
# A lock of processes keeps no thread of this one out, and ends with the first that closes the file.
_TIDYING = threading.Lock()

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


def appliance(check: Check) -> Path:
    """The folder of an appliance that is of today's programs.

    :param check: called while it is made, which takes half a minute or more; raises something if there is no use in it
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
        _tidy()
        beside = tempfile.TemporaryDirectory(
            prefix=_TEMPORARY, dir=folder(), ignore_cleanup_errors=True
        )
    except OSError as error:
        raise GuestsUnavailable(
            f"the folder of libguestfs: {error}", f"free room in {_CACHE}"
        ) from error
    with beside as temporary:
        _build(command, temporary, check)
    return made


def _build(command: Sequence[str], temporary: str, check: Check) -> None:
    """Run supermin, which leaves what it has begun when it is ended."""
    with contextlib.closing(Words()) as words:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=words.theirs,
            env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "TMPDIR": temporary},
            start_new_session=True,
        )
        try:
            _await(process, words, check)
        except BaseException:
            kill(process)
            with contextlib.suppress(OSError):
                _tidy()
            raise
        if process.returncode:
            advice = "a kernel in /boot that the worker may read; free room in /var/tmp"
            raise GuestsUnavailable(f"supermin makes no appliance: {words.last()}", advice)


def _await(process: subprocess.Popen[bytes], words: Words, check: Check) -> None:
    end = time.monotonic() + _BUILDING
    while process.poll() is None:
        check()
        if time.monotonic() > end:
            raise GuestsUnavailable("supermin does not end", "supermin --build")
        # There is room for more.
        words.last()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(_WAITING)


def _tidy() -> None:
    """Delete what supermin was ended with, or its worker, unless somebody is at it.

    It writes to such a folder, and renames it, under a lock of its own (``fcntl``'s, of processes).
    """
    with _TIDYING, (folder() / "lock").open("a") as lock:
        try:
            fcntl.lockf(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return
        # What waits for the lock has a folder for temporary files, too.
        old = [each for each in folder().glob(f"{_TEMPORARY}*") if _age(each) > 2 * _BUILDING]
        for begun in (*folder().glob("appliance.d.*"), *old):
            shutil.rmtree(begun, ignore_errors=True)


def _age(path: Path) -> float:
    """Seconds since it was changed; of what is gone, none."""
    try:
        return time.time() - path.stat().st_mtime
    except FileNotFoundError:
        return 0.0


@dataclasses.dataclass(frozen=True)
class MachineBounds:
    """How many machines run at once here.

    :ivar many: in all
    :ivar of_project: for one project
    :ivar project_id: for which one this is
    :ivar seconds: how long it is waited for a place
    """

    many: int
    of_project: int = 1
    project_id: str = ""
    seconds: float = 3600.0


@contextlib.contextmanager
def place(bounds: MachineBounds, check: Check) -> Iterator[None]:
    """Wait until fewer machines run here than may; then have one of the places.

    A project's own bound is waited for first, so that who has no place there takes none from others.

    :param check: called while it is waited for; raises something if there is no use in it
    :raises NoMachineFree: if that takes too long
    """
    end = time.monotonic() + bounds.seconds
    with contextlib.ExitStack() as stack:

        def wait(take: Callable[[int], bool], many: int) -> None:
            while not any(take(number) for number in range(many)):
                check()
                if time.monotonic() > end:
                    raise NoMachineFree(bounds.seconds)
                time.sleep(_WAITING)

        projects = _opened(stack, "ims-projects")
        first = _number_of(bounds.project_id)
        wait(lambda number: _has_byte(projects, first + number), bounds.of_project)
        places = [_opened(stack, f"ims-machine-{number}") for number in range(bounds.many)]
        wait(lambda number: _has(places[number]), bounds.many)
        yield


def _opened(stack: contextlib.ExitStack, name: str) -> int:
    opened = os.open(folder() / name, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    stack.callback(os.close, opened)
    return opened


def _number_of(project_id: str) -> int:
    """Where the places of a project begin in the file of all, which is empty: only its bytes are locked."""
    digest = hashlib.sha256(project_id.encode()).digest()
    return int.from_bytes(digest[:6], "big") << _PLACES_BITS


def _has(opened: int) -> bool:
    try:
        fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _has_byte(opened: int, number: int) -> bool:
    """Lock one byte, for whoever has the file open in this way: other threads are others, too (fcntl(2))."""
    wanted = struct.pack("hhqqi4x", fcntl.F_WRLCK, os.SEEK_SET, number, 1, 0)
    try:
        fcntl.fcntl(opened, fcntl.F_OFD_SETLK, wanted)
    except (BlockingIOError, PermissionError):
        return False
    return True


def is_accelerated(accelerator: str, works: Callable[[], bool]) -> bool:
    """Whether machines run under KVM here.

    :param accelerator: what the operator says: ``auto`` or ``tcg``
    :param works: tries it; is asked once between two starts of this machine, and again after an hour if it does not
    """
    if accelerator == "tcg" or not os.access("/dev/kvm", os.R_OK | os.W_OK):
        return False
    remembered = folder() / "ims-kvm"
    boot = _BOOT_ID.read_text().strip()
    with contextlib.suppress(OSError, ValueError):
        when, found = remembered.read_text().split()
        # Perhaps it lacked memory, or time.
        is_old = time.time() - remembered.stat().st_mtime > _TRIED_AGAIN
        if when == boot and (found == "works" or not is_old):
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
