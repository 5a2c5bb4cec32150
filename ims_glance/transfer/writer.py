# SPDX-License-Identifier: Apache-2.0
"""The sender's side: plain bytes in, a stream of frames out. No I/O.

The format is in :mod:`ims_glance.transfer`.
"""

from collections.abc import Generator, Iterable, Iterator

import blake3
import zstandard

from ims_glance import exceptions
from ims_glance.transfer import frames
from ims_glance.transfer.frames import Buffer, Codec, Cut, FrameKind
from ims_glance.transfer.held import Held, piece_prefix

# A receiver waits for bytes, and gives up after some time without any. So a frame of zeros is sent after
# so many runs of them, though there may be more.
_ZERO_RUNS = 16
LEVEL = 6
"""Of zstd. Of what an upgraded server has changed, 860 MB in runs of all sizes, 1 makes 241 MB, 3 makes
230, 6 makes 219 and 9 makes 216; of the processor they take 1.6, 2.6, 7 and 12 seconds a gigabyte."""

# What has to be saved by compression; of already compressed images there is nothing to save.
_WORTH = 0.05
# Runs that are sent as they are after one that it did not pay for, 1, 2, 2 ... of them. More would save
# little, as zstd is quick with noise, and cost a percent where an image has noise here and there.
_MOST_UNTRIED = 2


class SizeChanged(exceptions.Conflict):
    """The image's data has another size than its image says."""

    template = "The data of the image ends at byte {end}, but should at {expected}."


def write(
    chunks: Iterable[Buffer],
    offset: int,
    held: Held,
    size: int,
    compress: bool = True,
    length: int | None = None,
    *,
    level: int = LEVEL,
    sizes: Cut = frames.SIZES,
) -> Generator[bytes, None, None]:
    """The stream of a range of an image, in chunks of a few bytes up to a run.

    What *chunks* raises is raised here, and then the stream has no end, as it must not have.

    :param chunks: the plain bytes of the range, in pieces of any size
    :param offset: of the range in the image, in bytes
    :param held: what the receiver has
    :param size: of the image, in bytes
    :param compress: whether zstd is tried
    :param length: of the range, in bytes; ``None`` for all that is behind *offset*
    :param level: of zstd, 1 to 19
    :param sizes: how it is cut
    :raises SourceChanged: if there are fewer bytes, or more
    """
    expected = size - offset if length is None else length
    if not 0 <= offset <= offset + expected <= size:
        raise ValueError(f"there are no {expected} bytes behind {offset} of {size}")
    stream = _Stream(offset, held, _Packer(level) if compress else None, sizes)
    yield stream.start
    end = offset
    for piece in sizes.cut(chunks, offset):
        end += len(piece)
        if end > offset + expected:
            raise SizeChanged(end=f"{end} or later", expected=offset + expected)
        yield from stream.add(piece)
    if end != offset + expected:
        raise SizeChanged(end=end, expected=offset + expected)
    yield from stream.end(expected, size)


def part(
    chunks: Iterable[Buffer], skip: int, length: int | None
) -> Generator[memoryview, None, None]:
    """What is behind the first *skip* bytes: *length* bytes, if there are so many, or all."""
    for chunk in chunks:
        found = memoryview(chunk)[skip:]
        skip = max(0, skip - len(chunk))
        if length is not None:
            found = found[:length]
            length -= len(found)
        if found:
            yield found
        if length == 0:
            return


class _Stream:
    """Collects pieces of one kind until they make a frame."""

    def __init__(self, offset: int, held: Held, packer: "_Packer | None", sizes: Cut) -> None:
        self.start = frames.preamble(offset, sizes)
        self._chain = frames.Chain(self.start)
        self._held = held
        self._packer = packer
        self._sizes = sizes
        self._limit = {
            FrameKind.ZERO: sizes.run * _ZERO_RUNS,
            FrameKind.HELD: sizes.run,
            FrameKind.DATA: sizes.run,
        }
        self._offset = offset
        self._begin(FrameKind.ZERO)

    def add(self, piece: bytes) -> Iterator[bytes]:
        """Take the next piece; the frame that was complete before it, if one was."""
        kind, prefix = self._classify(piece)
        if kind is not self._kind or self._length + len(piece) > self._limit[kind]:
            yield from self._flush()
            self._begin(kind)
        self._length += len(piece)
        if kind is FrameKind.DATA:
            self._pieces.append(piece)
        elif kind is FrameKind.HELD:
            self._hasher.update(piece)
            self._pieces.append(prefix)

    def end(self, length: int, size: int) -> Iterator[bytes]:
        """The last frame with pieces, and the end."""
        yield from self._flush()
        yield self._sealed(frames.head(FrameKind.END, length, size))

    def _begin(self, kind: FrameKind) -> None:
        self._kind = kind
        self._length = 0
        self._pieces: list[bytes] = []
        self._hasher = blake3.blake3()

    def _classify(self, piece: bytes) -> tuple[FrameKind, bytes]:
        length = len(piece)
        is_usual = length % self._sizes.piece == 0
        if piece == (frames.zeros(length) if is_usual else bytes(length)):
            return FrameKind.ZERO, b""
        if not self._held:
            return FrameKind.DATA, b""
        prefix = piece_prefix(piece)
        return (FrameKind.HELD if prefix in self._held else FrameKind.DATA), prefix

    def _flush(self) -> Iterator[bytes]:
        if not self._length:
            return
        head = frames.head(self._kind, self._offset, self._length)
        if self._kind is FrameKind.ZERO:
            yield self._sealed(head)
        elif self._kind is FrameKind.HELD:
            told = [frames.count(len(self._pieces))] if self._sizes.tells_count else []
            yield self._sealed(head, self._hasher.digest(), *told, *self._pieces)
        else:
            yield from self._data(head)
        self._offset += self._length

    def _data(self, head: bytes) -> Iterator[bytes]:
        run = b"".join(self._pieces)
        self._pieces.clear()
        packed = self._packer.pack(run) if self._packer else None
        codec, stored = (Codec.NONE, run) if packed is None else (Codec.ZSTD, packed)
        yield self._sealed(head, frames.digest(run), frames.body(codec, len(stored)))
        yield stored

    def _sealed(self, *parts: bytes) -> bytes:
        return b"".join([*parts, self._chain.check(*parts)])


class _Packer:
    """Compresses runs as long as it pays, and tries it again now and then."""

    def __init__(self, level: int) -> None:
        self._zstd = zstandard.ZstdCompressor(level=level, write_content_size=True)
        self._untried = 0
        self._next_untried = 1

    def pack(self, run: bytes) -> bytes | None:
        """The run in less bytes, or ``None``."""
        if self._untried:
            self._untried -= 1
            return None
        packed = self._zstd.compress(run)
        if len(packed) <= len(run) * (1 - _WORTH):
            self._next_untried = 1
            return packed
        self._untried = self._next_untried
        self._next_untried = min(2 * self._next_untried, _MOST_UNTRIED)
        return None
