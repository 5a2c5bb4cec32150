# SPDX-License-Identifier: Apache-2.0
"""The image in the other region, and what is decided before anything of it is received."""

import contextlib
import dataclasses
from collections.abc import Iterator, Mapping
from typing import Any

from ims_glance import exceptions
from ims_glance.clouds import rest
from ims_glance.clouds.image_api import ImageApi
from ims_glance.clouds.image_frames import ImageFrames
from ims_glance.flows import job_keys
from ims_glance.flows.copy import in_region
from ims_glance.flows.replication import base
from ims_glance.flows.replication.followed import check_followed
from ims_glance.jobs.context import JobContext
from ims_glance.jobs.task import Task
from ims_glance.model import copy
from ims_glance.model.copy import Digest
from ims_glance.model.image import attributes, rules, whole_image
from ims_glance.model.image.whole_image import Component
from ims_glance.model.server import Disk
from ims_glance.store.sealed import Owner
from ims_glance.transfer import cuts
from ims_glance.transfer.frames import Cut

# The names in what a copy is made with are users' own; see ims_glance.model.job.check_names.
_BODY = "attributes"
# What each part is compared with. It stands beside the parts, where older workers do not look.
_COMPARED = "compared"


class SourceGone(exceptions.NotFound):
    """The image is not there, or not shown to the job any more."""

    code = "IMG.0027"
    template = (
        "Image {image_id} does not exist in region {region}, or its project has not got it any more. "
        "What had come of it was deleted."
    )


class SourceRefused(exceptions.ImsError):
    """The region of the image does not let the job read it.

    :ivar code: that the region named
    """

    template = "Region {region} does not let image {image_id} be read: {reason}"

    def __init__(self, code: str, **details: Any) -> None:
        super().__init__(**details)
        self.code = code


class NotAsTold(exceptions.Conflict):
    """The image is another, or more, than what there was room for when the job was accepted."""

    code = "IMG.0105"
    template = (
        "Image {image_id} has {size} bytes and {disks} disks, and region {region} was asked to receive "
        "{told_size} bytes and {told_disks} disks. Copy it with copy_image_cross_region in its region, "
        "which tells them."
    )


class NeverPlain(exceptions.Conflict):
    """The image is encrypted, and no key was named for the copy."""

    code = "IMG.0105"
    template = (
        "Image {image_id} is encrypted in region {region}, and its copy would not be. Copy it with "
        "copy_image_cross_region in its region, or name a key as 'cmk_id'."
    )


@dataclasses.dataclass(frozen=True)
class ReceivedPart:
    """An image that is received: the one that the job is for, or a disk of it.

    :ivar number: of the disk; 0 if there is one image only
    :ivar image_id: in its region
    :ivar base_id: of the image here that equal data is taken from, if there is one
    :ivar body: of ``POST /v2/images``
    :ivar disk: what is said of a disk of a whole machine besides
    :ivar more_base_ids: of other images that it is taken from as well
    :ivar cut_name: how they are cut
    """

    number: int
    image_id: str
    digest: Digest
    base_id: str | None
    body: Mapping[str, Any]
    disk: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    more_base_ids: tuple[str, ...] = ()
    cut_name: str = cuts.FIXED.name

    @classmethod
    def of(cls, record: Mapping[str, Any], compared: Mapping[str, Any]) -> "ReceivedPart":
        """As it was recorded."""
        given = {name: value for name, value in record.items() if name not in (_BODY, "digest")}
        part = cls(**given, digest=Digest(**record["digest"]), body=record[_BODY])
        more = tuple(compared.get("more_base_ids", ()))
        name = str(compared.get("cut_name", part.cut_name))
        return dataclasses.replace(part, more_base_ids=more, cut_name=name)

    def record(self) -> dict[str, Any]:
        """As a task's result."""
        fields = dataclasses.asdict(self)
        body = fields.pop("body")
        for name in self.compared():
            del fields[name]
        return {**fields, _BODY: body}

    def compared(self) -> dict[str, Any]:
        """What jobs of before have not."""
        return {"more_base_ids": list(self.more_base_ids), "cut_name": self.cut_name}

    @property
    def base_ids(self) -> tuple[str, ...]:
        """All of them."""
        return (self.base_id, *self.more_base_ids) if self.base_id else ()

    @property
    def cut(self) -> Cut:
        """How they are cut, and the image is; a newer worker may have known a better one."""
        return cuts.CUTS.get(self.cut_name, cuts.FIXED)

    def owner(self, job: JobContext) -> Owner:
        """Of what comes of it."""
        return Owner(job.id, self.number, self.image_id)

    def component(self, image_id: str) -> Component:
        """The disk, with its data in image *image_id*."""
        return Component(Disk(self.number, None, **self.disk), image_id)


@dataclasses.dataclass(frozen=True)
class ReceivePlan:
    """All that a job receives.

    :ivar key_id: of the key of the key manager that is over what is on its way
    :ivar parts: one, or the disks of a whole machine
    :ivar body: of ``POST /v2/images`` for the whole machine
    """

    key_id: str
    parts: tuple[ReceivedPart, ...]
    body: Mapping[str, Any] = dataclasses.field(default_factory=dict)

    @classmethod
    def of(cls, record: Mapping[str, Any]) -> "ReceivePlan":
        """As it was recorded."""
        parts = record["parts"]
        compared = record.get(_COMPARED) or [{}] * len(parts)
        return cls(record["key_id"], tuple(map(ReceivedPart.of, parts, compared)), record[_BODY])

    def record(self) -> dict[str, Any]:
        """As a task's result."""
        parts = [each.record() for each in self.parts]
        compared = [each.compared() for each in self.parts]
        return {"key_id": self.key_id, "parts": parts, _COMPARED: compared, _BODY: dict(self.body)}

    @property
    def size(self) -> int:
        """Bytes of all images."""
        return sum(each.digest.size for each in self.parts)


class PlanReceipt(Task):
    """Looks at the image, and decides what it is compared with and sealed under."""

    default_provides = "plan"

    def execute(self) -> dict[str, Any]:
        """The plan: it stays as it is, whatever becomes of the image."""
        check_followed(self.job)
        region = self.job.arguments["source_region"]
        with refusals(region, self.job.arguments["image_id"]):
            view, disks = self._views()
        self._check_told(view, sum(Digest.of(each).size for each in disks or [view]))
        self._check_key([view, *disks])
        bases = self._bases(view, (disks or [view])[0])
        # Plain images lie sealed as well until they are complete.
        key_id = self.job.arguments.get("cmk_id") or job_keys.default_key(self.job)
        if not disks:
            body = copy.body(view, region, self.job.arguments)
            plan = ReceivePlan(key_id, (_part(0, view, bases, body),))
        else:
            plan = ReceivePlan(
                key_id, tuple(self._disks(view, disks, bases)), self._whole(view, region)
            )
        self.job.progress(0, plan.size)
        return plan.record()

    def _bases(self, view: Mapping[str, Any], first: Mapping[str, Any]) -> list[base.Bases]:
        """What each part is compared with."""
        chosen = base.choose(self.job, view)
        if not any(chosen):
            return []
        image_id, size = str(first["id"]), Digest.of(first).size
        source = ImageFrames(self.job.source_region)
        with refusals(self.job.arguments["source_region"], image_id):
            by_content = source.knows(image_id, size, cuts.CONTENT[0])
        return [base.Bases.of(views, by_content) for views in chosen]

    def _views(self) -> tuple[dict[str, Any], list[dict[str, Any]]]:
        """The image, and its disks."""
        api, image_id = ImageApi(self.job.source_region), self.job.arguments["image_id"]
        view = api.get(image_id)
        project_id = self.job.arguments["source_project_id"]
        rules.check(rules.Action.COPY_CROSS_REGION, rules.Facts.of(view), project_id)
        if copy.CINDER_KEY in view:
            raise in_region.EncryptedByCinder(image_id=image_id)
        disks = []
        for component in whole_image.components(view) if self.job.arguments.get("disks") else ():
            disk = api.find(component.image_id)
            if disk is None:
                raise whole_image.DiskMissing(
                    number=component.disk.number, image_id=image_id, disk_id=component.image_id
                )
            disks.append(disk)
        return view, disks

    def _check_told(self, view: Mapping[str, Any], size: int) -> None:
        """Check that the image is what quotas had room for; whoever asked may have told anything.

        :raises NotAsTold: if it is more
        """
        disks, told = len(whole_image.components(view)), self.job.arguments
        told_disks = told.get("disks") or 0
        # Jobs of before have no size.
        told_size = told.get("size", size)
        if size > told_size or disks != told_disks:
            raise NotAsTold(
                image_id=view["id"],
                region=told["source_region"],
                size=size,
                disks=disks,
                told_size=told_size,
                told_disks=told_disks,
            )

    def _check_key(self, views: list[dict[str, Any]]) -> None:
        """Check that what is encrypted gets a key.

        :raises NeverPlain: if it would get none
        """
        if self.job.arguments.get("cmk_id"):
            return
        region = self.job.arguments["source_region"]
        for view in views:
            if view.get(attributes.CMK_ID):
                raise NeverPlain(image_id=view["id"], region=region)

    def _disks(
        self, view: Mapping[str, Any], disks: list[dict[str, Any]], bases: list[base.Bases]
    ) -> Iterator[ReceivedPart]:
        wishes = {"name": "", "cmk_id": self.job.arguments.get("cmk_id")}
        region = self.job.arguments["source_region"]
        for component, disk in zip(whole_image.components(view), disks, strict=True):
            part = _part(component.disk.number, disk, bases, copy.body(disk, region, wishes))
            said = {
                "size": component.disk.size,
                "volume_type": component.disk.volume_type,
                "goes_with_server": component.disk.goes_with_server,
            }
            yield dataclasses.replace(part, disk=said)

    def _whole(self, view: Mapping[str, Any], region: str) -> dict[str, Any]:
        body = copy.body(view, region, self.job.arguments)
        return {**body, "__image_size": str(view.get("__image_size") or "0")}


def _part(
    number: int, view: Mapping[str, Any], bases: list[base.Bases], body: Mapping[str, Any]
) -> ReceivedPart:
    digest = Digest.of(view)
    found = bases[number] if number < len(bases) else base.NONE
    base_id, *more = found.image_ids or (None,)
    sized = {**body, "__image_size": str(digest.size)}
    part = ReceivedPart(number, str(view["id"]), digest, base_id, sized)
    return dataclasses.replace(part, more_base_ids=tuple(more), cut_name=found.cut.name)


@contextlib.contextmanager
def refusals(region: str, image_id: str) -> Iterator[None]:
    """Raise what the other region refuses so that it says where that was."""
    try:
        yield
    except rest.Missing:
        raise SourceGone(image_id=image_id, region=region) from None
    except (rest.Refused, rest.DelegationEnded) as error:
        reason = error.details["reason"]
        raise SourceRefused(error.code, region=region, image_id=image_id, reason=reason) from None
