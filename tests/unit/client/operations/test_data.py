# SPDX-License-Identifier: Apache-2.0
"""Data of images: what is read is what the service knows, or an error."""

import hashlib

import pytest
import requests

from ims_glance.client import errors
from ims_glance.client.operations.data import DataBroken, digest_of
from ims_glance.client.resources.image import Image
from tests.unit.client.cloud import IMAGE_ID

CONTENT = bytes(range(256)) * 5000


def _read(ims):
    return b"".join(ims.image_data(ims.look_at(IMAGE_ID)))


def test_it_is_read_with_the_session_s_token(cloud, ims):
    cloud.data(CONTENT)
    assert _read(ims) == CONTENT
    sent = cloud.requests[-1]
    assert sent.path.endswith(f"/v2/images/{IMAGE_ID}/file")
    assert sent.headers["X-Auth-Token"] == "token"


@pytest.mark.parametrize(
    ("known", "by"),
    [
        ({}, "sha512"),
        ({"os_hash_value": None}, "md5"),
        ({"os_hash_algo": "of tomorrow"}, "md5"),
        ({"os_hash_value": None, "checksum": None}, ""),
    ],
)
def test_by_what_it_is_compared(cloud, ims, known, by):
    cloud.data(CONTENT, **known)
    shown = ims.look_at(IMAGE_ID)
    assert digest_of(shown)[0] == by
    assert _read(ims) == CONTENT


@pytest.mark.parametrize("name", ["os_hash_value", "checksum"])
def test_other_data_is_found_at_the_end(cloud, ims, name):
    known = {"os_hash_value": None, name: hashlib.sha512(b"other").hexdigest()}
    cloud.data(CONTENT, **known)
    with pytest.raises(DataBroken, match=f"{IMAGE_ID} is damaged: its (sha512|md5) is"):
        _read(ims)


@pytest.mark.parametrize("size", [len(CONTENT) - 1, len(CONTENT) + 1])
def test_another_length_is_found(cloud, ims, size):
    cloud.data(CONTENT, size=size, __image_size=str(size))
    with pytest.raises(DataBroken, match=f"arrived {len(CONTENT)} bytes, but it has {size}"):
        _read(ims)


def test_a_connection_that_breaks_off(cloud, ims, monkeypatch):
    def pieces(_self, _size):
        yield b"x" * 1000
        raise requests.exceptions.ChunkedEncodingError("IncompleteRead")

    cloud.data(CONTENT)
    shown = ims.look_at(IMAGE_ID)
    monkeypatch.setattr(requests.Response, "iter_content", pieces)
    with pytest.raises(DataBroken, match="broke off after 1000 of 1280000 bytes: IncompleteRead"):
        list(ims.image_data(shown))


def test_a_refusal_is_told(cloud, ims):
    cloud.data(CONTENT)
    cloud.refuse("GET", f"/v2/images/{IMAGE_ID}/file", 403, "IMG.0026", "Not yours.")
    with pytest.raises(errors.Forbidden, match=r"IMG.0026: Not yours\."):
        _read(ims)


def test_there_may_be_no_digest():
    assert digest_of(Image.existing(id=IMAGE_ID)) == ("", "")
