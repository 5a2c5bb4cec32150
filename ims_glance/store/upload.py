# SPDX-License-Identifier: Apache-2.0
"""Moving an upload: hash, encrypt and write at the same time, in flat memory.

Hashing is what an upload waits for (MD5 and SHA-512 take about as long as everything else
together), and each digest is one long chain that cannot be split. So the thread that reads the
request hands every segment to several *lanes*, threads that each do one thing to all segments in
turn: one lane per digest, one that encrypts and writes. OpenSSL and the kernel let go of the
interpreter lock while they work on a segment, so lanes really run side by side.
"""

import queue
import threading
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple, Protocol

import glance_store
from glance_store.common import utils as store_utils

from ims_glance.crypto import stream

# Segments that wait for a lane, at most: with those being worked on, what an upload holds in memory.
_DEPTH = 4


class UploadBody(Protocol):
    """What Glance hands to a store: a file-like object, read by the request's own thread."""

    def read(self, size: int) -> bytes:
        """At most *size* bytes; none at the end."""


class Segment(NamedTuple):
    """A segment of the image on its way.

    :ivar number: 0, 1, ...
    :ivar last: whether the image ends with it
    """

    number: int
    plaintext: stream.Buffer
    last: bool


class Digests(NamedTuple):
    """What Glance wants to know of the plaintext.

    :ivar size: in bytes
    :ivar checksum: MD5, hexadecimal
    :ivar multihash: of the wanted algorithm, hexadecimal
    """

    size: int
    checksum: str
    multihash: str


class UploadAborted(Exception):
    """Raised inside the lanes when another part of the upload failed."""


class _Lane:
    """One thread that works through the segments in order.

    :param work: called once, in the thread, with an iterator of all segments; the iterator raises
        :class:`UploadAborted` if the upload fails elsewhere
    """

    def __init__(self, name: str, work: Callable[[Iterator[Segment]], None]) -> None:
        self._work = work
        self._queue: queue.Queue[Segment | None] = queue.Queue(_DEPTH)
        self._aborted = False
        self._ended = False
        self.error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name=f"ims-kms-{name}", daemon=True)
        self._thread.start()

    def put(self, segment: Segment) -> None:
        """Hand over a segment, waiting for room; raises what went wrong in the lane."""
        if self.error is not None:
            raise self.error
        self._queue.put(segment)

    def finish(self, *, aborted: bool) -> None:
        """Say that no more comes, and wait until the lane is done."""
        self._aborted = aborted
        self._queue.put(None)
        self._thread.join()

    def _run(self) -> None:
        try:
            self._work(self._segments())
        except BaseException as error:  # boundary: put() and move() raise it in the caller's thread
            self.error = error
        # Whoever still waits for room in the queue must get on, and find the error.
        while not self._ended:
            self._ended = self._queue.get() is None

    def _segments(self) -> Iterator[Segment]:
        while (segment := self._queue.get()) is not None:
            yield segment
        self._ended = True
        if self._aborted:
            raise UploadAborted


def move(
    source: UploadBody,
    size: int,
    hashing_algo: str,
    write: Callable[[Iterator[Segment]], None],
    verifier: Any = None,
) -> Digests:
    """Read *source* to its end, feeding *write* and the digests.

    :param size: bytes that are expected; 0 if that is unknown
    :param write: encrypts and writes the segments; runs in a thread of its own
    :param verifier: of an image signature, has ``update(bytes)``; or ``None``
    :raises glance_store.exceptions.Invalid: if there are more or fewer bytes than expected
    :raises Exception: whatever *source* or *write* raised; *write* has seen ``UploadAborted`` then
    """
    checksum = store_utils.get_hasher("md5", False)
    multihash = store_utils.get_hasher(hashing_algo, False)
    updates = [checksum.update, multihash.update]
    if verifier is not None:
        updates.append(verifier.update)
    works = {f"hash-{n}": _updater(update) for n, update in enumerate(updates)} | {"write": write}
    lanes: list[_Lane] = []
    received = 0
    aborted = True
    try:
        for name, work in works.items():
            lanes.append(_Lane(name, work))
        for segment in _read_segments(source):
            received += len(segment.plaintext)
            if size and received > size:
                raise glance_store.Invalid(f"Size exceeds: expected {size} bytes, got more")
            if size and segment.last and received != size:
                raise glance_store.Invalid(
                    f"Size mismatch: expected {size} bytes, got {received} bytes"
                )
            for lane in lanes:
                lane.put(segment)
        aborted = False
    finally:
        for lane in lanes:
            lane.finish(aborted=aborted)
    for lane in lanes:
        if lane.error is not None:
            raise lane.error
    return Digests(received, checksum.hexdigest(), multihash.hexdigest())


def _updater(update: Callable[[stream.Buffer], Any]) -> Callable[[Iterator[Segment]], None]:
    def work(segments: Iterator[Segment]) -> None:
        for segment in segments:
            update(segment.plaintext)

    return work


def _read_segments(source: UploadBody) -> Iterator[Segment]:
    """Cut *source* into segments; which is the last is known only after the next read."""
    index = 0
    plaintext = _read_exactly(source, stream.segment_capacity(0))
    while len(plaintext) == stream.segment_capacity(index):
        following = _read_exactly(source, stream.segment_capacity(index + 1))
        if not following:
            break
        yield Segment(index, plaintext, last=False)
        index, plaintext = index + 1, following
    yield Segment(index, plaintext, last=True)


def _read_exactly(source: UploadBody, size: int) -> bytes:
    piece = source.read(size)
    if len(piece) in (0, size):
        return piece
    pieces = [piece]
    missing = size - len(piece)
    while missing and (piece := source.read(missing)):
        pieces.append(piece)
        missing -= len(piece)
    return b"".join(pieces)
