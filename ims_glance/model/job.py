# SPDX-License-Identifier: Apache-2.0
"""What a job is: its record, its states, and how clients see it."""

import dataclasses
import datetime
import enum
import hashlib
import re
import uuid
from collections.abc import Iterator, Mapping
from typing import Any

from ims_glance import exceptions


class JobStatus(enum.StrEnum):
    """The four values on the wire."""

    INIT = "INIT"
    RUNNING = "RUNNING"
    SUCCESS = "SUCCESS"
    FAIL = "FAIL"


UNFINISHED = (JobStatus.INIT, JobStatus.RUNNING)


class JobKind(enum.StrEnum):
    """Kinds of jobs of which a project may have only so many at once (IMS constraints)."""

    CREATING = "creating"
    COPYING = "copying"


COPY_IN_REGION = "imsCopyImageInRegionJob"
COPY_CROSS_REGION = "imsCopyImageCrossRegionJob"
"""The job in the region that an image is copied from; it follows the next one."""
RECEIVE_IMAGE = "imsReceiveImageJob"
"""The job in the region that an image is copied to."""
VOLUME_CREATE_IMAGE = "imsVolumeCreateImageJob"
IMAGE_OF_SERVER = "imsCreateImageByInstance"
IMAGES_OF_VOLUMES = "imsVolumesToSysDataImagesJob"
WHOLE_OF_SERVER = "imsCreateWholeImageByInstanceJob"
WHOLE_OF_BACKUP = "imsCreateWholeImageByBackupJob"
SERVER_BACKUP = "imsCreateServerBackupJob"
IMPORT_IMAGE = "imsImportImageJob"
IMPORT_DATA_IMAGE = "imsImportDataImageJob"
REGISTER_IMAGE = "imsNativeImportImageJob"
"""It gives an image data that has metadata alone."""
EXPORT_IMAGE = "imsNativeExportImageJob"
CHECK_IMAGE = "imsCheckImageJob"
"""Ours: what is in an image, or in a file. It makes and changes nothing."""
PUBLISH_IMAGE = "imsMarketCopyImageJob"
"""The service's own copy of an image that is to be sold."""
SCAN_IMAGE = "imsMarketScanImageJob"
"""What would be refused of an image that is to be sold. It makes and changes nothing."""
FOLLOWING = frozenset({COPY_CROSS_REGION})
"""Jobs that wait for jobs of other regions, and do nothing themselves."""
WHOLE = frozenset({WHOLE_OF_SERVER, WHOLE_OF_BACKUP})
"""Jobs that make one image of all disks of a server."""
IMAGE_OF_DISK = "imsCopyVolumeToImageJob"
"""A sub-job: one of several images that a job makes."""
ADD_MEMBERS = "imsAddImageMembersJob"
UPDATE_MEMBERS = "imsUpdateImageMembersJob"
DELETE_MEMBERS = "imsDelImageMembersJob"

DISK_IMAGES = "disk_images"
"""In ``entities``, not shown: number of a disk -> id of its image."""
IN_MAKING = "in_making"
"""In ``entities``, not shown: number of a disk -> id of the image that is being made of it."""
WAITS = "waits"
"""In ``entities``, not shown: what is waited for -> since when (seconds since 1970)."""
BEFORE_RESET = "before_reset"
"""In ``entities``, not shown: the generation at which an operator gave the job back to the workers."""
REPORT = "report"
"""In ``entities``: what was found in a guest, and what was done to it."""
SCAN = "scan"
"""In ``entities``: what a scan found in what is to be sold."""
GUEST_STEP = "guest_step"
"""In ``entities``: what is being done to a guest (``name``, ``number``, ``of``); ``None`` once that is over."""
ALL_BYTES = "all_bytes"
"""In ``entities``, not shown: bytes of all images that are made of several files."""
FILLING = "filling"
"""In ``entities``, not shown: whether the job has begun to give an image that was there before its data."""
QUIESCE_REFUSED = "quiesce_refused"
"""In ``entities``: why a server was paused whose guest agent was to hold it still."""
_WITH_SUB_JOBS = frozenset({IMAGE_OF_SERVER, IMAGES_OF_VOLUMES, IMPORT_IMAGE})
_ID = re.compile(r"(?P<job>[0-9a-f]{32})(-(?P<number>\d{1,3}))?")

_COPYING = frozenset({COPY_IN_REGION, COPY_CROSS_REGION, RECEIVE_IMAGE, PUBLISH_IMAGE})
# They make no image, and as much work as those that do.
_CREATING = frozenset({SERVER_BACKUP, REGISTER_IMAGE, CHECK_IMAGE, SCAN_IMAGE})


def kind(job_type: str, creates_image: bool) -> JobKind | None:
    """The kind that a job counts as; ``None`` if there is no limit for such jobs."""
    if job_type in _COPYING:
        return JobKind.COPYING
    return JobKind.CREATING if creates_image or job_type in _CREATING else None


def disk_name(job_id: str, number: int | None = None) -> str:
    """What Nova and Cinder call an image that they make for a job, until it has its own name.

    :param number: of the disk, if the job makes images of several; those images are hidden from
        lists meanwhile, and take the places that the job has. The name alone gives nobody a place:
        see :meth:`ims_glance.api.common.acceptance.Acceptance.is_made_for`
    """
    return f"ims-job-{job_id}" if number is None else f"ims-job-{job_id}-{number}"


_DISK_NAME = re.compile(r"ims-job-(?P<job>[0-9a-f]{32})(-(?P<number>\d{1,3}))?")


def of_disk_name(name: str) -> tuple[str, int | None] | None:
    """The id of the job and the number of the disk that a :func:`disk_name` was made of."""
    found = _DISK_NAME.fullmatch(name)
    if found is None:
        return None
    return found["job"], None if found["number"] is None else int(found["number"])


class SecretInRecord(exceptions.ImsError):
    """A token or a secret was about to be recorded with a job."""

    template = "'{name}' looks like a token or a secret: those are not recorded with jobs."


# Keystone's fernet and JWS tokens, and names of what only its owner may know.
_TOKEN = re.compile(
    r"gAAAAA[0-9A-Za-z_-]{40,}|eyJ[0-9A-Za-z_-]{8,}\.[0-9A-Za-z_-]+\.[0-9A-Za-z_-]+"
)
_SECRET_NAME = re.compile(r"(?i)(^|[._-])(password|passwd|secret|token|private_key|sk)(\.|\Z)")
# Of what a job works with: what users call things there is theirs, whatever it looks like. So is what
# their systems say of themselves (host names, mount points).
_NAMED_BY_USERS = frozenset({"attributes", REPORT, SCAN})
_HIDDEN = "***"


@dataclasses.dataclass(frozen=True)
class StoredJob:
    """A job as the database has it.

    :ivar id: 32 hexadecimal digits
    :ivar arguments: what its flow works with; never a token or a secret
    :ivar entities: what clients are told about it besides its own columns (``image_name``,
        ``results``, ...), as on the wire
    :ivar image_id: of the image that it makes, recorded before the image is made
    :ivar current_task: name of the task that began last
    :ivar generation: how often it was claimed; every write of a worker carries the number of its
        own claim, so one that was taken for dead writes nothing any more
    :ivar delegation_id: of what it acts with
    :ivar source_delegation_id: of what it reads with in the project that its image comes from, if
        that is another region's
    """

    id: str
    type: str
    project_id: str
    user_id: str
    status: JobStatus = JobStatus.INIT
    begin_time: datetime.datetime | None = None
    end_time: datetime.datetime | None = None
    error_code: str | None = None
    fail_reason: str | None = None
    arguments: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    entities: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    image_id: str | None = None
    done_bytes: int = 0
    total_bytes: int = 0
    current_task: str | None = None
    cancel_requested: bool = False
    creates_image: bool = False
    generation: int = 0
    worker: str | None = None
    delegation_id: str | None = None
    source_delegation_id: str | None = None

    @property
    def is_finished(self) -> bool:
        """Whether nothing will change any more."""
        return self.status not in UNFINISHED

    @property
    def attempts(self) -> int:
        """How often it was claimed since it was accepted, or since an operator reset it."""
        return self.generation - int(self.entities.get(BEFORE_RESET, 0))

    @property
    def places(self) -> set[str]:
        """What stands for each image that it makes, in the project's quota: its id, if known."""
        if self.image_id is None:
            return set()
        known = self.entities.get(IN_MAKING, {})
        ids = [
            known.get(str(number), disk_name(self.id, number)) for number, _name in self.disk_images
        ]
        # The first is the job's; its id is another one until it is known.
        first = known.get(str(self.disk_images[0][0]), self.image_id) if ids else self.image_id
        return {first, *ids[1:]}

    @property
    def in_making(self) -> set[str]:
        """Ids of images of disks that were made for it, as far as it was told."""
        return set(self.entities.get(IN_MAKING, {}).values())

    @property
    def disks(self) -> set[int]:
        """Numbers of the disks of a server that it makes images of."""
        return {each["disk"]["number"] for each in self.arguments.get("wishes") or ()}

    @property
    def delegation_ids(self) -> list[str]:
        """Ids of its delegations, in the order in which all transactions take them."""
        given = (self.delegation_id, self.source_delegation_id)
        return sorted(each for each in given if each is not None)

    @property
    def request_id(self) -> str:
        """Under which other services know what is asked for it: its own id, in the form of theirs."""
        return f"req-{uuid.UUID(hex=self.id)}"

    @property
    def backup_id(self) -> str | None:
        """Id of the server backup that it makes, or makes an image of; a UUID."""
        if self.type == SERVER_BACKUP or self.arguments.get("with_backup"):
            # Nothing has to be recorded for a worker that goes on to find it.
            return id_of_backup(self.id)
        return self.arguments.get("backup_id")

    @property
    def disk_images(self) -> list[tuple[int, str]]:
        """Of the images of single disks that it makes, the disk's number and the name."""
        wishes = self.arguments.get("wishes") or ()
        return [(each["disk"]["number"], each["name"]) for each in wishes if each["name"]]

    @property
    def percent(self) -> float:
        """How much is done: 0 to 100; 100 only when it succeeded."""
        if self.status is JobStatus.SUCCESS:
            return 100.0
        if not self.total_bytes:
            return 0.0
        return round(min(99.0, 100.0 * self.done_bytes / self.total_bytes), 1)


def id_of_backup(job_id: str) -> str:
    """Id of the server backup that a job makes."""
    return str(uuid.UUID(hex=job_id))


def check_names(values: Any, name: str = "arguments") -> None:
    """Check that nothing is about to be recorded under the name of a token or a secret.

    Only the names that the service gives are looked at: in what a caller says (names, descriptions,
    tags) anything may stand, and a word that looks like a token is none.

    :param values: JSON values
    :raises SecretInRecord: if there is such a name
    """
    for place, _text in _fields(values, name):
        if _SECRET_NAME.search(place):
            raise SecretInRecord(name=place)


def check_storable(values: Any, name: str = "arguments") -> None:
    """Check that there is no token and no secret in what the service itself is about to record.

    :param values: JSON values, in which nobody's own words are
    :raises SecretInRecord: if there is one; it names where, and not what
    """
    check_names(values, name)
    for place, text in _fields(values, name):
        if _TOKEN.search(text):
            raise SecretInRecord(name=place)


def _fields(values: Any, name: str) -> Iterator[tuple[str, str]]:
    """Where the values are that are not empty, and what they are."""
    if isinstance(values, Mapping):
        for key, value in values.items():
            if key not in _NAMED_BY_USERS:
                yield from _fields(value, f"{name}.{key}")
    elif isinstance(values, (list, tuple)):
        for each in values:
            yield from _fields(each, name)
    elif values:
        yield name, str(values)


def without_tokens(text: str) -> str:
    """A text with its tokens blotted out."""
    return _TOKEN.sub(_HIDDEN, text)


def timestamp(moment: datetime.datetime | None) -> str | None:
    """A moment as IMS writes it: UTC with milliseconds."""
    if moment is None:
        return None
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}Z"


def _head(job: StoredJob) -> dict[str, Any]:
    return {
        "status": str(job.status),
        "job_id": job.id,
        "job_type": job.type,
        "begin_time": timestamp(job.begin_time),
        "end_time": timestamp(job.end_time),
        "error_code": job.error_code,
        "fail_reason": job.fail_reason,
    }


def _progress(job: StoredJob) -> dict[str, Any]:
    hidden = {DISK_IMAGES, IN_MAKING, WAITS, BEFORE_RESET, ALL_BYTES, FILLING}
    if job.status is JobStatus.FAIL:
        # What another region had made was deleted there.
        hidden.add("image_id")
    told = {name: value for name, value in job.entities.items() if name not in hidden}
    return {
        **_image(job.image_id if job.type != IMAGES_OF_VOLUMES else None, job.status),
        "process_percent": job.percent,
        "current_task": job.current_task,
        "done_bytes": job.done_bytes,
        "total_bytes": job.total_bytes,
        **_backup(job),
        **told,
        **_sub_jobs(job),
    }


def _backup(job: StoredJob) -> dict[str, str]:
    backup_id = None if job.status is JobStatus.FAIL else job.backup_id
    return {"backup_id": backup_id} if backup_id else {}


def _image(image_id: str | None, status: JobStatus) -> dict[str, str]:
    # Clients may read "image_id" as the result (Terraform does), so a job that failed has none.
    return {"image_id": image_id} if image_id and status is not JobStatus.FAIL else {}


def _sub_jobs(job: StoredJob) -> dict[str, Any]:
    """The images of single disks as jobs of their own, which have the fate of the whole."""
    if job.type not in _WITH_SUB_JOBS or not job.disk_images:
        return {}
    views = [sub_view(job, number) for number, _name in job.disk_images]
    shown = [view for view in views if view is not None]
    return {
        "sub_jobs_list": [view["job_id"] for view in shown],
        "sub_jobs_result": shown,
    }


def sub_view(job: StoredJob, number: int) -> dict[str, Any] | None:
    """The image of one disk as a job of its own; ``None`` if the job makes none of that disk."""
    names = dict(job.disk_images)
    if job.type not in _WITH_SUB_JOBS or number not in names:
        return None
    image_id = job.entities.get(DISK_IMAGES, {}).get(str(number))
    return {
        **_head(job),
        "job_id": f"{job.id}-{number}",
        "job_type": _type_of_sub_job(job, number),
        "entities": {**_image(image_id, job.status), "image_name": names[number]},
    }


def _type_of_sub_job(job: StoredJob, number: int) -> str:
    if job.type != IMPORT_IMAGE:
        return IMAGE_OF_DISK
    return IMPORT_DATA_IMAGE if number else IMPORT_IMAGE


def id_of_copy(project_id: str, region: str, job_id: str) -> str:
    """The id of the job that receives a copy of an image for a job of another region.

    It is the same whenever that one asks for it, and another for each project.

    :param project_id: that the copy is for
    :param region: whose job *job_id* is
    """
    # A name of a region may have a slash, an id has none.
    return hashlib.sha256(f"{project_id}/{job_id}/{region}".encode()).hexdigest()[:32]


def split_id(job_id: str) -> tuple[str, int | None] | None:
    """The id of a job, and the number if it is one of its sub-jobs; ``None`` for what is no id."""
    found = _ID.fullmatch(job_id)
    if found is None:
        return None
    return found["job"], None if found["number"] is None else int(found["number"])


def view(job: StoredJob) -> dict[str, Any]:
    """The answer to ``show_job``; ``done_bytes`` and ``total_bytes`` are an addition of ours."""
    return {**_head(job), "entities": _progress(job)}


def progress_view(job: StoredJob) -> dict[str, Any]:
    """The answer to ``show_job_progress``, which spells the sub-job's id differently."""
    entities = _progress(job)
    if "sub_job_id" in entities:
        entities["subJobId"] = entities.pop("sub_job_id")
    return {**_head(job), "entities": entities}
