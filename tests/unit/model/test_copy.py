# SPDX-License-Identifier: Apache-2.0
"""What a copy has of its source."""

import pytest

from ims_glance.model import copy
from ims_glance.model.copy import Digest
from ims_glance.model.image import attributes

SOURCE = {
    "id": "1",
    "name": "source",
    "status": "active",
    "visibility": "shared",
    "owner": "them",
    "protected": True,
    "size": 5,
    "disk_format": "qcow2",
    "container_format": "bare",
    "min_disk": 3,
    "min_ram": 0,
    "tags": ["a=b"],
    "stores": "kms",
    "hw_firmware_type": "uefi",
    "os_glance_importing_to_stores": "",
    "__os_version": "CentOS 7.3 64bit",
    "__account_code": "charged",
    "__productcode": "p",
    "__is_offshelved": "false",
    "__system_support_market": "true",
    "__backup_id": "b",
    attributes.IMAGE_TYPE: "market",
    attributes.CMK_ID: "theirs",
    attributes.DESCRIPTION: "Theirs.",
    "enterprise_project_id": "theirs",
    "owner_project_name": "them",
    "mine": "yes",
    # Of an image from before the service: no new image may have them.
    "__Data_Origin": "odd",
    "__system__old": "odd",
}


def test_a_copy():
    assert copy.body(SOURCE, "here", {"name": "copy", "cmk_id": None}) == {
        "name": "copy",
        "visibility": "private",
        "disk_format": "qcow2",
        "container_format": "bare",
        "min_disk": 3,
        "min_ram": 0,
        "tags": ["a=b"],
        "hw_firmware_type": "uefi",
        "__os_version": "CentOS 7.3 64bit",
        "__account_code": "charged",
        "__productcode": "p",
        "mine": "yes",
        "__data_origin": "image,here,1",
        "__originalimagename": "1",
        "__image_source_type": "uds",
        "__image_size": "0",
        "__isregistered": "true",
    }


def test_an_image_in_the_place_of_another_one():
    """All that is not of its data stays, also what no copy has."""
    signed = {"img_signature": "s", "img_signature_hash_method": "m", copy.CINDER_KEY: "k"}
    body = copy.body_with_other_data({**SOURCE, **signed})
    own = ("id", "name", "status", "owner", "protected", "size", "stores", *signed)
    assert not {*own, "os_glance_importing_to_stores"} & {*body}
    assert (body["disk_format"], body["visibility"], body["__image_size"]) == (
        "raw",
        "private",
        "0",
    )
    assert (body["min_disk"], body["tags"], body["mine"]) == (3, ["a=b"], "yes")
    kept = ("hw_firmware_type", "__productcode", attributes.CMK_ID, "owner_project_name")
    assert {name: body[name] for name in kept} == {name: SOURCE[name] for name in kept}


def test_wishes():
    wishes = {"cmk_id": "key", "description": "Ours.", "enterprise_project_id": "ours"}
    body = copy.body(SOURCE, "here", {"name": "copy", **wishes})
    assert body[attributes.CMK_ID] == "key"
    assert body[attributes.DESCRIPTION] == "Ours."
    assert body["enterprise_project_id"] == "ours"


def digest(size=1, md5=None, algorithm=None, multihash=None):
    return Digest(size, md5, algorithm, multihash)


@pytest.mark.parametrize(
    ("one", "other", "agree"),
    [
        (digest(1, "m", "sha512", "h"), digest(1, "m", "sha512", "h"), True),
        (digest(1, "m", "sha512", "h"), digest(2, "m", "sha512", "h"), False),
        (digest(1, "m", "sha512", "h"), digest(1, "m", "sha512", "g"), False),
        (digest(1, "m", "sha512", "h"), digest(1, "m", "sha256", "g"), True),
        (digest(1, "m", "sha512", "h"), digest(1, "n", "sha256", "g"), False),
        (digest(1, "m"), digest(1, "m", "sha256", "g"), True),
        (digest(1, None, "sha512", "h"), digest(1, None, "sha256", "h"), False),
        (digest(1), digest(1), False),
        (digest(1), digest(1, "m"), False),
    ],
)
def test_same_data(one, other, agree):
    assert one.agrees(other) is agree
    assert other.agrees(one) is agree


def test_digest_of_a_view():
    view = {"size": None, "checksum": "m", "os_hash_algo": "a", "os_hash_value": "h"}
    assert Digest.of(view) == Digest(0, "m", "a", "h")
    assert Digest.of(view).is_known
    assert not Digest.of({"size": 3}).is_known


@pytest.mark.parametrize("strange", ["a b", "\r\nX: y", "\u0661", "\ud800", '"', "", None])
def test_a_digest_is_told_in_a_line(strange):
    told = Digest(5, strange, "sha512", strange).to_text()
    assert told.isascii()
    assert told.isprintable()
    assert Digest.of_text(told) == Digest(5, strange, "sha512", strange)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "x",
        "5",
        "[]",
        "{}",
        "[5]",
        '["5", null, null, null]',
        "[true, null, null, null]",
        "[5, 6, null, null]",
        "[5, null, null, null, null]",
    ],
)
def test_something_else_is_no_digest(text):
    with pytest.raises(ValueError, match=r"."):
        Digest.of_text(text)


def test_what_is_nested_deeply_is_no_digest():
    with pytest.raises(ValueError, match="nested"):
        Digest.of_text("[" * 100_000)
