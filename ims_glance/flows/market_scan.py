# SPDX-License-Identifier: Apache-2.0
"""The scan of what is to be sold: of the service's own copy of a version, before anybody reviews it; and
``imsMarketScanImageJob``, by which a seller asks what would be refused.

It is read where it lies, here and there, in the sandbox of all that looks into disks (:mod:`ims_glance.guests`).
"""

from collections.abc import Iterator, Mapping
from typing import Any

from oslo_utils import units
from taskflow.flow import Flow
from taskflow.patterns import linear_flow

from ims_glance import exceptions
from ims_glance.clouds.image_api import ImageApi
from ims_glance.clouds.image_content import ImageContent
from ims_glance.db.market.copies import ProductCopies
from ims_glance.db.market.scans import ProductScans
from ims_glance.db.market.versions import ProductVersions
from ims_glance.flows import job_image
from ims_glance.flows.files import guest
from ims_glance.formats.refusals import FileRefused
from ims_glance.jobs.context import JobContext
from ims_glance.jobs.market import comparison
from ims_glance.jobs.task import Task
from ims_glance.model.image import from_file, rules, whole_image
from ims_glance.model.image.from_file import Purpose
from ims_glance.model.job import SCAN
from ims_glance.model.market.scan.report import Scanned


class ScanFoundSomething(exceptions.Conflict):
    """There is in an image what is not sold."""

    code = "IMG.0024"
    template = "The scan found what is not to be in an image that is sold. {refusal} The report has all of it."


class CopyNotThere(exceptions.NotFound):
    """What is to be scanned was deleted: its seller took it back."""

    code = "IMG.0027"
    template = "The copy of version {version_id} in region {region} does not exist any more."


def flow(job: JobContext) -> Flow:
    """The flow of a job that only looks. Its argument is ``image_id``."""
    return linear_flow.Flow("scan for the marketplace").add(ScanSellersImage(job))


class ScanProductImage(Task):
    """Looks into the copy, and refuses what is not sold. The report stays with the version, also if it is refused."""

    def execute(self) -> None:
        """Keep the report.

        :raises ScanFoundSomething: if something blocks
        """
        job = self.job
        version = ProductVersions(job.database).get_any(str(job.arguments["version_id"]))
        region = job.region.title
        copies = ProductCopies(job.database).wanted(version.id)
        image_id = next((str(each.image_id) for each in copies if each.region == region), "")
        view = job.market_image.find(image_id) if image_id else None
        if view is None:
            raise CopyNotThere(version_id=version.id, region=region)
        scanned = _of_image(job, job.market_image, view)
        compared = comparison.of_process(job.conf).compare(scanned, job.check)
        ProductScans(job.database).keep(version, scanned, compared.report, compared.feed)
        if compared.report.blocking:
            raise ScanFoundSomething(refusal=compared.report.refusal)


class ScanSellersImage(Task):
    """Looks into an image of the seller's, and tells what would be refused."""

    default_provides = "looked"

    def execute(self) -> dict[str, Any]:
        """The report.

        :raises RuleRefused, NotTheirs: if it may not be sold for another reason
        """
        job = self.job
        view = job_image.source(job)
        rules.check(rules.Action.PUBLISH, rules.Facts.of(view), job.project_id)
        scanned = _of_image(job, job.image, view)
        report = comparison.of_process(job.conf).compare(scanned, job.check).report
        told = {SCAN: report.shown()}
        job.tell(**told)
        return told


def _of_image(job: JobContext, images: ImageApi, view: Mapping[str, Any]) -> Scanned:
    """What is found on the disks of an image."""
    disks = [_of_disk(job, images, disk) for disk in _disks(images, view)]
    if len(disks) == 1:
        return disks[0]
    return Scanned.together([disk.on_disk(number) for number, disk in enumerate(disks)])


def _disks(images: ImageApi, view: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    components = whole_image.components(view)
    for component in components:
        found = images.find(component.image_id)
        if found is None:
            raise whole_image.DiskMissing(
                number=component.disk.number, image_id=view["id"], disk_id=component.image_id
            )
        yield found
    if not components:
        yield view


def _of_disk(job: JobContext, images: ImageApi, view: Mapping[str, Any]) -> Scanned:
    """What is found on a disk. Of one that nobody can read it is said why."""
    content = ImageContent(
        images, str(view["id"]), int(view.get("size") or 0), job.pause, job.check
    )
    options = job.conf.ims_files
    most = max(from_file.largest(options, each) for each in Purpose) * units.Gi
    try:
        disk = guest.disk_of_image(content, str(view["disk_format"]), most)
        return guest.scanned(job, *disk)
    except FileRefused as refused:
        return Scanned(notes=(f"Nobody could look into the disk: {refused}",))
