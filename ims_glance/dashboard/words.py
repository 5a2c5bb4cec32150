# SPDX-License-Identifier: Apache-2.0
"""What the service says, in the words of the user."""

import re
from collections.abc import Mapping
from typing import Any

from django.template.defaultfilters import filesizeformat
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy
from horizon.utils import filters

from ims_glance.client.resources.image import Image
from ims_glance.client.resources.job import Job

KINDS: Mapping[str, Any] = {
    "system": gettext_lazy("System disk image"),
    "data": gettext_lazy("Data disk image"),
    "whole": gettext_lazy("Whole-machine image"),
    "baremetal": gettext_lazy("Bare metal system disk image"),
    "iso": gettext_lazy("ISO image"),
}
STATUSES: Mapping[str, Any] = {
    "active": pgettext_lazy("status of an image", "Normal"),
    "queued": gettext_lazy("Waiting for data"),
    "saving": gettext_lazy("Creating"),
    "importing": gettext_lazy("Creating"),
    "deactivated": gettext_lazy("Deactivated"),
    "killed": pgettext_lazy("status of an image", "Error"),
    "deleted": gettext_lazy("Deleted"),
}
OS_TYPES: Mapping[str, Any] = {
    "Linux": "Linux",
    "Windows": "Windows",
    "Other": pgettext_lazy("type of operating systems", "Other"),
}
TYPES: Mapping[str, Any] = {
    "private": gettext_lazy("Private image"),
    "public": gettext_lazy("Public image"),
    "shared": gettext_lazy("Shared image"),
    "market": gettext_lazy("Market image"),
}
JOB_STATUSES: Mapping[str, Any] = {
    "INIT": pgettext_lazy("status of a job", "Waiting"),
    "RUNNING": pgettext_lazy("status of a job", "Running"),
    "SUCCESS": pgettext_lazy("status of a job", "Succeeded"),
    "FAIL": pgettext_lazy("status of a job", "Failed"),
}
JOB_TYPES: Mapping[str, Any] = {
    "imsCopyImageInRegionJob": gettext_lazy("Copy image"),
    "imsCopyImageCrossRegionJob": gettext_lazy("Copy image to another region"),
    "imsReceiveImageJob": gettext_lazy("Receive image from another region"),
    "imsVolumeCreateImageJob": gettext_lazy("Create image from volume"),
    "imsCreateImageByInstance": gettext_lazy("Create system disk image"),
    "imsVolumesToSysDataImagesJob": gettext_lazy("Create images of disks"),
    "imsCreateWholeImageByInstanceJob": gettext_lazy("Create whole-machine image"),
    "imsCreateWholeImageByBackupJob": gettext_lazy("Create whole-machine image from backup"),
    "imsCreateServerBackupJob": gettext_lazy("Create server backup"),
    "imsImportImageJob": gettext_lazy("Create image from file"),
    "imsImportDataImageJob": gettext_lazy("Create data disk image from file"),
    "imsNativeImportImageJob": gettext_lazy("Register image from file"),
    "imsNativeExportImageJob": gettext_lazy("Export image"),
    "imsCheckImageJob": gettext_lazy("Check image"),
    "imsMarketCopyImageJob": gettext_lazy("Copy image for the marketplace"),
    "imsMarketScanImageJob": gettext_lazy("Scan image for the marketplace"),
    "imsCopyVolumeToImageJob": gettext_lazy("Copy disk"),
    "imsAddImageMembersJob": gettext_lazy("Share images"),
    "imsUpdateImageMembersJob": gettext_lazy("Answer shares"),
    "imsDelImageMembersJob": gettext_lazy("Stop sharing images"),
}
MEMBER_STATUSES: Mapping[str, Any] = {
    "pending": pgettext_lazy("status of a share", "Not answered"),
    "accepted": pgettext_lazy("status of a share", "Accepted"),
    "rejected": pgettext_lazy("status of a share", "Rejected"),
}
EVENTS: Mapping[str, Any] = {
    "createImage": gettext_lazy("Create image"),
    "updateImage": gettext_lazy("Change image"),
    "deleteImage": gettext_lazy("Delete image"),
    "copyImage": gettext_lazy("Copy image"),
    "exportImage": gettext_lazy("Export image"),
    "checkImage": gettext_lazy("Check image"),
    "addMember": gettext_lazy("Share images"),
    "updateMember": gettext_lazy("Answer shares"),
    "deleteMember": gettext_lazy("Stop sharing images"),
    "addTag": gettext_lazy("Add tags"),
    "deleteTag": gettext_lazy("Remove tags"),
}
OUTCOMES: Mapping[str, Any] = {
    "success": pgettext_lazy("outcome of an operation", "Accepted"),
    "failure": pgettext_lazy("outcome of an operation", "Refused"),
}
NOTHING = "-"
# More than any size in GB or MB has.
_MOST_DIGITS = 9


# What is not seen, and what turns the direction of writing round, so that a name looks like another.
_UNSEEN = re.compile(
    "[\\x00-\\x1f\\x7f-\\x9f\\u061c\\u200b-\\u200f\\u2028-\\u202e\\u2060-\\u206f\\ufeff]"
)


def plain(text: str | None) -> str:
    """A text of somebody else as it is; what cannot be seen in it is seen."""
    return _UNSEEN.sub("\N{REPLACEMENT CHARACTER}", text or "")


def name(image: Image) -> str:
    """The name of an image, or its id."""
    return plain(image.name) or str(image.id)


def kind(image: Image) -> Any:
    """What an image is for."""
    return KINDS.get(image.kind, image.kind)


def status(image: Image) -> Any:
    """How it is."""
    return STATUSES.get(image.status, image.status)


def number(given: Any) -> int:
    """A number in what somebody else wrote; 0, if it is anything else."""
    text = str(given)
    is_one = text.isascii() and text.isdigit() and len(text) <= _MOST_DIGITS
    return int(text) if is_one else 0


def disk(image: Image) -> Any:
    """GB of its disk; of a whole machine those of all disks."""
    mapping = image.mapping if image.kind == "whole" else []
    return sum(number(each.get("volume_size")) for each in mapping) or image.min_disk or NOTHING


def encrypted(image: Image) -> Any:
    """Whether it has a key; of a whole machine its disks say that."""
    return _("Yes") if image.is_encrypted else _("No")


def time(text: str | None) -> Any:
    """A time of the service in the user's zone."""
    return filters.parse_isotime(text, NOTHING) if text else NOTHING


def size(count: int | None) -> Any:
    """Bytes as people read them."""
    return filesizeformat(count) if count else NOTHING


def amount(count: int | None) -> Any:
    """The same of what may be none yet."""
    return filesizeformat(count or 0)


def job_type(job: Job) -> Any:
    """What a job does."""
    return JOB_TYPES.get(job.type, job.type)


def failure(job: Job) -> str:
    """Why a job failed, with its code."""
    return ": ".join(filter(None, (job.error_code, plain(job.fail_reason)))) or str(
        JOB_STATUSES.get(job.status, job.status)
    )


def duration(seconds: int) -> Any:
    """So many seconds, in the two greatest units."""
    minutes, rest = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return _("%(hours)d h %(minutes)d min") % {"hours": hours, "minutes": minutes}
    if minutes:
        return _("%(minutes)d min %(seconds)d s") % {"minutes": minutes, "seconds": rest}
    return _("%d s") % rest
