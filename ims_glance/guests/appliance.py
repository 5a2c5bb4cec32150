# SPDX-License-Identifier: Apache-2.0
"""Looks into a disk: a process of its own, in a sandbox, that has the virtual machine.

The process is :mod:`ims_glance.guests.inside`. It gets the request as JSON, says how far it is in lines of
JSON, and at last what it found, or why not. It is watched: when it says nothing for too long, or takes too
long, it is ended with all that it has started; so it is when this process ends.
"""

import contextlib
import dataclasses
import importlib.util
import json
import os
import selectors
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from oslo_config import cfg
from oslo_utils import units

from ims_glance.guests import machine, sandbox
from ims_glance.guests.layers import GuestDisk
from ims_glance.guests.refusals import (
    GuestHung,
    GuestRefused,
    GuestsUnavailable,
    NoMachineFree,
)
from ims_glance.model.guest.report import Report
from ims_glance.model.guest.wishes import Wishes
from ims_glance.model.market.scan.report import Scanned
from ims_glance.model.text.printable import printable

Answered = TypeVar("Answered")
Check = Callable[[], None]
Tell = Callable[[str, int, int], None]

# A machine that is well starts in ten seconds under KVM; one that is not says nothing for ever.
_TRYING = 60
_POLL = 1.0
_MOST_SAID = units.Mi
_SHOWN, _NAME = 300, 40
_SCRATCH = 512 * units.Mi
"""Of memory, at most, for what libguestfs and QEMU write beside the disk."""
_MODULES = ("guestfs", "nbd")
# For the machine's kernel, where all is emulated. What QEMU has translated of a program it finds again by the address that it
# was at; Linux puts it elsewhere at each start, so that each line of a shell script had the C library translated anew. And
# what copies a page by one instruction is emulated byte by byte; Linux has other ways. No wall is lower for it: a machine is
# taken for the guest's own anyway, whose programs are root in it, and what holds it is the sandbox around QEMU.
_EMULATED = "norandmaps clearcpuid=erms,fsrm,rep_good"
# What a process says that a guest has taken over may be anything: numbers that are none, lists without end.
_NO_ANSWER = (
    ValueError,
    TypeError,
    LookupError,
    AttributeError,
    OverflowError,
    RecursionError,
)


def check_there(conf: cfg.ConfigOpts) -> None:
    """See that disks can be looked into here, without starting anything.

    :raises GuestsUnavailable: if not; it says what is missing
    """
    for name in _MODULES:
        if importlib.util.find_spec(name) is None:
            raise GuestsUnavailable(f"Python's module '{name}' is not there")
    machine.check_there()


def examine(
    disk: GuestDisk,
    conf: cfg.ConfigOpts,
    wishes: Wishes,
    check: Check,
    tell: Tell | None = None,
    project_id: str = "",
) -> Report:
    """Look at the system on a disk, and make it ready if that is wished.

    Where it is not wished, nothing that is the matter with the system, or with this machine, is an error: the
    report says that nobody could look.

    :param check: called each second; raises something if there is no use in going on
    :param tell: told of each step before it begins: its name, its number from 1, how many there are
    :param project_id: for which project; no project has all machines
    :raises GuestRefused: if the system cannot be made ready
    :raises GuestsUnavailable: if that cannot be done here
    :raises ScratchFull: if there is no room for what is changed
    :raises Exception: what the source of the disk raises
    """
    try:
        result = _asked(disk, conf, wishes, check, tell or _silent, project_id)
        return _of_answer(Report.of_arguments, result)
    except (GuestRefused, GuestsUnavailable) as error:
        if wishes.is_config:
            raise
        return Report(notes=(f"Nobody could look into the disk: {error.details['reason']}.",))


def scan(
    disk: GuestDisk, conf: cfg.ConfigOpts, check: Check, tell: Tell, project_id: str
) -> Scanned:
    """Look for what is not to be sold with the systems on a disk, of which nothing is changed.

    What is the matter with a system is no error: what was found says that nobody could look.

    :param check: as for :func:`examine`, as *tell* and *project_id*
    :raises GuestsUnavailable: if nobody can look into disks here
    :raises NoMachineFree: if that takes too long
    :raises Exception: what the source of the disk raises
    """
    try:
        result = _asked(disk, conf, Wishes(is_scan=True), check, tell, project_id)
        return _of_answer(Scanned.of_arguments, result.get("scan") or {})
    except NoMachineFree:
        raise
    except GuestRefused as error:
        return Scanned(notes=(f"Nobody could look into the disk: {error.details['reason']}.",))


def _silent(name: str, number: int, of: int) -> None:
    """Tell nobody."""


def _asked(
    disk: GuestDisk,
    conf: cfg.ConfigOpts,
    wishes: Wishes,
    check: Check,
    tell: Tell,
    project_id: str,
) -> dict[str, Any]:
    """What the process answers."""

    def check_all() -> None:
        check()
        disk.check()

    check_there(conf)
    options, wishes = conf.ims_guests, _where_they_are(wishes)
    appliance = machine.appliance(check_all)
    patience = options.wait_seconds
    if not (wishes.is_config or wishes.is_scan):
        # Who looks in passing goes on without, rather than wait long for others' machines.
        patience = min(patience, options.look_seconds)
    bounds = machine.MachineBounds(
        options.appliances, options.project_appliances, project_id, patience
    )
    with machine.place(bounds, check_all):
        is_accelerated = machine.is_accelerated(
            options.accelerator, lambda: _starts_with_kvm(appliance, options.memory_mib, check)
        )
        socket = os.open(disk.socket, os.O_PATH | os.O_CLOEXEC)
        try:
            request = {
                "socket": socket,
                "is_writable": disk.writable,
                "memory_mib": options.memory_mib,
                "wishes": wishes.to_arguments(),
            }
            seen = [path for path in (wishes.package_dir, wishes.virtio_win_path) if path]
            child = Child(
                command(appliance, seen, is_accelerated=is_accelerated), request, [socket]
            )
        finally:
            os.close(socket)
        # Who only looks has no step that takes minutes, and others wait.
        seconds = options.seconds if wishes.is_config else options.look_seconds
        silent_seconds = min(seconds, options.silent_seconds)
        watch = Watch(seconds, silent_seconds, check_all)
        result = answer(child, watch, tell)
    disk.check()
    return {**result, "accelerated": is_accelerated}


def _of_answer(
    read: Callable[[Mapping[str, Any]], Answered], result: Mapping[str, Any]
) -> Answered:
    """An answer as a value.

    :raises GuestRefused: if it is none
    """
    try:
        return read(result)
    except _NO_ANSWER as error:
        raise GuestRefused("what looks at it says what is no answer") from error


def _where_they_are(wishes: Wishes) -> Wishes:
    """The same with the folders of the operator as the sandbox shows them: links to them are not there."""
    package_dir, virtio_win_path = (
        os.path.realpath(path) if path else None
        for path in (wishes.package_dir, wishes.virtio_win_path)
    )
    return dataclasses.replace(wishes, package_dir=package_dir, virtio_win_path=virtio_win_path)


def _starts_with_kvm(appliance: Path, memory_mib: int, check: Check) -> bool:
    """Whether a machine with an empty disk starts under KVM."""
    request = {"socket": None, "is_writable": False, "memory_mib": memory_mib}
    child = Child(command(appliance, [], is_accelerated=True), request, [])
    try:
        answer(child, Watch(_TRYING, _TRYING, check), _silent)
    except GuestRefused:
        return False
    return True


def command(appliance: Path, seen: Sequence[str], *, is_accelerated: bool) -> list[str]:
    """The command line of the process, which sees programs, libraries and what is named, for reading.

    :param seen: folders of the operator
    """
    code = Path(__file__).parents[1]
    # As this process has them; what is below /usr it sees anyway.
    libraries = [sys.prefix, sys.base_prefix, *(path for path in sys.path if os.path.isdir(path))]
    shown = dict.fromkeys(
        os.path.realpath(path)
        for path in (*libraries, *seen)
        # Nor all of this machine, of a worker that was started in the root folder.
        if not Path(os.path.realpath(path)).is_relative_to("/usr") and os.path.realpath(path) != "/"
    )
    binds = [word for path in (*shown, str(code)) for word in ("--ro-bind", path, path)]
    for part in machine.PARTS:
        binds += ["--ro-bind", str(appliance / part), f"/appliance/{part}"]
    # Its being there says that nothing has to be built.
    binds += ["--ro-bind", str(appliance / "initrd"), "/appliance/README.fixed"]
    if is_accelerated:
        binds += ["--dev-bind", "/dev/kvm", "/dev/kvm"]
    environment = {
        "PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
        "HOME": "/tmp",
        "LC_ALL": "C.UTF-8",
        "PYTHONPATH": os.pathsep.join([str(code.parent), *sys.path]),
        "PYTHONDONTWRITEBYTECODE": "1",
        "LIBGUESTFS_BACKEND": "direct",
        "LIBGUESTFS_BACKEND_SETTINGS": "force_kvm" if is_accelerated else "force_tcg",
        "LIBGUESTFS_PATH": "/appliance",
    }
    if not is_accelerated:
        environment["LIBGUESTFS_APPEND"] = _EMULATED
    variables = [word for pair in environment.items() for word in ("--setenv", *pair)]
    return [
        # The core of a machine that crashed would have the disk's data, readable.
        *(sandbox.program("prlimit"), "--core=0", "--"),
        *(sandbox.program("bwrap"), *sandbox.CONFINED, *sandbox.PROGRAMS),
        *("--proc", "/proc", "--dev", "/dev"),
        *("--size", str(_SCRATCH), "--tmpfs", "/tmp", "--symlink", "/tmp", "/var/tmp"),
        *(*binds, *variables, "--remount-ro", "/", "--chdir", "/", "--"),
        *(sys.executable, "-m", "ims_glance.guests.inside"),
    ]


class Child:
    """A process that was asked for something.

    :ivar said: what it says to us
    """

    def __init__(
        self, argv: Sequence[str], request: Mapping[str, Any], handed: Sequence[int]
    ) -> None:
        self._words = sandbox.Words()
        try:
            self._process = subprocess.Popen(
                argv,
                pass_fds=handed,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._words.theirs,
                env={},
                cwd="/",
                start_new_session=True,
            )
        except BaseException:
            # Nobody has it to end it.
            self._words.close()
            raise
        self._words.given()
        assert self._process.stdin
        assert self._process.stdout
        self.said = self._process.stdout
        with contextlib.suppress(BrokenPipeError):
            # If it is gone already, that shows when it is listened to.
            self._process.stdin.write(json.dumps(request).encode())
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.close()

    @property
    def pid(self) -> int:
        """Of its sandbox."""
        return self._process.pid

    def last_words(self) -> str:
        """What it said to nobody at last."""
        return self._words.last()

    def end(self) -> None:
        """End it, and all that it has started."""
        sandbox.kill(self._process)
        self.said.close()
        self._words.close()


class Watch:
    """How long a process may take.

    :param seconds: in all
    :param silent_seconds: without saying anything
    :param check: called each second
    """

    def __init__(self, seconds: float, silent_seconds: float, check: Check) -> None:
        self._silent_seconds = silent_seconds
        self._check = check
        self._end = time.monotonic() + seconds
        self.heard()

    def heard(self) -> None:
        """It has said something."""
        self._silent_end = time.monotonic() + self._silent_seconds

    def look(self) -> None:
        """See that all is well.

        :raises GuestHung: if it takes too long
        """
        self._check()
        now = time.monotonic()
        if now > self._end:
            raise GuestHung("it took too long, and was ended")
        if now > self._silent_end:
            raise GuestHung("it did nothing for too long, and was ended")


def answer(child: Child, watch: Watch, tell: Tell) -> dict[str, Any]:
    """What a child found, which is ended.

    :raises GuestRefused: if it found nothing
    """
    try:
        for line in _lines(child, watch):
            said = _parsed(line)
            if "result" in said:
                return dict(said["result"])
            if "error" in said:
                raise GuestRefused(printable(said["error"], _SHOWN))
            name, number, of = said["progress"]
            tell(printable(name, _NAME), int(number), int(of))
        raise GuestRefused(f"what looks at it has ended: {printable(child.last_words(), _SHOWN)}")
    except _NO_ANSWER as error:
        raise GuestRefused("what looks at it says what is no answer") from error
    finally:
        child.end()


def _parsed(line: bytes) -> dict[str, Any]:
    return dict(json.loads(line))


def _lines(child: Child, watch: Watch) -> Iterator[bytes]:
    """The lines that come, while it is watched."""
    buffer, total, said = b"", 0, child.said
    with selectors.DefaultSelector() as selector:
        selector.register(said, selectors.EVENT_READ)
        while True:
            watch.look()
            # There is room for more, so that what it says at last is known.
            child.last_words()
            if not selector.select(_POLL):
                continue
            part = os.read(said.fileno(), 1 << 16)
            if not part:
                return
            watch.heard()
            total += len(part)
            if total > _MOST_SAID:
                raise ValueError("it says too much")
            *lines, rest = (buffer + part).split(b"\n")
            yield from lines
            buffer = rest
