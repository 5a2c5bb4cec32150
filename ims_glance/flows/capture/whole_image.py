# SPDX-License-Identifier: Apache-2.0
"""The end of every job that makes a whole-machine image of the images of its disks."""

import functools
import itertools
from collections.abc import Mapping
from typing import Any

from ims_glance.flows import job_image
from ims_glance.flows.capture.disks import DiskTask, describe
from ims_glance.model import capture
from ims_glance.model.image import attributes, kinds, whole_image
from ims_glance.model.image.whole_image import Component
from ims_glance.model.server import Disk


class DescribeDisks(DiskTask):
    """Gives the hidden images of a whole machine their names and attributes."""

    default_provides = "sizes"

    def execute(self, images: list[str]) -> list[list[int]]:
        """What each needs: GiB of the disk, bytes of the image."""
        found = []
        for disk, image_id in zip(self.disks, images, strict=True):
            view = self.job.image.get(image_id)
            said = {
                **capture.of_data(view, disk),
                **capture.for_component(self.job.arguments, disk),
            }
            describe(self.job, view, said)
            found.append([capture.grown(view, disk).size, int(view["size"])])
        return found


class MakeWholeImage(DiskTask):
    """Makes the image that the others are the disks of."""

    def execute(
        self, instant: Mapping[str, Any], images: list[str], sizes: list[list[int]]
    ) -> None:
        """Make it, and have it active: it has no data."""
        parts = [
            Component(_sized(disk, size), image_id)
            for disk, image_id, (size, _bytes) in zip(self.disks, images, sizes, strict=True)
        ]
        body = {
            **capture.for_system(self.job.arguments),
            **whole_image.properties(parts),
            **capture.of_disks(parts, [each for _size, each in sizes]),
            attributes.CAPTURE: instant["capture"],
            attributes.STANDSTILL: str(instant["standstill"]),
            **self._of_disks(images),
            **self._backup(),
        }
        job_image.make_empty_image(self.job, body, functools.partial(self._tie, images))

    def revert(self, **_: Any) -> None:
        """Delete it."""
        job_image.delete_image(self.job)

    def _tie(self, images: list[str], whole_id: str) -> None:
        for image_id in images:
            self.job.image.update(image_id, {attributes.COMPONENT_OF: whole_id})

    def _backup(self) -> dict[str, str]:
        backup_id = self.job.job.backup_id
        return {attributes.BACKUP_ID: backup_id} if backup_id else {}

    def _of_disks(self, images: list[str]) -> dict[str, str]:
        """What of the marketplace is on its disks, and the key of the first encrypted one.

        The key may be wished, or that of what a volume was made of.
        """
        views = [self.job.image.get(image_id) for image_id in images]
        keys = [str(view[attributes.CMK_ID]) for view in views if view.get(attributes.CMK_ID)]
        codes = itertools.chain.from_iterable(map(kinds.product_codes, views))
        return {**({attributes.CMK_ID: keys[0]} if keys else {}), **kinds.of_products(codes)}


def _sized(disk: Disk, size: int) -> Disk:
    return Disk(disk.number, disk.volume_id, size, disk.volume_type, disk.goes_with_server)
