# SPDX-License-Identifier: Apache-2.0
"""Files that go through the console into a bucket of the user's, and are deleted there when nobody needs them.

As ``openstack ims image create --from-file`` does it, with one difference: nobody waits here for the job that reads the
file. So the object has the id of its job, and is deleted when a page finds that this has ended; and since nobody may ever look, it
has a date, after which the object storage deletes it by itself.
"""

import contextlib
import functools
import logging
import re
from typing import Any, Protocol
from urllib.parse import quote

from django.conf import settings
from openstack import exceptions
from openstack_dashboard.api import base

from ims_glance.client.resources.job import Job
from ims_glance.client.upload import (
    BUCKET,
    LARGEST,
    NewObject,
    UploadRefused,
    object_name,
    segment_size,
)
from ims_glance.dashboard import connection, refusals

LOG = logging.getLogger(__name__)

SETTING = "IMS_UPLOAD_GIB"
"""Of Horizon's ``local_settings.py``: how large a file may be; 0 for none at all."""
_DEFAULT_GIB = 50
_GIB = 1 << 30
PREFIX = "console-"
_OURS = re.compile(rf"^{PREFIX}[0-9a-f]{{8}}-")
# Of a job that waits so long nobody knows whether it still comes.
DAYS = 7
_EXPIRY = {"X-Delete-After": str(DAYS * 24 * 3600)}
_JOB = "X-Object-Meta-Ims-Job"
# Those that read a file.
_READERS = ("imsImportImageJob", "imsImportDataImageJob")
# Files that are looked after at once.
_MOST = 100


class Arriving(Protocol):
    """A file on its way here."""

    name: str
    at_most: int
    size: int

    def has_more(self) -> bool:
        """Whether anything is left of it."""

    def part(self, most: int) -> Any:
        """The next so many bytes."""


class Empty(Exception):
    """The file has nothing in it."""


def most_bytes() -> int:
    """How large a file may be; 0 if none is taken."""
    return int(getattr(settings, SETTING, _DEFAULT_GIB)) * _GIB


def are_possible(request: Any) -> bool:
    """Whether there is somewhere to put files, and the operator lets them through."""
    return most_bytes() > 0 and bool(base.is_service_enabled(request, "object-store"))


def receive(request: Any, file: Arriving) -> dict[str, str]:
    """Send a file on into a bucket as it comes: no more of it than a piece is ever here.

    Whatever goes wrong on the way, nothing of it stays.

    :return: ``bucket`` and ``file``
    :raises Empty: if there is nothing in it
    :raises UploadRefused: if the object storage does not take it
    """
    if not file.has_more():
        raise Empty
    name = object_name(file.name, PREFIX)
    new = NewObject(connection.objects(request).request, BUCKET, name, _EXPIRY)
    try:
        _send(new, file)
    except BaseException:
        _take_back(new)
        raise
    return {"bucket": BUCKET, "file": name}


def _send(new: NewObject, file: Arriving) -> None:
    # Of the form around it as well: a few bytes more than it has.
    segment = segment_size(file.at_most)
    if file.at_most <= segment:
        new.put(file.part(segment))
        return
    while file.has_more():
        before = file.size
        new.put_segment(file.part(min(segment, LARGEST)), functools.partial(_since, file, before))
    new.join()


def _since(file: Arriving, before: int) -> int:
    return file.size - before


def _take_back(new: NewObject) -> None:
    """Delete what is there of it; what cannot be is deleted by the object storage, some day."""
    try:
        new.delete()
    except (UploadRefused, *refusals.FAILURES) as error:
        LOG.warning("%s stays for %d days: %s", new.url, DAYS, error)


def title(name: str) -> str:
    """What the user's file was called, of an object's name; other names stay."""
    return _OURS.sub("", name)


def keep_for(request: Any, query: Any, job: Job) -> None:
    """Note which job reads a file, if that came through the console."""
    if query.get("bucket") != BUCKET or not query.get("file", "").startswith(PREFIX):
        return
    with _looked_after():
        path = _path(query["file"])
        # What is not said again is forgotten.
        NewObject(connection.objects(request).request, BUCKET, query["file"]).ask(
            "POST", path, headers={_JOB: str(job.id), **_EXPIRY}
        )


def ended(request: Any, *jobs: Job) -> None:
    """Jobs were seen: if one that reads a file has ended, delete its file, and those of others."""
    if any(job.is_finished and job.type in _READERS for job in jobs):
        sweep(request)


def sweep(request: Any) -> None:
    """Delete the files that came through the console and whose job has ended."""
    if not base.is_service_enabled(request, "object-store"):
        return
    with _looked_after():
        ask = NewObject(connection.objects(request).request, BUCKET, "").ask
        for name in _names(ask, f"/{BUCKET}", PREFIX):
            job_id = ask("HEAD", _path(name), may_be_gone=True).headers.get(_JOB)
            if job_id and _is_over(request, job_id):
                _delete(ask, name)


def _delete(ask: Any, name: str) -> None:
    """Delete an object, and what it consists of."""
    segments = f"/{BUCKET}_segments"
    ask("DELETE", _path(name), may_be_gone=True)
    for each in _names(ask, segments, f"{name}/"):
        ask("DELETE", f"{segments}/{quote(each)}", may_be_gone=True)


def _path(name: str) -> str:
    return f"/{BUCKET}/{quote(name)}"


def _names(ask: Any, bucket: str, prefix: str) -> list[str]:
    most = _MOST if prefix == PREFIX else 10 * _MOST
    query = {"format": "json", "prefix": prefix, "limit": str(most)}
    answer = ask("GET", bucket, may_be_gone=True, params=query)
    return [str(each["name"]) for each in answer.json()] if answer.status_code == 200 else []


def _is_over(request: Any, job_id: str) -> bool:
    try:
        job: Job = connection.ims(request).get_job(job_id)
    except exceptions.NotFoundException:
        return True
    return job.is_finished


@contextlib.contextmanager
def _looked_after() -> Any:
    """Around what a page is as good without."""
    try:
        yield
    except (UploadRefused, *refusals.FAILURES) as error:
        LOG.warning("Files of the console in buckets are not looked after: %s", error)
