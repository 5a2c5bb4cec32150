# SPDX-License-Identifier: Apache-2.0
"""From the link to the upload: the image is filled while more of it comes.

What was received goes on to the upload as it is, and into the spool beside that, from which it is read only
if the upload was not there in time. The upload follows the link, and gives up where that is too slow:
Glance's web server ends a request that stands still for a minute, and one that lasts as long as a slow link
would hold a thread of it all that time. Once all is here it is begun again, from the spool.
"""

import collections
import threading
from collections.abc import Callable, Generator, Iterator

from ims_glance.jobs.lease import clock
from ims_glance.store.spool import Spool

# Bytes on their way to the upload, at most; the link waits then.
_DEPTH = 4 << 20
# So many bytes that are in no object of the spool yet are kept for an upload that is not close behind; then
# the spool writes one. Of pieces that are held here it would write one a GiB or more.
_UNWRITTEN = 32 << 20
# So long either side waits for the other, before the one reads the spool and the other breaks off; seconds.
_PATIENCE = 5.0
# So often either of them looks whether to go on; seconds.
_LOOK = 1.0
# Of its time an upload may stand still so much, once it has stood still for so long; seconds.
_MOST_IDLE, _IDLE_SECONDS = 0.5, 10.0
_ZEROS = bytes(1 << 20)


class LinkTooSlow(Exception):
    """What comes next of an image does not come soon enough for an upload that is open."""


class UploadStopped(Exception):
    """An upload is not needed any more: what it was to upload does not come."""


class Handover:
    """What is received of one image, for whoever uploads it: one thread gives, another takes.

    :param spool: that gets the same, by the one that gives
    :param size: of the image, in bytes
    :param check: raises something if the one that gives is not to go on
    """

    def __init__(self, spool: Spool, size: int, check: Callable[[], None]) -> None:
        self._spool = spool
        self._size = size
        self._check = check
        self._changed = threading.Condition()
        # Offset, length, and bytes unless they are zeros: what was received last, without gaps. What is in no
        # object of the spool yet is always there.
        self._runs: collections.deque[tuple[int, int, bytes | None]] = collections.deque()
        self._bytes = 0
        # Whether the upload takes them from there, and is waited for.
        self._is_followed = False
        self._is_stopped = False
        self._error: BaseException | None = None

    # --- by the one that gives -----------------------------------------------------------------

    def give(self, offset: int, length: int, run: bytes | None) -> None:
        """Hand on what the spool was given just now.

        If the upload is close behind it is waited for, that it need not read the spool, but not for long.

        :param offset: in the image, where the run before it ended
        :param run: its bytes, which stay as they are; ``None`` if they are zeros
        :raises BaseException: what the upload failed with, if nothing can be uploaded; else what
            :meth:`ims_glance.store.spool.Spool.flush` raises
        """
        with self._changed:
            self._runs.append((offset, length, run))
            self._bytes += len(run or b"")
            self._changed.notify_all()
            end = clock() + _PATIENCE
            while self._is_followed and self._bytes > _DEPTH and self._error is None:
                self._changed.wait(_LOOK)
                self._check()
                if clock() > end:
                    self._is_followed = False
            if not self._is_followed:
                self._forget(self._spool.written)
            if self._error is not None:
                raise self._error
            is_much = self._bytes > _UNWRITTEN
        if is_much:
            self._spool.flush()
            with self._changed:
                self._forget(self._spool.written)

    def check(self) -> None:
        """Look whether there is anything to receive for.

        :raises BaseException: what the upload failed with, if nothing can be uploaded
        """
        with self._changed:
            if self._error is not None:
                raise self._error

    def stop(self) -> None:
        """Nothing more comes: an upload that is under way is to end."""
        with self._changed:
            self._is_stopped = True
            self._changed.notify_all()

    # --- by the one that takes -----------------------------------------------------------------

    def fail(self, error: BaseException) -> None:
        """Nothing can be uploaded: let the one that gives know why."""
        with self._changed:
            self._error = error
            self._changed.notify_all()

    def chunks(self) -> Generator[bytes, None, None]:
        """The image from its first byte on, in pieces of a MiB at most.

        :raises LinkTooSlow: if too little comes
        :raises UploadStopped: if nothing comes any more
        :raises ObjectDamaged: if what was in the spool is not there
        """
        at, pace = 0, _UploadPace()
        try:
            while at < self._size:
                for chunk in self._there(at, self._next(at, pace)):
                    yield chunk
                    at += len(chunk)
        finally:
            with self._changed:
                self._is_followed = False
                self._changed.notify_all()

    def _there(self, at: int, run: tuple[int, int, bytes | None] | None) -> Iterator[bytes]:
        """What is here from a byte on, which may be nearly all of the image."""
        for chunk in self._spool.chunks(at) if run is None else _cut(at, run):
            if self._is_stopped:
                raise UploadStopped
            yield chunk

    def _next(self, at: int, pace: "_UploadPace") -> tuple[int, int, bytes | None] | None:
        """The run that has a byte of the image; ``None`` if that has to be read from the spool."""
        with self._changed:
            pace.begin_wait()
            while not self._is_stopped:
                self._forget(at)
                if self._runs and self._runs[0][0] <= at:
                    self._is_followed = True
                    pace.end_wait()
                    return self._take()
                if self._spool.written > at:
                    self._is_followed = False
                    return None
                pace.check()
                self._changed.wait(_LOOK)
        raise UploadStopped

    def _take(self) -> tuple[int, int, bytes | None]:
        taken = self._runs.popleft()
        self._bytes -= len(taken[2] or b"")
        self._changed.notify_all()
        return taken

    def _forget(self, end: int) -> None:
        """Let go of what is before a byte of the image."""
        while self._runs and self._runs[0][0] + self._runs[0][1] <= end:
            self._take()


class _UploadPace:
    """Whether an upload gets enough."""

    def __init__(self) -> None:
        self._begun = clock()
        self._idle = 0.0
        self._wait_begun = self._begun

    def begin_wait(self) -> None:
        """From now on the next bytes are waited for."""
        self._wait_begun = clock()

    def end_wait(self) -> None:
        """They are there."""
        self._idle += clock() - self._wait_begun

    def check(self) -> None:
        """Look how long that lasts.

        :raises LinkTooSlow: if it is too long
        """
        now = clock()
        waited = now - self._wait_begun
        idle = self._idle + waited
        if waited > _PATIENCE or idle > max(_IDLE_SECONDS, _MOST_IDLE * (now - self._begun)):
            raise LinkTooSlow


def _cut(at: int, run: tuple[int, int, bytes | None]) -> Iterator[bytes]:
    """The bytes of a run from a byte of the image on."""
    offset, length, content = run
    if content is not None:
        yield content[at - offset :]
        return
    left = offset + length - at
    while left:
        yield _ZEROS[:left]
        left -= min(left, len(_ZEROS))
