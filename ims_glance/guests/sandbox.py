# SPDX-License-Identifier: Apache-2.0
"""Programs that read strangers' bytes see nothing of this machine but ``/usr``.

bubblewrap gives them name spaces of their own, with no network, no other process and no file of this
machine but the programs and libraries, which they cannot change. What they work with they get as open files,
and they end with the thread that started them. Those that read a stranger's format have an unprivileged user, also
where the worker is root; the one with the virtual machine, which sees raw disks alone, has the worker's,
without its capabilities.
"""

import contextlib
import os
import shutil
import signal
import subprocess
from collections.abc import Sequence

from ims_glance.guests.refusals import GuestsUnavailable

NOBODY = 65534
"""User and group where the worker is root."""

CONFINED = (
    "--unshare-all", "--unshare-user", "--disable-userns", "--die-with-parent", "--cap-drop", "ALL",
    "--clearenv",
)  # fmt: skip
"""Arguments of bubblewrap: no network, no other processes, no privileges, and an end with who started it."""
PROGRAMS = (
    "--ro-bind", "/usr", "/usr", "--symlink", "usr/lib", "/lib", "--symlink", "usr/lib64", "/lib64",
    "--symlink", "usr/bin", "/bin", "--symlink", "usr/sbin", "/sbin",
    "--ro-bind-try", "/etc/ld.so.cache", "/etc/ld.so.cache",
)  # fmt: skip
"""And programs and libraries, for reading."""
_MEMORY = 1 << 30
_STACK = 1 << 20
# Where disks are slow, QEMU has 64 threads that wait for them. With glibc's defaults each takes 8 MiB of addresses, and of the
# first ones (eight a processor) 64 more for memory of its own: more than there are, and no further thread begins.
_LEAN = ("--setenv", "MALLOC_ARENA_MAX", "1")
_FILES = 64
_SAID = 300
_READS, _SAID_AT_ONCE = 4, 1 << 16


def program(name: str) -> str:
    """The path of a program.

    :raises GuestsUnavailable: if it is not installed
    """
    path = shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/bin:/sbin:/bin")
    if path is None:
        raise GuestsUnavailable(f"the program '{name}' is not installed")
    return path


class Words:
    """What a program says to nobody (its standard error): a pipe, of which the end is remembered.

    Nothing of it is on a disk, however much it is. What does not fit into the pipe before it is read is lost, and keeps
    nobody waiting.

    :ivar theirs: the end that the program gets
    """

    def __init__(self) -> None:
        self._ours, self.theirs = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
        self._end = b""

    def given(self) -> None:
        """The program has its end."""
        os.close(self.theirs)
        self.theirs = -1

    def last(self) -> str:
        """The end of what it has said so far."""
        # More than once around a pipe there is only if somebody writes meanwhile.
        for _ in range(_READS):
            try:
                part = os.read(self._ours, _SAID_AT_ONCE)
            except BlockingIOError:
                break
            if not part:
                break
            self._end = (self._end + part)[-_SAID:]
        return self._end.decode("ascii", "replace").strip()

    def close(self) -> None:
        """It is forgotten."""
        if self.theirs >= 0:
            self.given()
        os.close(self._ours)


class Sandboxed:
    """A program in its sandbox, until :meth:`kill`.

    :param command: program and arguments; the program lies in ``/usr``
    :param handed: open files that it gets, by the same numbers
    :param file_size: bytes of the largest file that it may write
    :param sees_itself: whether it has a ``/proc``, with itself alone in it: to open what it was handed
    :raises GuestsUnavailable: if there is no sandbox on this machine
    """

    def __init__(
        self,
        command: Sequence[str],
        handed: Sequence[int],
        *,
        file_size: int,
        sees_itself: bool = False,
    ) -> None:
        limits = [f"--as={_MEMORY}", f"--stack={_STACK}", f"--fsize={file_size}"]
        limits += [f"--nofile={_FILES}", "--core=0"]
        proc = ["--proc", "/proc"] if sees_itself else []
        wrapped = [
            *(program("prlimit"), *limits, "--"),
            *(
                program("bwrap"),
                *CONFINED,
                *_LEAN,
                *PROGRAMS,
                *proc,
                "--remount-ro",
                "/",
                "--chdir",
                "/",
                "--",
            ),
            *command,
        ]
        nobody = NOBODY if os.geteuid() == 0 else None
        self._said = Words()
        try:
            self._process = subprocess.Popen(
                wrapped,
                pass_fds=handed,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=self._said.theirs,
                cwd="/",
                env={},
                user=nobody,
                group=nobody,
                extra_groups=None if nobody is None else [],
                start_new_session=True,
                # Too large a file is an error for it, and not its end: Python ignores SIGXFSZ.
                restore_signals=False,
            )
        except BaseException:
            # Nobody has it to kill it.
            self._said.close()
            raise
        self._said.given()

    @property
    def pid(self) -> int:
        """Of the sandbox, with which all in it ends."""
        return self._process.pid

    @property
    def is_running(self) -> bool:
        """Whether it has not ended."""
        return self._process.poll() is None

    def last_words(self) -> str:
        """The end of what it said to nobody."""
        return self._said.last()

    def kill(self) -> None:
        """End it, and all in it."""
        kill(self._process)
        self._said.close()


def kill(process: subprocess.Popen[bytes]) -> None:
    """End a sandbox, which has a session of its own, and all in it.

    All at once: what bubblewrap has just begun to make would not see that bubblewrap is gone.
    """
    if process.poll() is None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
    process.wait()
