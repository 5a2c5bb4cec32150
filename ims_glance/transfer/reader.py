# SPDX-License-Identifier: Apache-2.0
"""The receiver's side: a stream in, verified frames out. No I/O.

It believes nothing that the stream says before it has verified it, and holds a run as it came and as
it is unpacked, whatever the stream announces. The format is in :mod:`ims_glance.transfer`.
"""

from collections.abc import Iterable, Iterator

import zstandard

from ims_glance.transfer import frames
from ims_glance.transfer.frames import BadFrame, Buffer, Codec, Cut, Frame, FrameKind, StreamCut

_LEAST_WINDOW = 1 << 10


def read(
    chunks: Iterable[Buffer],
    offset: int,
    length: int,
    *,
    size: int | None = None,
    held: bool = True,
    sizes: Cut = frames.SIZES,
) -> Iterator[Frame]:
    """The frames of a range, without gaps and in order; after the last one the range is complete.

    What *chunks* raises is raised here.

    :param chunks: of the stream, of any size
    :param offset: of the range that was asked for, in bytes of the image
    :param length: of it, in bytes
    :param size: that the image has to have, in bytes; ``None`` for any
    :param held: whether the sender was told that pieces are held
    :param sizes: how it was asked to cut
    :raises StreamCut: if the stream ends before the range
    :raises BadFrame: if it is wrong in any other way
    """
    return _Reader(chunks, offset, length, held, sizes).frames(size)


class _Reader:
    """Reads one stream.

    ``_at`` is the offset in the image of the frame that is being read.
    """

    def __init__(
        self, chunks: Iterable[Buffer], offset: int, length: int, held: bool, sizes: Cut
    ) -> None:
        self._chunks = iter(chunks)
        self._rest = memoryview(b"")
        self._start = self._at = offset
        self._end = offset + length
        self._preamble = frames.preamble(offset, sizes)
        self._chain = frames.Chain(self._preamble)
        self._held = held
        self._sizes = sizes
        # What a frame of zstd wants to look back on is memory as well.
        self._zstd = zstandard.ZstdDecompressor(max_window_size=max(sizes.run, _LEAST_WINDOW))

    def frames(self, size: int | None) -> Iterator[Frame]:
        """All of them."""
        if self._take(len(self._preamble)) != self._preamble:
            raise self._bad("it does not begin as the stream of this range")
        while True:
            head = self._take(frames.HEAD_SIZE)
            kind, first, second = frames.read_head(head)
            if kind == FrameKind.END:
                self._finish(head, first, second, size)
                return
            frame = self._frame(head, kind, first, second)
            self._at = frame.end
            yield frame
            # What follows is not to stand in memory beside it.
            del frame

    def _frame(self, head: bytes, kind: int, offset: int, length: int) -> Frame:
        if kind not in (FrameKind.ZERO, FrameKind.HELD, FrameKind.DATA):
            raise self._bad(f"there is no frame of kind {kind}")
        if offset != self._at:
            raise self._bad(f"the frame is one of byte {offset}")
        if not 0 < length <= self._end - offset:
            raise self._bad(f"a frame of {length} bytes does not fit into the range")
        if (offset + length) % self._sizes.grain and offset + length != self._end:
            # Or an image would be as many frames as it has bytes.
            raise self._bad(f"a frame of {length} bytes ends within a piece")
        if kind == FrameKind.ZERO:
            self._verify(head)
            return Frame(FrameKind.ZERO, offset, length)
        if length > self._sizes.run:
            raise self._bad(f"a run of {length} bytes is longer than {self._sizes.run}")
        if kind == FrameKind.HELD:
            return self._held_frame(head, offset, length)
        return self._data_frame(head, offset, length)

    def _held_frame(self, head: bytes, offset: int, length: int) -> Frame:
        if not self._held:
            raise self._bad("it takes for held what nobody said is")
        digest = self._take(frames.DIGEST_SIZE)
        told = self._take(frames.COUNT_SIZE) if self._sizes.tells_count else b""
        packed = self._take(frames.PREFIX_SIZE * self._count(told, offset, length))
        self._verify(head, digest, told, packed)
        places = range(0, len(packed), frames.PREFIX_SIZE)
        prefixes = tuple(packed[place : place + frames.PREFIX_SIZE] for place in places)
        return Frame(FrameKind.HELD, offset, length, digest, prefixes)

    def _count(self, told: bytes, offset: int, length: int) -> int:
        """How many pieces a run has, which is at most a run's of the smallest."""
        most = self._sizes.count(offset, length)
        if not told:
            return most
        count = frames.read_count(told)
        if not -(-length // self._sizes.piece) <= count <= most:
            raise self._bad(f"{length} bytes are not {count} pieces")
        return count

    def _data_frame(self, head: bytes, offset: int, length: int) -> Frame:
        digest = self._take(frames.DIGEST_SIZE)
        body = self._take(frames.BODY_SIZE)
        self._verify(head, digest, body)
        codec, size = frames.read_body(body)
        if codec == Codec.NONE and size == length:
            data: bytes | memoryview = self._take_many(size)
        elif codec == Codec.ZSTD and 0 < size < length:
            data = self._unpack(self._take_many(size), length)
        else:
            raise self._bad(f"codec {codec} does not keep {length} bytes in {size}")
        if frames.digest(data) != digest:
            raise self._bad("the data does not have its digest")
        return Frame(FrameKind.DATA, offset, length, digest, data=data)

    def _unpack(self, stored: Buffer, length: int) -> bytes:
        try:
            # That it tells the size is looked at first: so much memory is taken, whatever comes.
            announced = zstandard.get_frame_parameters(stored).content_size
            if announced != length:
                raise self._bad(f"{length} bytes are announced as {announced} to zstd")
            return self._zstd.decompress(stored, length, allow_extra_data=False)
        except zstandard.ZstdError as error:
            raise self._bad(f"zstd cannot unpack it ({error})") from None

    def _finish(self, head: bytes, length: int, size: int, expected: int | None) -> None:
        self._verify(head)
        if self._at != self._end or length != self._end - self._start:
            raise self._bad(f"it ends after {length} bytes, before byte {self._end}")
        if size < self._end or expected not in (None, size):
            raise self._bad(f"the image is said to have {size} bytes now")
        if self._rest or any(self._chunks):
            raise self._bad("it goes on behind its end")

    def _verify(self, *parts: bytes) -> None:
        if self._take(frames.CHECK_SIZE) != self._chain.check(*parts):
            raise self._bad("the frame does not have its check")

    def _take(self, size: int) -> bytes:
        """The next bytes of the stream, a few."""
        if len(self._rest) < size:
            return bytes(self._take_many(size))
        part, self._rest = self._rest[:size], self._rest[size:]
        return bytes(part)

    def _take_many(self, size: int) -> memoryview:
        """The next bytes of the stream, up to a run, in memory of their own."""
        taken = memoryview(bytearray(size))
        place = 0
        while place < size:
            if not self._rest:
                self._rest = self._next()
            part = self._rest[: size - place]
            taken[place : place + len(part)] = part
            place += len(part)
            self._rest = self._rest[len(part) :]
        return taken.toreadonly()

    def _next(self) -> memoryview:
        for chunk in self._chunks:
            if chunk:
                return memoryview(chunk)
        raise StreamCut(offset=self._at, reason="it was cut")

    def _bad(self, reason: str) -> BadFrame:
        return BadFrame(offset=self._at, reason=reason)
