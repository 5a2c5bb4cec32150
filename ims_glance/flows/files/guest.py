# SPDX-License-Identifier: Apache-2.0
"""The system on a disk, as jobs work with it: looked at in passing, looked at on purpose, or prepared.

What is said of it is a report (:class:`ims_glance.model.guest.report.Report`), which the job tells its owner
and keeps with its image.
"""

import contextlib
import dataclasses
import logging
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from oslo_utils import units

from ims_glance import exceptions, formats, guests
from ims_glance.clouds.image_api import Download
from ims_glance.flows.files.file import zeros
from ims_glance.formats import Bounds, FormatFound, Source
from ims_glance.guests import GuestDisk
from ims_glance.jobs.context import JobContext
from ims_glance.jobs.market import scanners
from ims_glance.model.guest import recognised
from ims_glance.model.guest.report import Report
from ims_glance.model.guest.wishes import Wishes
from ims_glance.model.job import GUEST_STEP, REPORT
from ims_glance.model.market.scan.report import Scanned

LOG = logging.getLogger(__name__)

LEAST = units.Mi
"""Bytes of a disk that a system could be on: for a smaller one no machine is started."""

# They lie in an image byte by byte.
_AS_THEY_ARE = ("raw", "iso")
_TOO_SMALL = "The disk is too small to hold a system."

_READ_WHOLE = "because a file of this kind can only be read from its beginning to its end"
_BROKEN = "because of an internal error, of which the log of ims-worker has more"


def check_there(job: JobContext) -> None:
    """Check that this worker can look into disks.

    :raises GuestsUnavailable: if it cannot
    """
    guests.check_there(job.conf)


def seen(job: JobContext, source: Source, found: FormatFound) -> Report | None:
    """What is on a disk, as far as that is cheap; ``None`` if the operator does not want to know.

    Whatever is in the way is but a note in the report.
    """
    if not job.conf.ims_guests.recognise:
        return None
    if not guests.is_random(found):
        return _not_seen(job, _READ_WHOLE)
    try:
        check_there(job)
        return examined(job, source, found)
    except exceptions.ImsError as error:
        # Unless the job is to end.
        job.check()
        LOG.warning("Job %s recognises no system: %s", job.id, error)
        return _not_seen(job, f"({error.details.get('reason', error)})")
    except Exception:  # boundary: an import that needs none of this goes on
        job.check()
        LOG.exception("Job %s recognises no system", job.id)
        return _not_seen(job, _BROKEN)


def examined(job: JobContext, source: Source, found: FormatFound) -> Report:
    """What is on a disk, of which nothing is changed.

    :raises Exception: see :func:`ims_glance.guests.opened` and :func:`ims_glance.guests.examine`
    """
    if found.virtual_size is not None and found.virtual_size < LEAST:
        return _told(job, Report(notes=(_TOO_SMALL,)))
    with guests.opened(source, found, job.conf, writable=False, check=job.check) as disk:
        return _examine(job, disk, is_config=False)


def scanned(job: JobContext, source: Source, found: FormatFound) -> Scanned:
    """What is looked for in what is to be sold, on a disk of which nothing is changed.

    :raises Exception: see :func:`ims_glance.guests.opened` and :func:`ims_glance.guests.scan`
    """
    if found.virtual_size is not None and found.virtual_size < LEAST:
        return Scanned(notes=(_TOO_SMALL,))
    with guests.opened(source, found, job.conf, writable=False, check=job.check) as disk:
        result = guests.scan(disk, job.conf, job.check, _teller(job), job.project_id)
        hits, notes = scanners.scan(scanners.ScannedDisk(disk.size, disk.chunks, job.check))
    job.tell(**{GUEST_STEP: None})
    findings = (*result.findings, *hits)
    return dataclasses.replace(result, findings=findings, notes=(*result.notes, *notes))


@contextlib.contextmanager
def prepared(
    job: JobContext, source: Source, found: FormatFound
) -> Iterator[tuple[GuestDisk, Report]]:
    """A disk whose system was prepared, on top of what it is read from, and the report.

    All of it is gone at the end of the block, or with the worker.

    :raises Exception: see :func:`ims_glance.guests.opened` and :func:`ims_glance.guests.examine`
    """
    with guests.opened(source, found, job.conf, writable=True, check=job.check) as disk:
        yield disk, _examine(job, disk, is_config=True)


def disk_of_image(content: Source, disk_format: str, most: int) -> tuple[Source, FormatFound]:
    """The disk of an image, which is what Glance says that it is: a raw disk may hold anything.

    :param content: of the image
    :param most: size of the largest disk, in bytes
    :raises FileRefused: if it is nothing that is read here
    """
    if disk_format in _AS_THEY_ARE:
        return content, FormatFound(disk_format, content.size)
    return content, formats.recognise(content, bounds=Bounds(virtual_size=most))


class PreparedDisk:
    """A disk that was prepared, as what an image is filled from (:class:`ims_glance.flows.copy.data.CopySource`).

    It is read as it is then.

    :param name: of what it lies in, for messages
    :param size: of its data in bytes, where the format of its file has rounded it up; what is behind is left out, as of
        a disk that is not prepared
    :param total: bytes of all that the job moves; those of the disk unless given
    :param before: bytes that were moved before
    """

    def __init__(
        self,
        job: JobContext,
        disk: GuestDisk,
        name: str,
        total: int = 0,
        before: int = 0,
        size: int | None = None,
    ) -> None:
        self.id = name
        self.size = disk.size if size is None else min(size, disk.size)
        self._job = job
        self._disk = disk
        self._total = total or self.size
        self._before = before

    @contextlib.contextmanager
    def open(self) -> Iterator[Download]:
        """From its first byte on."""
        yield Download(self.size, self._chunks())

    def tell(self, done: int) -> None:
        """So many bytes are where they are to be."""
        self._job.progress(self._before + done, self._total)

    def _chunks(self) -> Iterator[bytes]:
        left = self.size
        for chunk in self._disk.chunks():
            if isinstance(chunk, int):
                yield from zeros(min(chunk, left))
                left -= chunk
            else:
                yield chunk[:left]
                left -= len(chunk)
            if left <= 0:
                return


def properties(report: Mapping[str, Any] | None, given: Mapping[str, Any]) -> dict[str, str]:
    """What an image says of the system that was found.

    :param report: as JSON; ``None`` if nobody looked
    :param given: what its owner said (arguments of the job), which what was found wins over
    """
    found = Report.of_arguments(report).prepared if report is not None else None
    return {} if found is None else recognised.properties(found, given)


def properties_of_captured(
    report: Mapping[str, Any], given: Mapping[str, Any], had: Mapping[str, Any]
) -> dict[str, str]:
    """The same of an image of a volume or of a server, which ran with what it had.

    :param given: as for :func:`properties`
    :param had: properties that the image has without this
    """
    found = Report.of_arguments(report).prepared
    return {} if found is None else recognised.properties_of_captured(found, given, had)


def _examine(job: JobContext, disk: GuestDisk, *, is_config: bool) -> Report:
    options = job.conf.ims_guests
    wishes = Wishes(is_config, options.package_dir, options.virtio_win_path)
    report = guests.examine(disk, job.conf, wishes, job.check, _teller(job), job.project_id)
    return _told(job, report)


def _teller(job: JobContext) -> Callable[[str, int, int], None]:
    def tell(name: str, number: int, of: int) -> None:
        job.tell_soon(**{GUEST_STEP: {"name": name, "number": number, "of": of}})

    return tell


def _not_seen(job: JobContext, why: str) -> Report:
    return _told(job, Report(notes=(f"The system was not recognised {why}.",)))


def _told(job: JobContext, report: Report) -> Report:
    job.tell(**{REPORT: report.to_arguments(), GUEST_STEP: None})
    return report
