# SPDX-License-Identifier: Apache-2.0
"""A disk that is served: its zeros and data in order, and bytes written to it. By libnbd, which is Debian's."""

import collections
import contextlib
import importlib
import time
from collections.abc import Callable, Iterator
from types import TracebackType
from typing import Any, Self

from ims_glance.formats.extents import Extent, ZeroRun, merged, told_apart
from ims_glance.guests.refusals import GuestHung, GuestsUnavailable

_PIECE = 1 << 20
_IN_FLIGHT = 4
_WINDOW = 1 << 30
_LEAST_ZEROS = 1 << 16
_SECONDS = 600
_POLL_MS = 500
_STATE_ZERO = 2


def library() -> Any:
    """The module ``nbd``.

    :raises GuestsUnavailable: if it is not installed
    """
    try:
        return importlib.import_module("nbd")
    except ImportError as error:
        raise GuestsUnavailable("Python's module 'nbd' (libnbd) is not there") from error


class DiskFault(Exception):
    """What serves the disk could not read or write.

    :ivar errno: which error it told, 0 if it is gone
    """

    def __init__(self, reason: str, errno: int) -> None:
        super().__init__(reason)
        self.errno = errno


class DiskClient:
    """A connection to a served disk, from ``with`` to its end.

    :param path: of the socket
    :param check: called while it is waited for; raises something if there is no use in it
    :ivar size: of the disk, in bytes
    :raises DiskFault: if nobody is there
    """

    def __init__(self, path: str, check: Callable[[], None] = lambda: None) -> None:
        self._nbd = library()
        self._check = check
        self._handle = self._nbd.NBD()
        with self._faults():
            self._handle.add_meta_context("base:allocation")
            # QEMU reads and writes parts of sectors, too.
            strict = self._handle.get_strict_mode() & ~self._nbd.STRICT_ALIGN
            self._handle.set_strict_mode(strict)
            self._handle.aio_connect_unix(path)
            self._wait(lambda: not self._handle.aio_is_connecting())
            self.size = int(self._handle.get_size())
            self._tells_zeros = bool(self._handle.can_meta_context("base:allocation"))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        # The connection ends with the last who has the handle.
        del self._handle

    @contextlib.contextmanager
    def _faults(self) -> Iterator[None]:
        try:
            yield
        except self._nbd.Error as error:
            raise DiskFault(str(error.string), int(error.errnum or 0)) from error

    def _wait(self, is_done: Callable[[], bool]) -> None:
        end = time.monotonic() + _SECONDS
        while not is_done():
            self._check()
            if time.monotonic() > end:
                raise GuestHung(f"the disk did not answer for {_SECONDS} seconds")
            self._handle.poll(_POLL_MS)

    def _complete(self, cookie: int) -> None:
        self._wait(lambda: bool(self._handle.aio_command_completed(cookie)))

    def write(self, offset: int, data: bytes) -> None:
        """Bytes of the disk."""
        with self._faults():
            self._complete(self._handle.aio_pwrite(self._nbd.Buffer.from_bytearray(data), offset))

    def flush(self) -> None:
        """See that what was written is where it belongs."""
        with self._faults():
            self._complete(self._handle.aio_flush())

    def extents(self, size: int) -> Iterator[Extent]:
        """The first *size* bytes of the disk, each once and in order; zeros are not read where that is known.

        :raises DiskFault: if the disk cannot be read
        """
        return merged(self._told(size))

    def _told(self, size: int) -> Iterator[Extent]:
        # Read ahead: what is on its way, in order, with zeros between.
        under_way: collections.deque[tuple[ZeroRun | tuple[int, int, Any]]] = collections.deque()
        for offset, length, is_zero in self._pieces(size):
            if is_zero:
                under_way.append((ZeroRun(offset, length),))
            else:
                buffer = self._nbd.Buffer(length)
                with self._faults():
                    cookie = self._handle.aio_pread(buffer, offset)
                under_way.append(((offset, cookie, buffer),))
            if len(under_way) >= _IN_FLIGHT:
                yield from self._arrived(under_way.popleft()[0])
        while under_way:
            yield from self._arrived(under_way.popleft()[0])

    def _arrived(self, what: ZeroRun | tuple[int, int, Any]) -> Iterator[Extent]:
        if isinstance(what, ZeroRun):
            yield what
            return
        offset, cookie, buffer = what
        with self._faults():
            self._complete(cookie)
            data = bytes(buffer.to_bytearray())
        yield from told_apart(offset, data)

    def _pieces(self, size: int) -> Iterator[tuple[int, int, bool]]:
        """Offset, length, and whether there is nothing but zeros."""
        for offset, length, is_zero in self._runs(size):
            if is_zero:
                yield offset, length, True
                continue
            for start in range(offset, offset + length, _PIECE):
                yield start, min(_PIECE, offset + length - start), False

    def _runs(self, size: int) -> Iterator[tuple[int, int, bool]]:
        """The same, where runs of data that follow each other are one; few zeros are data."""
        begin = offset = 0
        for length, is_zero in self._statuses(size):
            if is_zero and length >= _LEAST_ZEROS:
                if begin < offset:
                    yield begin, offset - begin, False
                yield offset, length, True
                begin = offset + length
            offset += length
            if offset - begin >= _WINDOW:
                # It is read before it is known what the whole disk consists of: that may take minutes.
                yield begin, offset - begin, False
                begin = offset
        if begin < size:
            yield begin, size - begin, False

    def _statuses(self, size: int) -> Iterator[tuple[int, bool]]:
        """Length, and whether there is nothing but zeros."""
        offset = 0
        while offset < size:
            for length, is_zero in self._status(offset, min(_WINDOW, size - offset)):
                yield length, is_zero
                offset += length

    def _status(self, offset: int, length: int) -> list[tuple[int, bool]]:
        if not self._tells_zeros:
            return [(length, False)]
        found: list[tuple[int, bool]] = []

        def told(_context: str, _offset: int, entries: list[int], _error: Any) -> int:
            found.extend(
                (entries[at], bool(entries[at + 1] & _STATE_ZERO))
                for at in range(0, len(entries), 2)
            )
            return 0

        with self._faults():
            self._complete(self._handle.aio_block_status(length, offset, told))
        cut, left = [], length
        for run, is_zero in found:
            cut.append((min(run, left), is_zero))
            left -= min(run, left)
            if not left:
                break
        if not cut or cut[0][0] <= 0:
            raise DiskFault("it does not say what is on the disk", 0)
        return cut
