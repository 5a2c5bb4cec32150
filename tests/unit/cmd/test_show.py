# SPDX-License-Identifier: Apache-2.0
"""What ``ims-manage show`` tells, of real objects in real files."""

import json

import pytest

from ims_glance import exceptions
from ims_glance.clouds.image import ImageRecord
from ims_glance.cmd import show
from tests.unit.store import stores
from tests.unit.store.stores import FIRST, IMAGE_ID, KEY_ID, NEW_KEY_ID

RECORD = ImageRecord("active", KEY_ID, [])


@pytest.fixture
def key_ring():
    return stores.KeyRing()


@pytest.fixture
def objects(tmp_path, key_ring):
    return stores.objects_in(tmp_path / "inner", key_ring)


def test_document(objects, key_ring):
    object_id = stores.write(objects, FIRST)
    found = show.document(IMAGE_ID, RECORD, [("kms", objects, object_id)], [])
    path = stores.body_path(objects, object_id)
    header = stores.header_path(objects, object_id)
    assert found == {
        "image_id": IMAGE_ID,
        "status": "active",
        "key_id": KEY_ID,
        "stores": [
            {
                "store": "kms",
                "encrypted": True,
                "driver": "file",
                "group": "kms_inner",
                "object_id": object_id,
                "size": FIRST,
                "body": {"name": path.name, "size": path.stat().st_size, "at": f"file://{path}"},
                "body_size_expected": path.stat().st_size,
                "headers": [
                    {
                        "name": header.name,
                        "size": header.stat().st_size,
                        "at": f"file://{header}",
                        "version": 1,
                        "key_ids": [KEY_ID],
                    }
                ],
            }
        ],
    }


def test_no_key_material(objects, key_ring):
    object_id = stores.write(objects, 100)
    (slot,) = stores.header_of(stores.header_path(objects, object_id)).slots
    told = show.document(IMAGE_ID, RECORD, [("kms", objects, object_id)], [])
    wrapped = json.loads(stores.header_path(objects, object_id).read_text().splitlines()[1])
    text = json.dumps(told) + "\n".join(show.lines(told))
    assert slot.wrapped_key.hex() not in text
    assert wrapped["slots"][0]["wrapped_key"] not in text
    assert key_ring.keys[KEY_ID].hex() not in text


def test_keys_need_not_be_there(objects, key_ring):
    object_id = stores.write(objects, 100)
    key_ring.keys.clear()
    assert show.document(IMAGE_ID, RECORD, [("kms", objects, object_id)], [])["stores"]


def test_a_rekey_that_was_broken_off_shows_both_headers(objects, key_ring):
    object_id = stores.write(objects, 100)
    old = stores.header_path(objects, object_id)
    kept = old.read_bytes()
    objects.rekey(object_id, NEW_KEY_ID)
    old.write_bytes(kept)
    told = list(show.lines(show.document(IMAGE_ID, RECORD, [("kms", objects, object_id)], [])))
    headers = [line for line in told if "header:" in line]
    assert [KEY_ID in line for line in headers] == [True, False]
    assert [NEW_KEY_ID in line for line in headers] == [False, True]


def test_a_body_of_another_size_is_said(objects):
    object_id = stores.write(objects, 100)
    path = stores.body_path(objects, object_id)
    with stores.changed(path, path.read_bytes()[:-1]):
        told = show.document(IMAGE_ID, RECORD, [("kms", objects, object_id)], [])
    assert "155 bytes, which should be 156" in "\n".join(show.lines(told))


def test_a_copy_that_is_not_whole_is_refused(objects):
    object_id = stores.write(objects, 100)
    stores.body_path(objects, object_id).unlink()
    with pytest.raises(exceptions.ObjectDamaged, match="its body is missing"):
        show.document(IMAGE_ID, RECORD, [("kms", objects, object_id)], [])


def test_a_plain_copy_beside_it(objects):
    object_id = stores.write(objects, 100)
    plain = [("plain", "s3://access:se/cr@t@host/bucket/image")]
    told = show.document(IMAGE_ID, RECORD, [("kms", objects, object_id)], plain)
    text = "\n".join(show.lines(told))
    assert "store kms: encrypted, over file ([kms_inner])" in text
    assert "store plain: NOT ENCRYPTED, at s3://host/bucket/image" in text


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("file:///srv/a@b/image?", "file:///srv/a@b/image?"),
        ("rbd://fsid/pool/image/snap", "rbd://fsid/pool/image/snap"),
        ("swift+https://account:user:key@host/v1/c/image", "swift+https://host/v1/c/image"),
        ("s3+https://access:sec/ret@host/bucket/image", "s3+https://host/bucket/image"),
        ("https://host/image?sig=secret", "https://host/image"),
        ("s3://key:se?cret@host/bucket/id", "s3://..."),
        ("https://host/image?sig=se@cret", "https://..."),
    ],
)
def test_a_place_is_told_without_what_logs_in_there(url, shown):
    assert show.without_credentials(url) == shown
    assert show.where([("plain", url)]) == f"store plain at {shown}"
