# SPDX-License-Identifier: Apache-2.0
"""What the writers have in common: the disk is cut into blocks, and those of zeros are left out."""

import abc
import itertools
import json
import uuid
import zlib
from collections.abc import Iterable, Iterator
from typing import Any, ClassVar

from ims_glance import exceptions

Buffer = bytes | bytearray | memoryview
SECTOR = 512
MIB = 1 << 20
GIB = 1 << 30
_LEVEL = 1  # of a state, which is made for each part
NOBODY = uuid.UUID(int=0)


class DiskOfOtherLength(exceptions.Conflict):
    """The data has another length than the disk was said to have."""

    template = "The disk ends at byte {end}, but was said to have {virtual_size} bytes. Was its image changed?"


class DiskTooLargeToWrite(exceptions.Invalid):
    """The format has no room for the disk."""

    template = (
        "A disk of {virtual_size} bytes cannot be written as {format}, which holds {largest} bytes "
        "at most. Choose another format, qcow2 say."
    )


class ExportWriter(abc.ABC):
    """Writes one file.

    The bytes that :meth:`feed`, :meth:`skip` and :meth:`finish` return follow each other, and are the file
    from byte :attr:`head_size` on; :meth:`head` gives what stands before them. They have to be taken before the
    next call.

    :param virtual_size: of the disk, in bytes
    :param image_id: that of the image, for the identifier that most formats have
    :param head_room: bytes that the head has at least, if there is one: a part of S3 has 5 MiB at least
    :raises DiskTooLargeToWrite: if the format has no room for it
    :ivar head_size: bytes of the file's beginning that are given last, by :meth:`head`; 0 for none
    :ivar offset: in the file, of the byte that is returned next
    :ivar is_finished: whether the end was given
    :cvar FORMAT: its name
    :cvar BLOCK: bytes of the disk that are written, or left out, together
    :cvar LARGEST: bytes of a disk at most
    """

    FORMAT: ClassVar[str]
    BLOCK: ClassVar[int]
    LARGEST: ClassVar[int]

    def __init__(self, virtual_size: int, image_id: uuid.UUID = NOBODY, head_room: int = 0) -> None:
        if not 0 <= virtual_size <= self.LARGEST:
            raise DiskTooLargeToWrite(
                virtual_size=virtual_size, format=self.FORMAT, largest=self.LARGEST
            )
        self.virtual_size = virtual_size
        self.sectors = -(-virtual_size // SECTOR)
        self.blocks = -(-virtual_size // self.BLOCK)
        self._image_id = image_id
        self._head_room = head_room
        self.head_size = self._head_size(head_room)
        self.offset = self.head_size
        self._zeros = bytes(self.BLOCK)
        self._block = 0
        self._pending: list[bytes] = []
        self._pending_size = 0
        self.is_finished = False

    # --- what callers use ----------------------------------------------------------------------

    @property
    def position(self) -> int:
        """Bytes of the disk that were taken in. A restored writer is fed from here on."""
        return min(self._block * self.BLOCK + self._pending_size, self.virtual_size)

    def feed(self, data: Buffer) -> Iterable[Buffer]:
        """Take the next bytes of the disk.

        :returns: the next bytes of the file, in pieces
        :raises DiskOfOtherLength: if the disk has no room for them
        """
        self._expect(len(data))
        # Of bytes a part can be compared where it is; what is in another buffer may change there.
        return self._counted(self._fed(data if isinstance(data, bytes) else bytes(data)))

    def skip(self, length: int) -> Iterable[Buffer]:
        """Take the next *length* bytes of the disk, which are zero."""
        self._expect(length)
        return self._counted(self._skipped(length))

    def finish(self) -> Iterable[Buffer]:
        """The end of the file, after all bytes of the disk.

        :raises DiskOfOtherLength: if some are missing
        """
        if self.position != self.virtual_size:
            raise DiskOfOtherLength(end=self.position, virtual_size=self.virtual_size)
        pieces = self._counted(self._finished())
        self.is_finished = True
        return pieces

    def head(self) -> bytes:
        """The first :attr:`head_size` bytes of the file, after :meth:`finish`."""
        if not self.is_finished:
            raise ValueError("the head is known at the end")
        return self._head().ljust(self.head_size, b"\0")

    def state(self) -> bytes:
        """What :func:`ims_glance.writers.factory.restore` makes this writer of again.

        It is that of the last whole block, so the :attr:`position` of the restored one may be
        before this one's. What was returned until now was written.
        """
        known = {
            "format": self.FORMAT,
            "virtual_size": self.virtual_size,
            "image_id": str(self._image_id),
            "head_room": self._head_room,
            "block": self._block,
            "offset": self.offset,
            "is_finished": self.is_finished,
            "tables": self._tables(),
        }
        return zlib.compress(json.dumps(known, sort_keys=True).encode(), _LEVEL)

    @classmethod
    def restored(cls, known: dict[str, Any]) -> "ExportWriter":
        """The writer that a state tells of."""
        writer = cls(known["virtual_size"], uuid.UUID(known["image_id"]), known["head_room"])
        writer._block = known["block"]
        writer.offset = known["offset"]
        writer.is_finished = known["is_finished"]
        writer._load(known["tables"])
        return writer

    # --- what formats are made of --------------------------------------------------------------

    def _head_size(self, head_room: int) -> int:
        """Bytes of the head; most formats have none."""
        return 0

    def _preface(self) -> bytes:
        """What stands before the first block, and is known from the beginning."""
        return b""

    @abc.abstractmethod
    def _run(self, block: int, data: Buffer) -> Iterator[Buffer]:
        """Write whole blocks that follow each other, none of which is zero.

        :param block: number of the first one
        """

    @abc.abstractmethod
    def _tail(self) -> Iterator[Buffer]:
        """What stands behind the last block."""

    def _head(self) -> bytes:
        """The head, at most :attr:`head_size` bytes."""
        return b""

    def _tables(self) -> dict[str, Any]:
        """What is known of the blocks that were written, for JSON."""
        return {}

    def _load(self, tables: dict[str, Any]) -> None:
        """Take over what :meth:`_tables` gave."""
        if tables:
            raise ValueError("a format without tables has none")

    # --- how it works --------------------------------------------------------------------------

    def _expect(self, length: int) -> None:
        end = self.position + length
        if length < 0 or end > self.virtual_size or self.is_finished:
            raise DiskOfOtherLength(end=end, virtual_size=self.virtual_size)

    def _counted(self, pieces: Iterator[Buffer]) -> list[Buffer]:
        """The pieces at once: whatever becomes of them, this writer is behind them."""
        taken: list[Buffer] = []
        for piece in itertools.chain(self._begun(), pieces):
            self.offset += len(piece)
            taken.append(piece)
        return taken

    def _begun(self) -> Iterator[Buffer]:
        if self.offset == self.head_size and (preface := self._preface()):
            yield preface

    def _fed(self, data: bytes) -> Iterator[Buffer]:
        begin = 0
        if self._pending_size:
            begin = min(self.BLOCK - self._pending_size, len(data))
            yield from self._append(data[:begin])
        whole = begin + (len(data) - begin) // self.BLOCK * self.BLOCK
        yield from self._whole(data, begin, whole)
        if whole < len(data):
            yield from self._append(data[whole:])

    def _skipped(self, length: int) -> Iterator[Buffer]:
        if self._pending_size:
            filled = min(self.BLOCK - self._pending_size, length)
            length -= filled
            yield from self._append(self._zeros[:filled])
        self._block += length // self.BLOCK
        if rest := length % self.BLOCK:
            yield from self._append(self._zeros[:rest])

    def _finished(self) -> Iterator[Buffer]:
        if self._pending_size:
            yield from self._append(self._zeros[: self.BLOCK - self._pending_size])
        yield from self._tail()

    def _append(self, data: bytes) -> Iterator[Buffer]:
        """Take a piece of a block, and write the block if it is the last one."""
        self._pending.append(data)
        self._pending_size += len(data)
        if self._pending_size == self.BLOCK:
            block = b"".join(self._pending)
            self._pending, self._pending_size = [], 0
            yield from self._whole(block, 0, self.BLOCK)

    def _whole(self, data: bytes, begin: int, end: int) -> Iterator[Buffer]:
        """Whole blocks: those that are not zero, as many at once as follow each other."""
        view = memoryview(data)
        run = begin
        for at in range(begin, end, self.BLOCK):
            if data.startswith(self._zeros, at):
                yield from self._of(view[run:at])
                run = at + self.BLOCK
                self._block += 1
        yield from self._of(view[run:end])

    def _of(self, run: memoryview) -> Iterator[Buffer]:
        if run:
            block = self._block
            self._block += len(run) // self.BLOCK
            yield from self._run(block, run)


def padding(size: int, unit: int) -> bytes:
    """Zeros from *size* to the next multiple of *unit*."""
    return bytes(-size % unit)


def padded(data: bytes, unit: int) -> bytes:
    """*data* with zeros behind it, to a multiple of *unit*."""
    return data + padding(len(data), unit)
