# SPDX-License-Identifier: Apache-2.0
"""What a job has received of an image so far, and pieces of another image to make the rest of.

It lies in sealed objects (:mod:`ims_glance.store.sealed`), which are the journal: what is in one is not
fetched again, by whichever worker goes on, and nothing readable rests on any disk. The plain bytes
of an object are an index, and what it speaks of::

    object  = "IMSSPL1\\n" | bytes of all entries (u32) | entry | entry | ... | contents
    ZERO    = 1 (u8) | offset (u64) | length (u64)                   zeros of the image
    DATA    = 2 (u8) | offset (u64) | length (u64)                   contents: *length* bytes of the image
    HELD    = 3 (u8) | offset (u64) | length (u64) | count (u32) | place (u64) of each piece
    PIECE   = 4 (u8) | offset (u64) | length (u64) | prefix (8 bytes)
                                                                     contents: a piece of the other image

Numbers are big-endian. ZERO, DATA and HELD stand in the order of the image, without gaps, from object to
object; so do the pieces, which are of one size but for the last. A *place* is the number of an object (24
bits), where a piece begins in its contents (23 bits), and the piece's length (17 bits).
"""

import array
import bisect
import collections
import contextlib
import enum
import itertools
import struct
import sys
from collections.abc import Iterable, Iterator, Sequence

from glance_store import exceptions as store_exceptions

from ims_glance import exceptions
from ims_glance.crypto import stream
from ims_glance.crypto.stream import Buffer
from ims_glance.store.sealed import SealedObject, SealedObjects, SpoolUnavailable

CONTENTS = 2 << 20
"""Bytes of contents of an object at most. With a run that is on its way they are what a killed
worker loses."""

_INDEX = 256 << 10
# What is read last is kept: objects that are open, and segments of a MiB.
_OPEN = 3
_SEGMENTS = 4

_MAGIC = b"IMSSPL1\n"
_HEAD = struct.Struct(">8sI")
_ENTRY = struct.Struct(">BQQ")
_COUNT = struct.Struct(">I")
_PREFIX = 8
_LENGTH_BITS, _POSITION_BITS = 17, 23
_ZEROS = bytes(1 << 20)


class _RecordKind(enum.IntEnum):
    ZERO = 1
    DATA = 2
    HELD = 3
    PIECE = 4


class _Entry:
    """An entry of an index.

    :ivar detail: places of HELD, packed; prefix of PIECE
    :ivar position: where its contents begin, for those that have some
    """

    __slots__ = ("detail", "kind", "length", "offset", "position")

    def __init__(self, kind: int, offset: int, length: int, detail: bytes, position: int) -> None:
        self.kind, self.offset, self.length = kind, offset, length
        self.detail, self.position = detail, position

    @property
    def end(self) -> int:
        return self.offset + self.length


class Overtaken(SpoolUnavailable):
    """Another worker of the job, taken for dead, wrote what this one was about to write."""

    template = "Another worker of the job has written to its spool ({reason})."


class Spool:
    """What one job has of one image; one thread's, but for what :meth:`chunks` gives.

    :ivar end: how many bytes of the image are there, from its first on
    :ivar written: how many of them are in objects: another worker would find them
    :ivar saved: how many of them are zeros, or were here already
    :ivar pieces_end: up to which byte of the other image its pieces are there
    """

    def __init__(self, objects: SealedObjects) -> None:
        self._objects = objects
        self.end = 0
        self.written = 0
        self.saved = 0
        self.pieces_end = 0
        # By the number of an object: where its contents begin, bytes of them, and where in the image it
        # ends; none has number 0.
        self._starts = array.array("Q", [0])
        self._sizes = array.array("Q", [0])
        self._ends = array.array("Q", [0])
        self._prefixes = array.array("Q")
        self._places = array.array("Q")
        self._is_sorted = True
        self._cache = _Cache(self)
        self._begin()
        self._load()

    # --- writing -------------------------------------------------------------------------------

    def zero(self, length: int) -> None:
        """Zeros are what comes next of the image."""
        self._add(_RecordKind.ZERO, self.end, length)
        self.end += length
        self.saved += length

    def data(self, content: Buffer) -> None:
        """Bytes that come next of the image; they must stay as they are."""
        self._add(_RecordKind.DATA, self.end, len(content), content=content)
        self.end += len(content)

    def held(self, length: int, places: Sequence[int]) -> None:
        """Pieces that are here already are what comes next of the image."""
        packed = _COUNT.pack(len(places)) + struct.pack(f">{len(places)}Q", *places)
        self._add(_RecordKind.HELD, self.end, length, packed)
        self.end += length
        self.saved += length

    def piece(self, prefix: bytes, offset: int, content: Buffer) -> None:
        """Keep a piece of the other image.

        :param prefix: 8 bytes to find it by
        :param offset: of the piece in that image
        """
        self._add(_RecordKind.PIECE, offset, len(content), prefix, content)
        self.pieces_end = offset + len(content)

    def flush(self) -> None:
        """Write what was added.

        :raises Overtaken: if another worker has; what is there is to be looked at anew
        :raises SpoolFull, SpoolDenied, SpoolUnavailable: if it cannot be written
        """
        if not self._index:
            return
        number = len(self._sizes)
        head = _HEAD.pack(_MAGIC, len(self._index))
        plaintext = memoryview(b"".join([head, self._index, *self._contents]))
        try:
            self._objects.put(number, plaintext)
        except store_exceptions.Duplicate:
            raise Overtaken(reason=f"object {number}") from None
        start = _HEAD.size + len(self._index)
        entries = list(_entries(plaintext[_HEAD.size : start]))
        self._begin()
        self._enter(entries, start, len(plaintext) - start)

    # --- reading -------------------------------------------------------------------------------

    def chunks(self, offset: int = 0) -> Iterator[bytes]:
        """The image from a byte on up to :attr:`written`, as that is now.

        Another thread than the one that writes may read them.

        :param offset: of the byte
        :raises ObjectDamaged: if an object is not what was written
        """
        ends = self._ends[:]
        first = bisect.bisect_right(ends, offset)
        with contextlib.closing(_Cache(self)) as cache:
            numbers = range(first, len(ends))
            found = (
                self._chunks(cache, number, ends[number - 1 : number + 1]) for number in numbers
            )
            yield from _behind(itertools.chain.from_iterable(found), offset - ends[first - 1])

    def _chunks(self, cache: "_Cache", number: int, ends: Sequence[int]) -> Iterator[bytes]:
        """What an object has of the image, which goes from the one byte of it to the other."""
        at, end = ends
        start, size = self._starts[number], self._sizes[number]
        contents = b""
        for entry in _entries(self._read(cache, number, _HEAD.size, start - _HEAD.size)):
            if entry.kind == _RecordKind.PIECE:
                continue
            if entry.offset != at:
                raise self._damaged(number, f"it goes on at byte {entry.offset}, not {at}")
            if entry.kind == _RecordKind.DATA and not contents:
                contents = self._read(cache, number, start, size)
            yield from self._of(cache, entry, contents)
            at = entry.end
        if at != end:
            raise self._damaged(number, f"it ends at byte {at} of the image, not {end}")

    def place(self, prefix: bytes) -> int | None:
        """Where a piece is, for :meth:`held` and :meth:`at`; ``None`` if it is nowhere."""
        self._sort()
        wanted = int.from_bytes(prefix, "big")
        found = bisect.bisect_left(self._prefixes, wanted)
        if found == len(self._prefixes) or self._prefixes[found] != wanted:
            return None
        return self._places[found]

    def at(self, place: int, cache: "_Cache | None" = None) -> bytes:
        """The piece at a place.

        :param cache: of another thread
        :raises ObjectDamaged: if it is not what was written
        """
        number, position, length = _unpacked(place)
        if not 0 < number < len(self._sizes) or position + length > self._sizes[number]:
            raise self._damaged(number, "a piece is said to be where there is none")
        return self._read(cache or self._cache, number, self._starts[number] + position, length)

    @property
    def pieces(self) -> int:
        """How many pieces of the other image there are, some of them perhaps the same."""
        return len(self._prefixes)

    def prefixes(self) -> bytes:
        """Those of all pieces, sorted, each once, one behind the other."""
        self._sort()
        packed = self._prefixes
        if sys.byteorder == "little":
            packed = packed[:]
            packed.byteswap()
        return packed.tobytes()

    def close(self) -> None:
        """Let go of what is open; may be called twice."""
        self._cache.close()

    # --- inside --------------------------------------------------------------------------------

    def _begin(self) -> None:
        """Begin with an object."""
        self._index = bytearray()
        self._contents: list[Buffer] = []
        self._size = 0

    def _add(
        self,
        kind: _RecordKind,
        offset: int,
        length: int,
        detail: bytes = b"",
        content: Buffer = b"",
    ) -> None:
        if self._size + len(content) > CONTENTS or len(self._index) + len(detail) > _INDEX:
            self.flush()
        self._index += _ENTRY.pack(kind, offset, length) + detail
        self._size += len(content)
        if content:
            self._contents.append(content)

    def _load(self) -> None:
        """Read the journal; what does not go on where it ended before is deleted."""
        while True:
            number, start, size = len(self._sizes), 0, 0
            try:
                found = self._objects.open(number)
                if found is None:
                    break
                with contextlib.closing(found):
                    start, size, entries = _read_index(found)
            except exceptions.ObjectDamaged:
                # Also one that a power failure left empty.
                entries = []
            if not entries or not self._follows(entries):
                self._objects.drop(number)
                break
            self._enter(entries, start, size)
            saved = (each for each in entries if each.kind in (_RecordKind.ZERO, _RecordKind.HELD))
            self.saved += sum(each.length for each in saved)

    def _follows(self, entries: Sequence[_Entry]) -> bool:
        """Whether an object goes on where the ones before it end."""
        at, pieces_at = self.end, self.pieces_end
        for entry in entries:
            if entry.kind == _RecordKind.PIECE:
                if entry.offset < pieces_at:
                    return False
                pieces_at = entry.end
            elif entry.offset == at:
                at = entry.end
            else:
                return False
        return True

    def _enter(self, entries: Sequence[_Entry], start: int, size: int) -> None:
        """Take an object that is there into account."""
        number, end = len(self._sizes), self.written
        self._starts.append(start)
        self._sizes.append(size)
        for entry in entries:
            if entry.kind == _RecordKind.PIECE:
                self._prefixes.append(int.from_bytes(entry.detail, "big"))
                self._places.append(_packed(number, entry.position, entry.length))
                self._is_sorted = False
                self.pieces_end = entry.end
            else:
                self.end = max(self.end, entry.end)
                end = entry.end
        # Last of all: whoever reads meanwhile takes the object for one then.
        self._ends.append(end)
        self.written = end

    def _sort(self) -> None:
        """Bring prefixes and places into the order of the prefixes, each once."""
        if self._is_sorted:
            return
        prefixes, places = array.array("Q"), array.array("Q")
        for index in sorted(range(len(self._prefixes)), key=self._prefixes.__getitem__):
            if not prefixes or prefixes[-1] != self._prefixes[index]:
                prefixes.append(self._prefixes[index])
                places.append(self._places[index])
        self._prefixes, self._places, self._is_sorted = prefixes, places, True

    def _of(self, cache: "_Cache", entry: _Entry, contents: bytes) -> Iterator[bytes]:
        """The bytes of the image that an entry stands for."""
        if entry.kind == _RecordKind.DATA:
            yield contents[entry.position : entry.position + entry.length]
        elif entry.kind == _RecordKind.HELD:
            yield b"".join(self.at(place, cache) for place in _places(entry.detail))
        else:
            left = entry.length
            while left:
                yield _ZEROS[:left]
                left -= min(left, len(_ZEROS))

    def _read(self, cache: "_Cache", number: int, offset: int, length: int) -> bytes:
        """Plain bytes of an object."""
        parts = []
        size = self._starts[number] + self._sizes[number]
        for segment in stream.segments(size, offset, length):
            begin = max(0, offset - segment.plaintext_offset)
            end = offset + length - segment.plaintext_offset
            parts.append(cache.segment(number, segment)[begin:end])
        return b"".join(parts)

    def open(self, number: int) -> SealedObject:
        """An object that was there.

        :raises ObjectDamaged: if it is not there any more
        """
        found = self._objects.open(number)
        if found is None:
            raise self._damaged(number, "it is gone")
        return found

    def _damaged(self, number: int, reason: str) -> exceptions.ObjectDamaged:
        return exceptions.ObjectDamaged(object_id=f"{number} of the spool", reason=reason)


class _Cache:
    """What was read last."""

    def __init__(self, spool: Spool) -> None:
        self._spool = spool
        self._open: collections.OrderedDict[int, SealedObject] = collections.OrderedDict()
        self._segments: collections.OrderedDict[tuple[int, int], bytes] = collections.OrderedDict()

    def segment(self, number: int, segment: stream.SegmentPlace) -> bytes:
        """The plain bytes of a segment of an object."""
        key = number, segment.index
        if key not in self._segments:
            self._segments[key] = self._opened(number).segment(segment)
            if len(self._segments) > _SEGMENTS:
                self._segments.popitem(last=False)
        self._segments.move_to_end(key)
        return self._segments[key]

    def close(self) -> None:
        """Forget all; may be called twice."""
        self._segments.clear()
        while self._open:
            self._open.popitem()[1].close()

    def _opened(self, number: int) -> SealedObject:
        if number not in self._open:
            self._open[number] = self._spool.open(number)
            if len(self._open) > _OPEN:
                self._open.popitem(last=False)[1].close()
        self._open.move_to_end(number)
        return self._open[number]


def _behind(chunks: Iterable[bytes], skip: int) -> Iterator[bytes]:
    """What is behind the first *skip* bytes."""
    for chunk in chunks:
        if skip < len(chunk):
            yield chunk[skip:]
        skip = max(0, skip - len(chunk))


def _read_index(found: SealedObject) -> tuple[int, int, list[_Entry]]:
    """Where the contents of an object begin, bytes of them, and its entries.

    :raises ObjectDamaged: if it does not open
    """
    first = memoryview(found.first())
    _magic, size = _HEAD.unpack_from(first)
    start = _HEAD.size + size
    entries = list(_entries(first[_HEAD.size : start]))
    contents = sum(
        each.length for each in entries if each.kind in (_RecordKind.DATA, _RecordKind.PIECE)
    )
    return start, contents, entries


def _entries(index: Buffer) -> Iterator[_Entry]:
    """The entries of an index that this service has sealed."""
    view, at, position = memoryview(index), 0, 0
    while at < len(view):
        kind, offset, length = _ENTRY.unpack_from(view, at)
        at += _ENTRY.size
        size = _PREFIX if kind == _RecordKind.PIECE else 0
        if kind == _RecordKind.HELD:
            size = _COUNT.size + 8 * _COUNT.unpack_from(view, at)[0]
        yield _Entry(kind, offset, length, bytes(view[at : at + size]), position)
        at += size
        position += length if kind in (_RecordKind.DATA, _RecordKind.PIECE) else 0


def _places(detail: bytes) -> tuple[int, ...]:
    return struct.unpack_from(f">{_COUNT.unpack_from(detail)[0]}Q", detail, _COUNT.size)


def _packed(number: int, position: int, length: int) -> int:
    return (number << _POSITION_BITS | position) << _LENGTH_BITS | length


def _unpacked(place: int) -> tuple[int, int, int]:
    rest, length = place >> _LENGTH_BITS, place & (1 << _LENGTH_BITS) - 1
    return rest >> _POSITION_BITS, rest & (1 << _POSITION_BITS) - 1, length
