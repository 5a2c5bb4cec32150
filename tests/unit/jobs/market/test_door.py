# SPDX-License-Identifier: Apache-2.0
"""What a worker does to images of what is sold: nothing is left of a whole machine."""

from ims_glance.clouds.image_api import ImageApi
from ims_glance.clouds.region import Region
from ims_glance.jobs.market.door import ImageDoor
from ims_glance.model.image import whole_image
from ims_glance.model.image.whole_image import Component
from ims_glance.model.server import Disk
from tests.unit.flows.direct_cloud import MARKET, DirectCloud


def machine(cloud: DirectCloud) -> tuple[str, list[str]]:
    """A whole machine of two disks; its id and theirs."""
    parent = cloud.make(b"", owner=MARKET)
    disks = [
        cloud.make(b"disk", owner=MARKET, __component_of=parent, protected=number == 0)
        for number in range(2)
    ]
    parts = [Component(Disk(number, None, 1), disk) for number, disk in enumerate(disks)]
    cloud.images[parent] |= whole_image.properties(parts)
    return parent, disks


def test_disks_go_with_their_machine_and_no_others() -> None:
    cloud = DirectCloud()
    parent, disks = machine(cloud)
    other = cloud.make(b"other", owner=MARKET, __component_of="another")
    named = [*disks, other, "00000000-0000-4000-8000-000000000000"]
    parts = [Component(Disk(number, None, 1), disk) for number, disk in enumerate(named)]
    cloud.images[parent] |= whole_image.properties(parts)
    door = ImageDoor(ImageApi(Region(cloud.session())))
    door.delete(parent)
    door.delete(parent)
    assert cloud.images.keys() == {other}
