# SPDX-License-Identifier: Apache-2.0
"""Sealed images, as they come over the network: whole, or not at all."""

import hashlib

import pytest

from ims_glance.clouds import rest
from ims_glance.clouds.region import Region
from ims_glance.clouds.sealed_image import SealedImages
from tests.base import pattern

FILE = pattern(0, 3 << 20)


@pytest.fixture
def images(server):
    return SealedImages(Region(server.session()), "demo")


@pytest.fixture
def image(server):
    made = server.make(b"data", disk_format="raw", container_format="bare")
    server.sealed[made] = FILE
    return made


@pytest.mark.parametrize("offset", [0, 1, len(FILE) - 1])
def test_it_comes_from_anywhere(images, image, offset):
    with images.open(image, offset) as opened:
        assert b"".join(opened.chunks) == FILE[offset:]
    assert (opened.size, opened.etag) == (len(FILE), hashlib.sha256(FILE).hexdigest())


def test_none(images):
    with pytest.raises(rest.Missing), images.open("3b9c2f0e-60c5-4a4e-9d55-0a2e7c7a4b10"):
        pass


def test_refusals(images, image, server):
    server.failures["GET .*/sealed"] = [403, 503]
    with pytest.raises(rest.Refused, match="as the test wants it"), images.open(image):
        pass
    with pytest.raises(rest.ServiceUnavailable), images.open(image):
        pass


def test_what_is_damaged_is_not_asked_for_again(images, image, server):
    server.damaged[image] = 2 << 20
    with (
        pytest.raises(rest.Refused, match="Object x is damaged") as refused,
        images.open(image, 2 << 20),
    ):
        pass
    assert refused.value.code == "IMG.0057"
    with (
        pytest.raises(rest.ServiceUnavailable, match="broke off"),
        images.open(image, 1) as opened,
    ):
        list(opened.chunks)


def test_an_answer_that_is_none(images, image, server):
    server.spoil = lambda _sent: b""
    with pytest.raises(rest.ServiceUnavailable, match="size"), images.open(image):
        pass
