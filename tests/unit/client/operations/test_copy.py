# SPDX-License-Identifier: Apache-2.0
"""Copies are found by what they know of their source."""

import json

import pytest

from ims_glance.client.operations.copy import Origin
from ims_glance.client.resources.image import Image
from tests.unit.client.cloud import IMAGE, IMAGE_ID, SECOND_ID, image
from tests.unit.client.two_regions import COPY_ID, TwoRegions, origin_of

ORIGIN = Origin("R", IMAGE_ID)


@pytest.fixture
def cloud():
    return TwoRegions()


def copy(image_id=COPY_ID, **more):
    return image(image_id, "copy", **{"__data_origin": origin_of(IMAGE_ID), **more})


@pytest.mark.parametrize(
    ("text", "origin"),
    [
        (origin_of(IMAGE_ID), ORIGIN),
        (f"image,,{IMAGE_ID}", Origin("", IMAGE_ID)),
        ("image,R,", None),
        (f"image,{IMAGE_ID}", None),
        ("volume,v", None),
        ("file", None),
        (None, None),
    ],
)
def test_what_an_image_is_a_copy_of(text, origin):
    assert Origin.of(Image.existing(id="i", data_origin=text)) == origin
    assert origin is None or str(origin) == text


def test_hidden_copies_are_found_as_well(cloud, ims):
    cloud.has(IMAGE, image(), copy(), copy(SECOND_ID, os_hidden=True))
    assert [each.id for each in ims.copies_of(ORIGIN)] == [COPY_ID, SECOND_ID]
    asked = [each.query for each in cloud.sent("GET") if each.path.endswith("/v2/images")]
    assert [each["limit"] for each in asked] == ["100", "100"]


def test_more_copies_than_a_page_has(cloud, ims):
    ids = [f"copy-{number}" for number in range(5)]
    cloud.has(IMAGE, *(copy(each) for each in ids), page=2)
    assert [each.id for each in ims.copies_of(ORIGIN)] == ids


def test_the_data_of_an_image_is_its_own(cloud, ims):
    cloud.has(IMAGE, image(os_hash_value="h"))
    (found,) = ims.data_of(Image.existing(id=IMAGE_ID))
    assert found.os_hash_value == "h"


def test_the_data_of_a_whole_machine_is_in_its_disks(cloud, ims):
    cloud.has(IMAGE, image("d0", os_hidden=True), image("d2"))
    mapping = [{"image_id": "d0"}, {"image_id": "gone"}, {"snapshot_id": "s"}, {"image_id": "d2"}]
    machine = image("w", __whole_image="true", block_device_mapping=json.dumps(mapping))
    machine.pop("self")
    found = ims.data_of(Image.existing(**machine))
    assert [each and each.id for each in found] == ["d0", None, "d2"]
