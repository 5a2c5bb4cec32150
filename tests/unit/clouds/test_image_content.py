# SPDX-License-Identifier: Apache-2.0
"""The data of an image, read here and there."""

import pytest

from ims_glance.clouds import rest
from ims_glance.clouds.image_api import ImageApi
from ims_glance.clouds.image_content import ImageContent, ReadFromBeginning
from ims_glance.clouds.region import Region
from tests.base import pattern

DATA = pattern(0, 5000)


@pytest.fixture
def content(server):
    image_id = server.make(DATA, disk_format="raw", container_format="bare")
    images = ImageApi(Region(server.session()))
    return ImageContent(images, image_id, len(DATA), lambda _seconds: None)


def test_what_is_asked_for_comes_and_nothing_else(content):
    assert content.size == len(DATA)
    assert content.read(4000, 10) == DATA[4000:4010]
    assert content.read(4990, 100) == DATA[4990:]
    assert content.read(5000, 1) == content.read(9000, 1) == b""
    assert content.received == 20


def test_a_neighbour_that_is_away_for_a_moment(content, server):
    server.failures["GET .*"] = [503, 503]
    assert content.read(0, 3) == DATA[:3]
    server.failures["GET .*"] = [503] * 9
    with pytest.raises(rest.ServiceUnavailable):
        content.read(0, 3)


def test_a_store_that_is_read_from_its_beginning_only(content, server):
    server.failures["GET .*"] = [400]
    with pytest.raises(ReadFromBeginning):
        content.read(10, 3)


def test_there_is_no_use_in_going_on(server):
    def check():
        raise KeyError

    with pytest.raises(KeyError):
        ImageContent(ImageApi(Region(server.session())), "i", 10, check=check).read(0, 1)
