# SPDX-License-Identifier: Apache-2.0
"""An encrypted object on its way out as it lies there; whose, and under which rights, is seen with a real Glance."""

import os
from types import SimpleNamespace

import pytest
from glance_store import exceptions as store_exceptions
from glance_store import location
from oslo_config import cfg

from ims_glance import exceptions
from ims_glance.clouds.image import ImageRecord
from ims_glance.crypto import sealed_file, stream
from ims_glance.crypto.sealed_file import DataFacts
from ims_glance.store import sealed_copy
from tests.base import pattern
from tests.unit.crypto.sealed_files import Bytes
from tests.unit.store import stores
from tests.unit.store.stores import FIRST, IMAGE_ID, KEY_ID, NEW_KEY_ID, REST, write

SIZES = [0, 1, FIRST, FIRST + 1, FIRST + REST + 5]


def _file(objects, object_id, size, offset=0):
    copy = objects.sealed(object_id, DataFacts(size, "raw"))
    chunks = list(copy.chunks(offset))
    copy.close()
    assert max(map(len, chunks), default=0) <= stream.SEGMENT_SIZE
    return b"".join(chunks), copy


@pytest.mark.parametrize("size", SIZES)
def test_it_is_what_lies_there(objects, key_ring, size):
    object_id = write(objects, size)
    file, copy = _file(objects, object_id, size)
    assert len(file) == copy.size
    assert file.endswith(stores.body_path(objects, object_id).read_bytes())
    assert stores.header_path(objects, object_id).read_bytes() in file
    source = Bytes(file)
    head = sealed_file.read(source)
    assert (head.key_ids, head.header.image_id) == ((KEY_ID,), IMAGE_ID)
    data = head.open(KEY_ID, key_ring.keys[KEY_ID]).data(source)
    assert data.read(0, size) == pattern(0, size)


def test_from_anywhere(objects):
    size = FIRST + REST + 5
    object_id = write(objects, size)
    file, copy = _file(objects, object_id, size)
    head = copy.size - stream.ciphertext_size(size)
    for offset in (1, head - 1, head, head + 1, head + stream.SEGMENT_SIZE, len(file) - 1):
        assert _file(objects, object_id, size, offset)[0] == file[offset:]


def test_the_same_file_has_the_same_etag(objects):
    object_id = write(objects, 100)
    etag = _file(objects, object_id, 100)[1].etag
    assert _file(objects, object_id, 100)[1].etag == etag
    assert _file(objects, write(objects, 100), 100)[1].etag != etag
    objects.rekey(object_id, NEW_KEY_ID)
    assert _file(objects, object_id, 100)[1].etag != etag


def test_what_nobody_could_open(objects, key_ring):
    object_id = write(objects, 100)
    key = key_ring.keys.pop(KEY_ID)
    with pytest.raises(exceptions.KeyGone):
        objects.sealed(object_id, DataFacts(100, "raw"))
    key_ring.keys[KEY_ID] = os.urandom(32)
    with pytest.raises(exceptions.ObjectDamaged):
        objects.sealed(object_id, DataFacts(100, "raw"))
    key_ring.keys[KEY_ID] = key
    assert objects.sealed(object_id, DataFacts(100, "raw")).size > 100


@pytest.fixture
def records(monkeypatch):
    """What Glance knows of the image."""
    found = ImageRecord("active", KEY_ID, [])
    monkeypatch.setattr(
        sealed_copy, "ImageRecords", lambda: SimpleNamespace(find=lambda _id: found)
    )
    return found.locations


def test_an_image_without_such_a_copy(records, monkeypatch):
    records += [("plain", "file:///x")]
    with pytest.raises(sealed_copy.NotSealed):
        sealed_copy.of_image(cfg.ConfigOpts(), IMAGE_ID, DataFacts(1, "raw"))
    records += [("kms", "ims-kms://kms/x")]

    def unknown(_store):
        raise store_exceptions.UnknownScheme

    monkeypatch.setattr(sealed_copy, "get_store_from_store_identifier", unknown)
    with pytest.raises(sealed_copy.NotSealed):
        sealed_copy.of_image(cfg.ConfigOpts(), IMAGE_ID, DataFacts(1, "raw"))


def test_the_first_of_several_copies(objects, records, monkeypatch):
    """Whoever goes on with an export gets the same one."""
    object_id = write(objects, 100)
    records += [("kms2", "ims-kms://kms2/x"), ("kms", "ims-kms://kms/y")]
    asked = []

    def store(store_id):
        asked.append(store_id)
        return SimpleNamespace(objects=objects)

    def locate(url, _store_id, conf):
        return SimpleNamespace(store_location=SimpleNamespace(object_id=object_id))

    monkeypatch.setattr(sealed_copy, "get_store_from_store_identifier", store)
    monkeypatch.setattr(location, "get_location_from_uri_and_backend", locate)
    copy = sealed_copy.of_image(cfg.ConfigOpts(), IMAGE_ID, DataFacts(100, "raw"))
    copy.close()
    assert (asked, copy.size > 100) == (["kms"], True)

    def away(_store_id):
        raise OSError("no connection")

    monkeypatch.setattr(sealed_copy, "get_store_from_store_identifier", away)
    with pytest.raises(sealed_copy.StoreAway, match="OSError"):
        sealed_copy.of_image(cfg.ConfigOpts(), IMAGE_ID, DataFacts(100, "raw"))


@pytest.mark.parametrize("at", [0, 5, 40, FIRST + 100, -1])
def test_a_bit_that_the_store_lost(objects, at):
    """Nothing of its segment goes out, from wherever on it is read; all before it does."""
    object_id = write(objects, FIRST + REST + 5)
    path = stores.body_path(objects, object_id)
    body = bytearray(path.read_bytes())
    body[at] ^= 4
    damaged = at % len(body) // stream.SEGMENT_SIZE
    with stores.changed(path, bytes(body)):
        copy = objects.sealed(object_id, DataFacts(FIRST + REST + 5, "raw"))
        head = copy.size - len(body)
        sent = []
        with pytest.raises(exceptions.ObjectDamaged):
            sent.extend(copy.chunks())
        assert b"".join(sent[1:]) == body[: damaged * stream.SEGMENT_SIZE]
        with pytest.raises(exceptions.ObjectDamaged):
            next(copy.chunks(head + at % len(body)))
        copy.close()


def test_a_body_that_is_short_or_gone(objects):
    object_id = write(objects, 100)
    path = stores.body_path(objects, object_id)
    with stores.changed(path, path.read_bytes()[:-1]):
        copy = objects.sealed(object_id, DataFacts(100, "raw"))
        with pytest.raises(exceptions.ObjectDamaged, match="ends at byte"):
            list(copy.chunks())
        copy.close()
        copy.close()
    with stores.changed(path, None), pytest.raises(exceptions.ObjectDamaged, match="missing"):
        objects.sealed(object_id, DataFacts(100, "raw"))
