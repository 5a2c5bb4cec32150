# SPDX-License-Identifier: Apache-2.0
"""Two that work at one object at the same time: no data is lost, and none gets the wrong key."""

import os

import pytest

from ims_glance import exceptions
from ims_glance.store.objects import HeaderChanged, OrphanChanged
from tests.base import pattern
from tests.unit.store import stores
from tests.unit.store.stores import KEY_ID, NEW_KEY_ID, names, read, write


def before_deletion(objects, monkeypatch, happens, end=".header-a"):
    """Let something happen just before the first part of an object whose name ends so is deleted."""
    done: list[str] = []
    delete = objects.inner.delete

    def deleting(name):
        if name.endswith(end) and not done:
            done.append(name)
            happens()
        delete(name)

    monkeypatch.setattr(objects.inner, "delete", deleting)


@pytest.mark.parametrize("gone", [KEY_ID, NEW_KEY_ID])
def test_two_that_give_an_object_to_two_keys(objects, key_ring, monkeypatch, gone):
    """The one takes the other's new header for what was left behind, and the other the old one."""
    object_id = write(objects, 100)
    before_deletion(objects, monkeypatch, lambda: objects.rekey(object_id, KEY_ID))
    objects.rekey(object_id, NEW_KEY_ID)
    assert read(objects, object_id) == pattern(0, 100)
    del key_ring.keys[gone]
    if gone == KEY_ID:
        assert read(objects, object_id) == pattern(0, 100)
    else:
        with pytest.raises(exceptions.KeyGone):
            read(objects, object_id)


def test_a_header_that_somebody_changed_meanwhile_is_no_reason_to_delete_the_other(
    objects, monkeypatch
):
    object_id = write(objects, 100)
    put = objects.inner.put

    def putting(name, chunks, size):
        put(name, chunks, size)
        objects.inner.delete(name)

    monkeypatch.setattr(objects.inner, "put", putting)
    with pytest.raises(HeaderChanged, match=f"{object_id}.*try again"):
        objects.rekey(object_id, NEW_KEY_ID)
    assert names(objects) == [f"ims-{object_id}", f"ims-{object_id}.header-a"]
    assert read(objects, object_id) == pattern(0, 100)


def test_an_object_that_is_deleted_meanwhile_does_not_come_back(objects, monkeypatch):
    object_id = write(objects, 100)
    before_deletion(objects, monkeypatch, lambda: objects.delete(object_id))
    objects.rekey(object_id, NEW_KEY_ID)
    assert names(objects) == []
    assert not stores.lanes()


@pytest.mark.parametrize("what", ["a header", "a body"])
def test_what_is_written_since_it_was_found_is_no_orphan(objects, what):
    """An upload was so slow that its body looked like one, and then it ended."""
    object_id = write(objects, 100)
    path = stores.header_path(objects, object_id)
    header = path.read_bytes()
    path.unlink()
    (found,) = objects.candidates()
    if what == "a header":
        path.write_bytes(header)
        os.utime(path, (0, 0))
    else:
        later = found.modified.timestamp() + 60
        os.utime(stores.body_path(objects, object_id), (later, later))
    before = names(objects)
    with pytest.raises(OrphanChanged, match=object_id):
        objects.remove(found)
    assert names(objects) == before


def test_what_is_unfinished_is_one_also_beside_an_object_that_is_written(objects):
    object_id = write(objects, 100)
    left = stores.body_path(objects, object_id).with_suffix(".header-b.1f2e3d4c")
    left.touch()
    (found,) = (each for each in objects.candidates() if each.object_id == left.name)
    objects.rekey(object_id, NEW_KEY_ID)
    objects.remove(found)
    assert names(objects) == [f"ims-{object_id}", f"ims-{object_id}.header-b"]
