# SPDX-License-Identifier: Apache-2.0
"""The objects of spools among those of images: whose they are, and what becomes of them."""

import contextlib

import pytest
from glance_store import exceptions as store_exceptions

from ims_glance.store import sealed
from ims_glance.store.objects import EncryptedObjects
from ims_glance.store.sealed import Owner, SealedObjects, SpoolDenied, SpoolFull, SpoolUnavailable
from tests.unit.store import stores
from tests.unit.store.stores import IMAGE_ID, KEY_ID
from tests.unit.store.test_spool import Keys

ONE, OTHER = Owner("1" * 32, 0, IMAGE_ID), Owner("1" * 32, 10, IMAGE_ID)


def begun(inner, owner=ONE, count=2):
    made = SealedObjects(inner, owner, KEY_ID, Keys())
    for number in range(1, count + 1):
        made.put(number, memoryview(b"content"))
    return made


def names(inner):
    return sorted(each.name for each in inner.objects())


def test_of_one_disk_all_is_deleted_and_of_the_others_nothing(inner, tmp_path):
    begun(inner)
    begun(inner, OTHER)
    (tmp_path / "inner" / f"{ONE.prefix}3.0123abcd").write_text("half of one")
    sealed.delete(inner, ONE)
    assert names(inner) == sorted(f"{OTHER.prefix}{number}" for number in range(3))
    sealed.delete(inner, ONE)


def test_the_key_goes_first(inner, monkeypatch):
    begun(inner)
    gone = []
    monkeypatch.setattr(type(inner), "delete", lambda _self, name: gone.append(name))
    sealed.delete(inner, ONE)
    assert gone[0] == f"{ONE.prefix}0"


def test_what_is_left_tells_its_job(inner, tmp_path):
    begun(inner)
    begun(inner, Owner("a" * 32, 2, IMAGE_ID), 0)
    (tmp_path / "inner" / f"{ONE.prefix}3.0123abcd").write_text("half of one")
    (tmp_path / "inner" / f"{ONE.prefix}4.upload-2~u_1").write_text("parts of one")
    (tmp_path / "inner" / "ims-spool-of-somebody").write_text("else")
    found = {each.name: each.job_id for each in sealed.left(inner)}
    assert found == {
        **{
            f"{ONE.prefix}{end}": ONE.job_id
            for end in ("0", "1", "2", "3.0123abcd", "4.upload-2~u_1")
        },
        f"ims-spool-{'a' * 32}-2-0": "a" * 32,
    }


def test_nobody_takes_them_for_parts_of_images(inner, key_ring):
    """``ims-manage orphans`` would delete those while their job goes on."""
    begun(inner)
    objects = EncryptedObjects(inner, key_ring.read, key_ring.ask)
    object_id = stores.write(objects, 100)
    assert [each.object_id for each in objects.candidates()] == [object_id]
    assert len(list(sealed.left(inner))) == 3


def test_half_an_object_of_a_driver_that_writes_in_place_is_written_again(inner, monkeypatch):
    """One that no reader opens: the rbd driver of a killed worker leaves an image without a snapshot."""
    made = begun(inner, count=0)
    inner.put(f"{ONE.prefix}1", [b"half"], 4)
    opened = type(inner).open

    def refuse_half(self, name):
        reader = opened(self, name)
        if bytes(reader.read(0, 10)) == b"half":
            reader.close()
            raise store_exceptions.NotFound(image=name)
        return reader

    monkeypatch.setattr(type(inner), "open", refuse_half)
    made.put(1, memoryview(b"whole"))
    with contextlib.closing(made.open(1)) as found:
        assert found.first() == b"whole"


@pytest.mark.parametrize(
    ("raised", "told"),
    [
        (store_exceptions.StorageFull(), SpoolFull),
        (store_exceptions.StorageWriteDenied(), SpoolDenied),
        (OSError(5, "Input/output error"), SpoolUnavailable),
        (RuntimeError("of some library"), SpoolUnavailable),
    ],
)
def test_what_a_driver_raises(inner, monkeypatch, raised, told):
    made = begun(inner)

    def broken(*_arguments):
        raise raised

    monkeypatch.setattr(type(inner), "put_for_now", broken)
    with pytest.raises(told):
        made.put(3, memoryview(b""))


def test_a_store_that_is_away_in_the_midst_of_an_object(inner, monkeypatch):
    """Then the job waits, and what has come is still there."""
    made = begun(inner)
    found = made.open(1)

    def broken(*_arguments):
        raise OSError(5, "Input/output error")

    with contextlib.closing(found):
        monkeypatch.setattr(type(found._reader), "read", broken)
        with pytest.raises(SpoolUnavailable):
            found.first()


def test_a_store_is_told_the_size_of_what_it_gets(inner, monkeypatch):
    """rbd and swift keep so many bytes, and no more."""
    told = {}

    def put(_self, name, chunks, size):
        told[name] = size, sum(map(len, chunks))

    monkeypatch.setattr(type(inner), "put_for_now", put)
    SealedObjects(inner, ONE, KEY_ID, Keys()).put(1, memoryview(bytes(3 << 20)))
    assert len(told) == 2
    assert all(size == sent for size, sent in told.values())
