# SPDX-License-Identifier: Apache-2.0
"""``imsMarketCopyImageJob`` of a whole machine: each disk is copied, then they are tied, and scanned.

What holds for one image (:mod:`ims_glance.flows.market`) holds for all of them: the seller's rights read, the
service's write, and nothing is left of what fails.
"""

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from oslo_utils import uuidutils
from taskflow.flow import Flow
from taskflow.patterns import linear_flow

from ims_glance.clouds.image_api import ImageApi
from ims_glance.flows import job_image, market
from ims_glance.flows.copy.data import DataCopy, ImageSource, SourceChanged
from ims_glance.flows.copy.in_region import EncryptedByCinder
from ims_glance.flows.market import CopyNotWanted
from ims_glance.flows.market_scan import ScanProductImage
from ims_glance.jobs.context import JobContext
from ims_glance.model import copy
from ims_glance.model.copy import Digest
from ims_glance.model.image import attributes, rules, whole_image
from ims_glance.model.image.whole_image import Component
from ims_glance.model.market import image
from ims_glance.model.market.entitlement import ProductCopyState


def flow(job: JobContext) -> Flow:
    """The flow of a job.

    Its arguments are those of :func:`ims_glance.flows.market.flow`, and ``disks``, how many the image has,
    if it is a whole machine.
    """
    if not job.arguments.get("disks"):
        return market.flow(job)
    numbers = range(int(job.arguments["disks"]))
    return linear_flow.Flow("copy machine for the marketplace").add(
        ReadProductMachine(job),
        *(CopyProductDisk(job, number) for number in numbers),
        TieProductDisks(job, numbers),
        ScanProductImage(job),
        OfferProductMachine(job),
    )


class ReadProductMachine(market.ReadProductImage):
    """Looks at the image that is to be sold, and at its disks."""

    default_provides = "digests"

    def execute(self) -> list[dict[str, Any]]:  # type: ignore[override]
        """The digest of each disk.

        :raises Refused, NotTheirs: if it may not be sold (any more)
        :raises SourceChanged: if it has other data than when it was handed in
        """
        view = job_image.source(self.job)
        rules.check(rules.Action.PUBLISH, rules.Facts.of(view), self.job.project_id)
        disks = [_disk_of(self.job, view, each) for each in whole_image.components(view)]
        for disk in disks:
            if copy.CINDER_KEY in disk:
                raise EncryptedByCinder(image_id=disk["id"])
            if rules.Facts.of(disk).product:
                raise rules.refusal(rules.Action.PUBLISH, rules.Trait.SOLD, str(view["id"]))
        known = self.product_version().source_digest
        is_all = len(disks) == self.job.arguments["disks"]
        if not is_all or (known and known != image.digest(view, disks)):
            raise SourceChanged(image_id=view["id"])
        return [dataclasses.asdict(Digest.of(each)) for each in disks]


class CopyProductDisk(market.ProductTask):
    """Copies one disk; its result is the id of the copy."""

    def __init__(self, job: JobContext, number: int) -> None:
        super().__init__(job, f"copy disk {number}", provides=_copy_of(number))
        self._number = number
        self._name = job_image.name(job, number)

    def execute(self, digests: list[Mapping[str, Any]]) -> str:
        """Download and upload until the copy has the data."""
        sizes = [int(each["size"]) for each in digests]
        before = sum(sizes[: self._number])
        source = ImageSource(self.job, self._component().image_id, sum(sizes), before)
        made = DataCopy(self.job, source, self, lambda: self.job.market_image)
        return made.run(Digest(**digests[self._number]))

    def revert(self, result: Any = None, **_: Any) -> None:
        """Delete it, whatever it is called by now, unless it is reviewed or sold."""
        row = self.row()
        if row is not None and row.state is ProductCopyState.READY:
            return
        self._delete()
        if isinstance(result, str):
            _delete(self.job.market_image, result)

    # --- the target of the data ----------------------------------------------------------------

    def find(self) -> dict[str, Any] | None:
        """The copy, if there is one."""
        api = self.job.market_image
        named = api.named(self._name, self.job.market_project_id)
        return api.find(str(named[0]["id"])) if named else None

    def replace(self) -> dict[str, Any]:
        """Delete it, if there is one, and make it anew under another id.

        :raises CopyNotWanted: if nobody wants it any more
        """
        self._delete()
        row = self.row()
        if row is None or row.state is not ProductCopyState.WANTED:
            raise CopyNotWanted(version_id=self.job.arguments["version_id"])
        disk = _disk_of(self.job, job_image.source(self.job), self._component())
        wanted = {
            **self.body(disk),
            "id": uuidutils.generate_uuid(),
            "name": self._name,
            "os_hidden": True,
        }
        return self.job.market_image.create(wanted)

    def _delete(self) -> None:
        there = self.find()
        if there is not None:
            _delete(self.job.market_image, str(there["id"]))

    def _component(self) -> Component:
        return whole_image.components(job_image.source(self.job))[self._number]


class TieProductDisks(market.ProductTask):
    """Makes the image that the others are the disks of."""

    def __init__(self, job: JobContext, numbers: Iterable[int]) -> None:
        self._results = [_copy_of(number) for number in numbers]
        super().__init__(job, requires=self._results)

    def execute(self, **results: str) -> None:
        """Give the disks their names, and make the image.

        :raises CopyNotWanted: if nobody wants it any more
        """
        api, source = self.job.market_image, job_image.source(self.job)
        copied = [results[name] for name in self._results]
        parts = list(map(whole_image.moved, whole_image.components(source), copied))
        for part in parts:
            name = f"{source.get('name') or ''} disk {part.disk.number}"
            size = str(api.get(part.image_id)["size"])
            said = {"name": name, "protected": True, "__image_size": size}
            api.update(part.image_id, said)
        image_id = self.image_id()
        view = api.find(image_id) if image_id else None
        if view is None or view["status"] != "active":
            view = self._made(source, parts)
        for part in parts:
            api.update(part.image_id, {attributes.COMPONENT_OF: str(view["id"])})
        if view["status"] != "active":
            api.upload(str(view["id"]), iter(()), 0)

    def revert(self, **_: Any) -> None:
        """Delete it, unless it is reviewed or sold by now."""
        row = self.row()
        if row is not None and row.image_id and row.state is not ProductCopyState.READY:
            self.job.market_image.delete(row.image_id)

    def _made(self, source: Mapping[str, Any], parts: Sequence[Component]) -> dict[str, Any]:
        """The image without data; of one that is there, nobody knows whether an upload was begun."""
        before, image_id = self.image_id(), uuidutils.generate_uuid()
        if before:
            self.job.market_image.delete(before)
        version_id = str(self.job.arguments["version_id"])
        if not self.copies.begun(version_id, self.region, image_id):
            raise CopyNotWanted(version_id=version_id)
        wanted = {
            **self.body(source),
            **whole_image.properties(parts),
            "id": image_id,
            "disk_format": "raw",
            "container_format": "bare",
            "__image_size": str(source.get("__image_size") or "0"),
        }
        return self.job.market_image.create(wanted)


class OfferProductMachine(market.OfferProductImage):
    """Hands the copy to the reviewers, with the digest of its disks."""

    def execute(self) -> None:  # type: ignore[override]
        """Record it.

        :raises CopyNotWanted: if nobody wants it any more
        """
        api, image_id = self.job.market_image, str(self.image_id())
        view, version = api.get(image_id), self.product_version()
        disks = [api.get(each.image_id) for each in whole_image.components(view)]
        digest = image.digest(view, disks)
        if not self.copies.ready(version, self.region, image_id, digest, self.actor):
            raise CopyNotWanted(version_id=version.id)


def _copy_of(number: int) -> str:
    return f"copy_of_disk_{number}"


def _delete(api: ImageApi, image_id: str) -> None:
    view = api.find(image_id)
    if view is not None and view.get("protected"):
        api.update(image_id, {"protected": False})
    api.delete(image_id)


def _disk_of(job: JobContext, view: Mapping[str, Any], component: Component) -> dict[str, Any]:
    found = job.image.find(component.image_id)
    if found is None:
        raise whole_image.DiskMissing(
            number=component.disk.number, image_id=view["id"], disk_id=component.image_id
        )
    return found
