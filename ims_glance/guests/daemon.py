# SPDX-License-Identifier: Apache-2.0
"""qemu-storage-daemon in a sandbox: QEMU's reading and writing of disk formats, and no machine around it.

Everything that it works with is handed to it open: the connection to the file, the scratch file, the socket
where the disk is served, and the one of its monitor (QMP), over which secrets come, which so are in no
command line. Formats are always named, and no file that a disk names is followed.
"""

import contextlib
import json
import os
import secrets
import socket
import time
from collections.abc import Callable, Mapping, Sequence
from types import TracebackType
from typing import Any, Self

from ims_glance.guests.refusals import GuestHung, GuestsUnavailable
from ims_glance.guests.sandbox import Sandboxed, program

_SECONDS = 300
_STARTING = 30
_MOST_SAID = 1 << 22
_POLL = 0.5
_PART = 1 << 16

Node = Mapping[str, Any]


def client_node(name: str, connected: socket.socket) -> Node:
    """A block device that is served elsewhere, over a connection that is handed over."""
    server = {"type": "fd", "str": str(connected.fileno())}
    return {"driver": "nbd", "node-name": name, "server": server, "read-only": True}


class DaemonRefused(Exception):
    """The daemon did not do what it was asked for; it says why."""


class Listening:
    """A socket where a disk is served, which has no name in any folder: it is gone with this process.

    :param folder: where it has a name for an instant
    :ivar path: where programs of the same user connect to it, as long as this process has it open
    """

    def __init__(self, folder: str) -> None:
        self.socket = socket.socket(socket.AF_UNIX)
        descriptor = os.open(folder, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
        # So that the length of the folder's name does not matter.
        name = f"/proc/self/fd/{descriptor}/ims-{secrets.token_hex(8)}"
        try:
            os.fchmod(self.socket.fileno(), 0o600)
            self.socket.bind(name)
            try:
                self._opened = os.open(name, os.O_PATH | os.O_CLOEXEC)
            finally:
                os.unlink(name)
        except OSError:
            self.socket.close()
            raise
        finally:
            os.close(descriptor)
        self.path = f"/proc/{os.getpid()}/fd/{self._opened}"

    def connect(self) -> socket.socket:
        """A connection to it."""
        connected = socket.socket(socket.AF_UNIX)
        try:
            connected.connect(self.path)
        except OSError:
            connected.close()
            raise
        return connected

    def close(self) -> None:
        """Nobody can connect any more."""
        self.socket.close()
        os.close(self._opened)


class Daemon:
    """The daemon, from ``with`` to its end; at most one disk of it is served at a time.

    :param folder: for its socket
    :param nodes: block devices that it has from the start, over what is handed to it
    :param handed: open files, which the nodes name by their numbers
    :param file_size: bytes of the largest file that it may write
    :param sees_itself: whether its nodes are files that it opens by ``/proc/self/fd``
    :param check: called while it is waited for; raises something if there is no use in it
    :raises GuestsUnavailable: if it does not start
    """

    def __init__(
        self,
        folder: str,
        nodes: Sequence[Node],
        handed: Sequence[int],
        *,
        file_size: int = 1 << 20,
        sees_itself: bool = False,
        check: Callable[[], None] = lambda: None,
    ) -> None:
        self._check = check
        self._said = bytearray()
        with contextlib.ExitStack() as stack:
            self.listening = Listening(folder)
            stack.callback(self.listening.close)
            self._monitor, theirs = socket.socketpair()
            stack.callback(self._monitor.close)
            self._monitor.settimeout(_POLL)
            with theirs:
                served, monitor = self.listening.socket.fileno(), theirs.fileno()
                command = [program("qemu-storage-daemon")]
                for node in nodes:
                    command += ["--blockdev", json.dumps(node)]
                command += [
                    *("--nbd-server", f"addr.type=fd,addr.str={served}"),
                    *("--chardev", f"socket,id=monitor,fd={monitor}"),
                    *("--monitor", "monitor"),
                ]
                self._sandboxed = Sandboxed(
                    command,
                    [*handed, served, monitor],
                    file_size=file_size,
                    sees_itself=sees_itself,
                )
            stack.callback(self._sandboxed.kill)
            self._start()
            self._stack = stack.pop_all()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stack.close()

    @property
    def pid(self) -> int:
        """Of its sandbox."""
        return self._sandboxed.pid

    @property
    def is_running(self) -> bool:
        """Whether it has not ended."""
        return self._sandboxed.is_running

    def last_words(self) -> str:
        """What it said at last."""
        return self._sandboxed.last_words()

    def _start(self) -> None:
        try:
            self._line(time.monotonic() + _STARTING)
            self.execute("qmp_capabilities")
        except DaemonRefused as error:
            advice = "user name spaces of the kernel, which bubblewrap needs; its log"
            raise GuestsUnavailable(
                f"qemu-storage-daemon does not start: {error}", advice
            ) from error

    def execute(self, command: str, **arguments: Any) -> Any:
        """A command of QMP.

        :raises DaemonRefused: if it fails, or the daemon is gone
        :raises GuestHung: if it takes more than five minutes
        """
        request = {
            "execute": command,
            "arguments": {name.replace("_", "-"): value for name, value in arguments.items()},
        }
        try:
            self._monitor.sendall(json.dumps(request).encode() + b"\n")
        except OSError as error:
            raise self._gone() from error
        end = time.monotonic() + _SECONDS
        while True:
            # Between, it tells of events.
            answer = self._line(end)
            if "error" in answer:
                raise DaemonRefused(str(answer["error"]["desc"]))
            if "return" in answer:
                return answer["return"]

    def _line(self, end: float) -> dict[str, Any]:
        """What it says next, until the clock shows *end*."""
        while (at := self._said.find(b"\n")) < 0:
            self._check()
            if time.monotonic() > end:
                raise GuestHung("qemu-storage-daemon does not answer")
            try:
                part = self._monitor.recv(_PART)
            except TimeoutError:
                continue
            except OSError as error:
                raise self._gone() from error
            if not part or len(self._said) > _MOST_SAID:
                raise self._gone()
            self._said += part
        line, self._said = self._said[:at], self._said[at + 1 :]
        try:
            return dict(json.loads(line))
        except (ValueError, TypeError) as error:
            raise DaemonRefused("it says what is no answer") from error

    def _gone(self) -> DaemonRefused:
        return DaemonRefused(self.last_words() or "it is gone")

    def add_secret(self, name: str, value: str) -> None:
        """Have it know a secret."""
        self.execute("object-add", qom_type="secret", id=name, data=value)

    def create(self, options: Node) -> None:
        """Make a disk in a file that it has."""
        self.execute("blockdev-create", job_id="create", options=dict(options))
        while True:
            (job,) = [job for job in self.execute("query-jobs") if job["id"] == "create"]
            if job["status"] == "concluded":
                break
            time.sleep(0.01)
        self.execute("job-dismiss", id="create")
        if "error" in job:
            raise DaemonRefused(str(job["error"]))

    def add(self, node: Node) -> None:
        """Open a block device over another one."""
        self.execute("blockdev-add", **node)

    def size_of(self, name: str) -> int:
        """Bytes of a block device."""
        nodes = self.execute("query-named-block-nodes", flat=True)
        return int(next(n["image"]["virtual-size"] for n in nodes if n["node-name"] == name))

    def serve(self, name: str, *, writable: bool) -> None:
        """Serve a block device at :attr:`listening`."""
        self.execute(
            "block-export-add", type="nbd", id="disk", node_name=name, name="", writable=writable
        )

    def serve_no_more(self) -> None:
        """Serve it no more; who is connected is cut off."""
        self.execute("block-export-del", id="disk", mode="hard")
        while self.execute("query-block-exports"):
            time.sleep(0.01)
