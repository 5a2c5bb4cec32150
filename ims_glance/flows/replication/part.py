# SPDX-License-Identifier: Apache-2.0
"""One image that is received: the one of the job, or a disk of it."""

import concurrent.futures
import contextlib
import logging
from collections.abc import Iterator, Mapping
from typing import Any

from ims_glance import exceptions
from ims_glance.clouds.image_api import Download
from ims_glance.flows.copy.data import CopyBroken, CopyDiffers, DataCopy, Target
from ims_glance.flows.replication import base
from ims_glance.flows.replication.handover import Handover, LinkTooSlow, UploadStopped
from ims_glance.flows.replication.receive import Meter, Receiver
from ims_glance.flows.replication.source import ReceivedPart, ReceivePlan
from ims_glance.jobs.context import JobContext
from ims_glance.jobs.task import Task
from ims_glance.store import spools

LOG = logging.getLogger(__name__)

# Bytes of an image for which it pays that it is filled while it is received.
_WORTH_BOTH_AT_ONCE = 8 << 20


class PartCopy:
    """From another region by a spool into an image.

    :param key_id: that the spool is under
    :param target: gets the data
    """

    def __init__(
        self, job: JobContext, part: ReceivedPart, key_id: str, target: Target, meter: Meter
    ) -> None:
        self._job = job
        self._part = part
        self._key_id = key_id
        self._target = target
        self._meter = meter
        self._spools = spools.of_process(job.conf)

    def run(self) -> str:
        """Receive, and fill the image; its id.

        If it differs from the source then, or the spool is damaged, all is received once more, and
        nothing is taken from anywhere else.

        :raises CopyDiffers: if it differs again
        :raises Exception: see :meth:`Receiver.run`, :class:`ims_glance.flows.copy.data.DataCopy` and
            :meth:`ims_glance.store.spools.Spools.open`
        """
        wanted = self._part.digest
        found = DataCopy(self._job, _Nothing(self._part.image_id), self._target).found(wanted)
        if found is not None:
            # By a worker that died.
            self._meter.received(self._part.number, wanted.size)
            self._meter.filled(self._part.number, wanted.size)
            return found
        try:
            return self._run(holds=True)
        except (CopyDiffers, exceptions.ObjectDamaged):
            delete_spool(self._job, self._part)
        return self._run(holds=False)

    def _run(self, holds: bool) -> str:
        part, job = self._part, self._job
        with contextlib.closing(self._spools.open(part.owner(job), self._key_id)) as spool:
            if holds and part.base_ids and not spool.end:
                base.keep(job, spool, part.base_ids, part.cut)
            handover = Handover(spool, part.digest.size, job.check)
            receiver = Receiver(job, part, spool, self._meter, holds, handover)
            received = _Received(part, handover, self._meter)
            copy = DataCopy(job, received, self._target, holds_back=True)
            if part.digest.size > _WORTH_BOTH_AT_ONCE:
                found = self._both_at_once(receiver, copy, handover)
            else:
                receiver.run()
                found = None
            return found or copy.run(part.digest)

    def _both_at_once(self, receiver: Receiver, copy: DataCopy, handover: Handover) -> str | None:
        """Receive, and fill the image meanwhile; its id, or ``None`` if it has yet to be filled."""
        with concurrent.futures.ThreadPoolExecutor(1, "ims-upload") as pool:
            filling = pool.submit(self._fill_meanwhile, copy, handover)
            try:
                receiver.run()
            except BaseException:
                handover.stop()
                raise
        return filling.result()

    def _fill_meanwhile(self, copy: DataCopy, handover: Handover) -> str | None:
        self._job.log_here()
        try:
            return copy.run(self._part.digest)
        except (LinkTooSlow, UploadStopped, CopyBroken, exceptions.Unavailable) as error:
            # What comes is kept, and an upload of all of it has patience of its own.
            LOG.info("Job %s fills its image when all is here: %r", self._job.id, error)
            return None
        except BaseException as error:  # boundary: raised in the thread that receives
            handover.fail(error)
            raise


class _Nothing:
    """What an image is not filled from."""

    def __init__(self, image_id: str) -> None:
        self.id = image_id

    def open(self) -> contextlib.AbstractContextManager[Download]:
        return contextlib.nullcontext(Download(0, iter(())))

    def tell(self, done: int) -> None:
        """See :class:`ims_glance.flows.copy.data.CopySource`."""


class _Received:
    """What has been received of an image and is still to be, as what another one is filled from."""

    def __init__(self, part: ReceivedPart, handover: Handover, meter: Meter) -> None:
        self.id = part.image_id
        self._part = part
        self._handover = handover
        self._meter = meter

    @contextlib.contextmanager
    def open(self) -> Iterator[Download]:
        with contextlib.closing(self._handover.chunks()) as chunks:
            yield Download(self._part.digest.size, chunks)

    def tell(self, done: int) -> None:
        """See :class:`ims_glance.flows.copy.data.CopySource`."""
        self._meter.filled(self._part.number, done)


class DeleteSpools(Task):
    """Deletes what is not needed any more."""

    def execute(self, plan: Mapping[str, Any]) -> None:
        """Delete it."""
        delete_spools(self.job, plan)


def delete_spools(job: JobContext, plan: Mapping[str, Any]) -> None:
    """Delete all that came from the other region, whether there is something or not."""
    for part in ReceivePlan.of(plan).parts:
        delete_spool(job, part)


def delete_spool(job: JobContext, part: ReceivedPart) -> None:
    """The same of one image."""
    spools.of_process(job.conf).delete(part.owner(job))
