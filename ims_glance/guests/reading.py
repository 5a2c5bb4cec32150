# SPDX-License-Identifier: Apache-2.0
"""Any :class:`~ims_glance.formats.source.Source` as a block device: a small server of NBD, for reading alone.

It speaks the fixed newstyle of the NBD protocol (``doc/proto.md`` of the project NetworkBlockDevice/nbd)
with one client over a pair of connected sockets, so that nobody else can ask. What the client asks for is
bounded; what it must not ask for is answered with an error, and what is no protocol ends the connection.
"""

import collections
import contextlib
import socket
import struct
import threading
from types import TracebackType
from typing import Self

from ims_glance.formats.source import Source

BLOCK = 1 << 16
"""Bytes of a block that is remembered, the least that is read."""
KEPT = 1024
"""Blocks that are remembered: 64 MiB."""
MOST = 1 << 20
"""Bytes that are read ahead, and that a client asks for at once."""

_MAGIC = 0x4E42444D41474943
_OPTION_MAGIC = 0x49484156454F5054
_OPTION_REPLY_MAGIC = 0x3E889045565A9
_REQUEST_MAGIC = 0x25609513
_REPLY_MAGIC = 0x67446698

_FIXED_NEWSTYLE, _NO_ZEROES = 1, 2
# Flags of the export: there are some, read-only.
_EXPORT_FLAGS = 1 | 2

_OPT_EXPORT_NAME, _OPT_ABORT, _OPT_LIST, _OPT_INFO, _OPT_GO = 1, 2, 3, 6, 7
_REP_ACK, _REP_SERVER, _REP_INFO = 1, 2, 3
_REP_ERR_UNSUP, _REP_ERR_INVALID = 0x80000001, 0x80000003
_INFO_EXPORT, _INFO_BLOCK_SIZE = 0, 3

_READ, _WRITE, _DISC, _FLUSH = 0, 1, 2, 3
_EPERM, _EIO, _EINVAL = 1, 5, 22

_MOST_OPTION = 4096
_MOST_OPTIONS = 64


class RangeCache:
    """Ranges of a source, of which the last blocks are remembered: tables are looked into again and again.

    Each byte is asked for once while it is remembered; what follows what was asked for last is read ahead,
    the more the longer that goes on.
    """

    def __init__(self, source: Source) -> None:
        self._source = source
        self._blocks: collections.OrderedDict[int, bytes] = collections.OrderedDict()
        self._next = -1
        self._ahead = 1

    @property
    def size(self) -> int:
        """Of the source, in bytes."""
        return self._source.size

    def read(self, offset: int, length: int) -> bytes:
        """A range, all of which lies in the source.

        :raises OSError: if the source has less than it said
        """
        first, last = offset // BLOCK, (offset + length - 1) // BLOCK
        got = {}
        number = first
        while number <= last:
            if number in self._blocks:
                self._blocks.move_to_end(number)
                got[number] = self._blocks[number]
                number += 1
                continue
            most = min(last + 1, number + MOST // BLOCK)
            end = next((n for n in range(number, most) if n in self._blocks), most)
            got.update(self._fetch(number, end - number))
            number = end
        whole = b"".join(got[number] for number in range(first, last + 1))
        start = offset - first * BLOCK
        if len(whole) < start + length:
            raise OSError(f"the source ends before byte {offset + length}")
        return whole[start : start + length]

    def _fetch(self, number: int, count: int) -> dict[int, bytes]:
        """So many blocks, of which none is remembered, and perhaps some more."""
        self._ahead = min(2 * self._ahead, MOST // BLOCK) if number == self._next else 1
        offset = number * BLOCK
        data = self._source.read(offset, min(max(count, self._ahead) * BLOCK, self.size - offset))
        got = {number + at // BLOCK: data[at : at + BLOCK] for at in range(0, len(data), BLOCK)}
        for each, block in got.items():
            self._blocks[each] = block
            self._blocks.move_to_end(each)
        while len(self._blocks) > KEPT:
            self._blocks.popitem(last=False)
        self._next = number + len(got)
        return {each: block for each, block in got.items() if each < number + count}


class _Ended(Exception):
    """The client is gone, or speaks something else."""


class ObjectServer:
    """Serves a source to one client, in a thread, from ``with`` to its end.

    What the source raises the client gets as an input/output error; :meth:`raise_error` raises it as it was.

    :param source: is read by the thread alone meanwhile
    :ivar client: the client's end of the connection; whoever takes it closes it
    """

    def __init__(self, source: Source) -> None:
        self._cache = RangeCache(source)
        self.client, self._socket = socket.socketpair()
        self._thread = threading.Thread(target=self._serve, name="ims-guest-source", daemon=True)
        self._error: Exception | None = None

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.client.close()
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._socket.close()

    def raise_error(self) -> None:
        """The first one that the source raised, if it did."""
        if self._error:
            raise self._error

    def _serve(self) -> None:
        with contextlib.suppress(_Ended, OSError):
            self._negotiate()
            while self._answer():
                pass
        with contextlib.suppress(OSError):
            # The client is not left to wait for an answer.
            self._socket.shutdown(socket.SHUT_RDWR)

    def _receive(self, length: int) -> bytes:
        data = bytearray()
        while len(data) < length:
            part = self._socket.recv(length - len(data))
            if not part:
                raise _Ended
            data += part
        return bytes(data)

    def _negotiate(self) -> None:
        self._socket.sendall(
            struct.pack(">QQH", _MAGIC, _OPTION_MAGIC, _FIXED_NEWSTYLE | _NO_ZEROES)
        )
        (flags,) = struct.unpack(">I", self._receive(4))
        if flags & ~(_FIXED_NEWSTYLE | _NO_ZEROES):
            raise _Ended
        for _ in range(_MOST_OPTIONS):
            magic, option, length = struct.unpack(">QII", self._receive(16))
            if magic != _OPTION_MAGIC or length > _MOST_OPTION:
                raise _Ended
            if self._option(option, self._receive(length), bool(flags & _NO_ZEROES)):
                return
        raise _Ended

    def _option(self, option: int, data: bytes, is_short: bool) -> bool:
        """Answer an option; tell whether it was the last. There is one export, whatever its name."""
        if option == _OPT_EXPORT_NAME:
            answer = struct.pack(">QH", self._cache.size, _EXPORT_FLAGS)
            self._socket.sendall(answer if is_short else answer + bytes(124))
            return True
        if option == _OPT_ABORT:
            self._reply(option, _REP_ACK)
            raise _Ended
        if option == _OPT_LIST and not data:
            self._reply(option, _REP_SERVER, struct.pack(">I", 0))
            self._reply(option, _REP_ACK)
        elif option in (_OPT_INFO, _OPT_GO):
            if len(data) < 6:  # length of the name, number of wishes
                self._reply(option, _REP_ERR_INVALID)
                return False
            export = struct.pack(">HQH", _INFO_EXPORT, self._cache.size, _EXPORT_FLAGS)
            self._reply(option, _REP_INFO, export)
            sizes = struct.pack(">HIII", _INFO_BLOCK_SIZE, 1, BLOCK, MOST)
            self._reply(option, _REP_INFO, sizes)
            self._reply(option, _REP_ACK)
        else:
            self._reply(option, _REP_ERR_UNSUP)
        return option == _OPT_GO

    def _reply(self, option: int, kind: int, data: bytes = b"") -> None:
        head = struct.pack(">QIII", _OPTION_REPLY_MAGIC, option, kind, len(data))
        self._socket.sendall(head + data)

    def _answer(self) -> bool:
        """Answer a request; tell whether there may be another."""
        magic, _flags, kind, cookie, offset, length = struct.unpack(">IHHQQI", self._receive(28))
        if magic != _REQUEST_MAGIC or kind in (_DISC, _WRITE):
            # Who writes though it was told not to would have its data read over.
            return False
        data, error = b"", 0
        if kind == _READ:
            data, error = self._read(offset, length)
        elif kind != _FLUSH:
            error = _EPERM
        self._socket.sendall(struct.pack(">IIQ", _REPLY_MAGIC, error, cookie) + data)
        return True

    def _read(self, offset: int, length: int) -> tuple[bytes, int]:
        if not 0 < length <= MOST or offset + length > self._cache.size:
            return b"", _EINVAL
        if self._error:
            return b"", _EIO
        try:
            return self._cache.read(offset, length), 0
        except Exception as error:  # boundary: the thread that reads the disk raises it
            self._error = error
            return b"", _EIO
