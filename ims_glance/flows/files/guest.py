# SPDX-License-Identifier: Apache-2.0
"""The system on a disk, as jobs work with it: looked at in passing, looked at on purpose, or prepared.

What is said of it is a report (:class:`ims_glance.model.guest.report.Report`), which the job tells its owner
and keeps with its image.
"""

import contextlib
import logging
from collections.abc import Iterator, Mapping
from typing import Any

from oslo_utils import units

from ims_glance import exceptions, guests
from ims_glance.formats import FormatFound, Source
from ims_glance.guests import GuestDisk
from ims_glance.jobs.context import JobContext
from ims_glance.model.guest import recognised
from ims_glance.model.guest.report import Report
from ims_glance.model.guest.wishes import Wishes
from ims_glance.model.job import GUEST_STEP, REPORT

LOG = logging.getLogger(__name__)

LEAST = units.Mi
"""Bytes of a disk that a system could be on: for a smaller one no machine is started."""

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


def properties(report: Mapping[str, Any] | None, given: Mapping[str, Any]) -> dict[str, str]:
    """What an image says of the system that was found.

    :param report: as JSON; ``None`` if nobody looked
    :param given: what its owner said (arguments of the job), which what was found wins over
    """
    found = Report.of_arguments(report).prepared if report is not None else None
    return {} if found is None else recognised.properties(found, given)


def _examine(job: JobContext, disk: GuestDisk, *, is_config: bool) -> Report:
    options = job.conf.ims_guests
    wishes = Wishes(is_config, options.package_dir, options.virtio_win_path)

    def tell(name: str, number: int, of: int) -> None:
        job.tell_soon(**{GUEST_STEP: {"name": name, "number": number, "of": of}})

    return _told(job, guests.examine(disk, job.conf, wishes, job.check, tell))


def _not_seen(job: JobContext, why: str) -> Report:
    return _told(job, Report(notes=(f"The system was not recognised {why}.",)))


def _told(job: JobContext, report: Report) -> Report:
    job.tell(**{REPORT: report.to_arguments(), GUEST_STEP: None})
    return report
