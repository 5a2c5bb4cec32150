# SPDX-License-Identifier: Apache-2.0
"""Receiving an image from another region into a spool."""

import threading

from ims_glance import exceptions
from ims_glance.clouds import rest
from ims_glance.clouds.image_frames import ImageFrames
from ims_glance.flows.replication.handover import Handover
from ims_glance.flows.replication.source import ReceivedPart, refusals
from ims_glance.jobs.context import JobContext
from ims_glance.jobs.lease import clock
from ims_glance.store.spool import Spool
from ims_glance.transfer import frames
from ims_glance.transfer.frames import PREFIX_SIZE, BadFrame, Frame, FrameKind, StreamCut
from ims_glance.transfer.held import HELD_LIMIT

RECEIVED, SAVED, RATE = "received_bytes", "saved_bytes", "bytes_per_second"
"""In ``entities``: over the link, both ways (less what a worker that was killed had not told yet); bytes of
the image that did not have to come over it, being zeros or held here; bytes of the image a second, with all
that is done with them."""
WAITING = "waiting_for"
"""In ``entities``: why nothing comes from the other region now."""

# So often a stream is wrong at one place before it is taken for what the other region has.
_FAULTS = 3
# The pauses while the other region is away; seconds.
_FIRST_PAUSE, _LONGEST_PAUSE = 1.0, 60.0
# So many runs may be said to be held that are not, before nothing is said to be held any more: each costs
# a request of its own.
_MISSED = 16
# So often it is told how much came; seconds.
_SOON = 0.5


class _Outage:
    """A time in which nothing comes from the other region."""

    def __init__(self) -> None:
        self._begun = clock()
        self._pause = _FIRST_PAUSE

    @property
    def seconds(self) -> float:
        """How long it has lasted."""
        return clock() - self._begun

    def next_pause(self) -> float:
        """How long to wait before the region is asked again; seconds."""
        pause, self._pause = self._pause, min(2 * self._pause, _LONGEST_PAUSE)
        return pause


class Stopped(Exception):
    """Another disk cannot be received, so this one is not needed."""


class Meter:
    """How far all images of a job are; its methods may be called by several threads.

    Half of an image is done when it was received, and all when it is in the image.

    :param total: bytes of all images
    :ivar broken: whether one cannot be received; the others stop then
    """

    def __init__(self, job: JobContext, total: int) -> None:
        self._job = job
        self._total = total
        self.broken = threading.Event()
        self._lock = threading.Lock()
        self._received: dict[int, int] = {}
        self._saved: dict[int, int | None] = {}
        self._saved_before = int(job.entities.get(SAVED, 0))
        self._filled: dict[int, int] = {}
        self._waits: dict[int, str] = {}
        self._link = int(job.entities.get(RECEIVED, 0))
        self._begun = clock()
        self._before: int | None = None

    def received(self, number: int, end: int, link: int = 0, saved: int | None = None) -> None:
        """Of an image so much has come.

        :param end: bytes of the image
        :param saved: those of them that did not have to come over the link; ``None`` if nobody knows any
            more
        :param link: bytes that came over the link since this was called last
        """
        with self._lock:
            self._received[number] = end
            self._saved[number] = saved
            self._link += link
            if self._waits.pop(number, None) is not None:
                self._tell_waits()
            self._tell()

    def filled(self, number: int, done: int) -> None:
        """So many bytes are in an image."""
        with self._lock:
            self._filled[number] = done
            self._tell()

    def waits(self, number: int, reason: str) -> None:
        """Nothing comes of an image for now.

        :raises Stopped: if another one cannot be received: there is nothing to wait for
        """
        if self.broken.is_set():
            raise Stopped
        with self._lock:
            is_news = not self._waits
            self._waits[number] = reason
            if is_news:
                self._tell_waits()

    def _tell_waits(self) -> None:
        self._job.tell(**{WAITING: next(iter(self._waits.values()), None)})

    def write(self) -> None:
        """Write what was told last."""
        with self._lock:
            self._job.write_told()

    def _tell(self) -> None:
        if self.broken.is_set():
            raise Stopped
        received = sum(self._received.values())
        done = (received + sum(self._filled.values())) // 2
        if self._before is None:
            self._before = done
        seconds = clock() - self._begun
        rate = {RATE: round((done - self._before) / seconds)} if seconds > 1 else {}
        self._job.tell_soon(**{RECEIVED: self._link, SAVED: self._all_saved(), **rate})
        self._job.progress(done, self._total)

    def _all_saved(self) -> int:
        """By what the journals say, not by what came over the link: that a killed worker may not tell."""
        known = [each for each in self._saved.values() if each is not None]
        # An image that a worker filled which died: it told what was saved of it.
        before = self._saved_before if len(known) < len(self._saved) else 0
        return max(sum(known), before)


class Receiver:
    """Receives one image.

    :param holds: whether pieces that the spool has are told to the other region
    :param handover: gets what the spool gets
    """

    def __init__(
        self,
        job: JobContext,
        part: ReceivedPart,
        spool: Spool,
        meter: Meter,
        holds: bool = True,
        handover: Handover | None = None,
    ) -> None:
        self._job = job
        self._part = part
        self._spool = spool
        self._meter = meter
        self._holds = holds
        self._handover = handover or Handover(spool, part.digest.size, job.check)
        self._missed = 0
        # Of a run that is not held, and that the other region was too busy to send at once.
        self._later: Frame | None = None
        self._region = str(job.source_region.name)
        self._source = ImageFrames(job.source_region, watch=self._watch)
        self._told = 0
        self._last_told = clock()

    def run(self) -> None:
        """Receive until the spool has all.

        :raises SourceGone, SourceRefused: if the image is not to be read any more
        :raises BadFrame: if what comes is wrong, several times
        :raises ServiceUnavailable: if the other region is away for too long
        """
        faults, size = 0, self._part.digest.size
        outage = _Outage()
        while self._spool.end < size:
            begun = self._spool.end
            try:
                self._go_on()
            except rest.NeighbourBusy as error:
                # It is not away: there may be so many copies that this one waits for hours.
                outage = _Outage()
                self._wait_for(error, error.seconds)
            except (rest.ServiceUnavailable, StreamCut) as error:
                if self._spool.end > begun:
                    outage = _Outage()
                # Of a stream that breaks off behind its last byte nothing is missing.
                if self._spool.end < size:
                    self._wait(outage, error)
            except BadFrame:
                faults = 1 if self._spool.end > begun else faults + 1
                if faults == _FAULTS:
                    raise
                self._job.pause(faults)
            finally:
                self._flush()
        self._tell()

    def _watch(self) -> None:
        """Tell how much came, though no frame of it may be complete for long."""
        if clock() - self._last_told > _SOON:
            self._tell()

    def _tell(self) -> None:
        link = self._source.received + self._source.sent
        self._meter.received(
            self._part.number, self._spool.end, link - self._told, self._spool.saved
        )
        self._told, self._last_told = link, clock()

    def _flush(self) -> None:
        if self._job.lease.holds:
            self._spool.flush()

    def _wait(self, outage: "_Outage", error: Exception) -> None:
        """Wait for the other region a little, for all to see.

        :raises ServiceUnavailable: if it has been away for too long
        """
        if outage.seconds > self._job.conf.ims_jobs.region_patience_seconds:
            where = f"Image ({self._region})"
            raise rest.ServiceUnavailable(service=where, reason=str(error)) from error
        self._wait_for(error, outage.next_pause())

    def _wait_for(self, error: Exception, seconds: float) -> None:
        self._handover.check()
        self._meter.waits(self._part.number, f"{self._region}: {error}")
        self._job.pause(seconds)

    def _go_on(self) -> None:
        """Receive what comes next."""
        run, self._later = self._later, None
        if run is None:
            self._receive()
            return
        try:
            with refusals(self._region, self._part.image_id):
                self._ask_again(run)
        except rest.NeighbourBusy:
            self._later = run
            raise

    def _receive(self) -> None:
        """Receive from where the spool ends until the stream does."""
        part, spool = self._part, self._spool
        held = spool.prefixes()[: HELD_LIMIT * PREFIX_SIZE] if self._holds else b""
        source = self._source
        with (
            refusals(self._region, part.image_id),
            source.open(
                part.image_id, part.digest.size, offset=spool.end, held=held, cut=part.cut
            ) as stream,
        ):
            for frame in stream:
                self._take(frame)
                self._tell()
                if self._missed > _MISSED and held:
                    self._holds = False
                    break
                if self._later is not None:
                    # Perhaps this stream is what it is busy with.
                    break

    def _take(self, frame: Frame) -> None:
        if frame.kind == FrameKind.ZERO:
            self._spool.zero(frame.length)
            self._handover.give(frame.offset, frame.length, None)
        elif frame.kind == FrameKind.DATA:
            data = bytes(frame.data)
            self._spool.data(data)
            self._handover.give(frame.offset, frame.length, data)
        elif (found := self._held(frame)) is not None:
            places, run = found
            self._spool.held(frame.length, places)
            self._handover.give(frame.offset, frame.length, run)
        else:
            self._missed += 1
            try:
                self._ask_again(frame)
            except rest.NeighbourBusy:
                self._later = frame

    def _held(self, frame: Frame) -> tuple[list[int], bytes] | None:
        """Where the pieces of a run are, and the run; ``None`` if what is there is something else."""
        places = [self._spool.place(each) for each in frame.pieces]
        found = [each for each in places if each is not None]
        if len(found) < len(places):
            return None
        try:
            run = b"".join(map(self._spool.at, found))
        except exceptions.ObjectDamaged:
            return None
        is_it = len(run) == frame.length and frames.digest(run) == frame.digest
        return (found, run) if is_it else None

    def _ask_again(self, run: Frame) -> None:
        """Receive the bytes of a run that is not held."""
        source, size = self._source, self._part.digest.size
        with source.open(self._part.image_id, size, offset=run.offset, length=run.length) as stream:
            for frame in stream:
                if frame.kind == FrameKind.HELD:
                    raise BadFrame(offset=frame.offset, reason="nobody said that it is held")
                self._take(frame)
        self._tell()
