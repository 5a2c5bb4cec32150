# SPDX-License-Identifier: Apache-2.0
"""Objects over real files: written whole or not at all, and gone when they are deleted."""

import datetime
import hashlib
import logging
import os
import resource
import threading

import pytest
from glance_store import exceptions as store_exceptions
from hypothesis import given, settings
from hypothesis import strategies as st

from ims_glance import exceptions
from ims_glance.crypto import stream
from ims_glance.store.objects import EncryptedObjects
from tests.base import PatternSource, in_child, mount, pattern
from tests.unit.crypto import independent_reader, tink_streams
from tests.unit.store import stores
from tests.unit.store.stores import (
    FIRST,
    IMAGE_ID,
    KEY_ID,
    NEW_KEY_ID,
    REST,
    names,
    read,
    write,
)

SIZES = [0, 1, FIRST - 1, FIRST, FIRST + 1, FIRST + REST, FIRST + REST + 1, FIRST + 3 * REST]


class Boom(Exception):
    """What an upload fails with here."""


class Breaking(PatternSource):
    """A source that breaks off instead of ending."""

    def read(self, size: int) -> bytes:
        """At most *size* bytes."""
        piece = super().read(size)
        if not piece:
            raise Boom
        return piece


@pytest.mark.parametrize("size", SIZES)
def test_round_trip(objects, size):
    object_id = write(objects, size)
    assert read(objects, object_id) == pattern(0, size)
    assert names(objects) == [f"ims-{object_id}", f"ims-{object_id}.header-a"]
    header = objects.header(object_id)
    assert (header.image_id, header.plaintext_size, header.key_ids) == (IMAGE_ID, size, (KEY_ID,))
    body = stores.body_path(objects, object_id).read_bytes()
    assert len(body) == stream.ciphertext_size(size)
    assert list(objects.verify(object_id, IMAGE_ID))[-1:] == ([size] if size else [])


@pytest.mark.parametrize("size", SIZES)
def test_the_published_format_and_tink_open_it(objects, key_ring, size):
    object_id = write(objects, size)
    body = stores.body_path(objects, object_id)
    header = stores.header_path(objects, object_id)
    image = independent_reader.open_object(
        body.name, header.read_bytes(), body.read_bytes(), key_ring.keys
    )
    assert image == pattern(0, size)
    data_key = stores.header_of(header).unwrap(KEY_ID, key_ring.keys[KEY_ID])
    assert tink_streams.decrypt(data_key, object_id, body.read_bytes()) == image


def test_the_inner_store_sees_no_plaintext(objects):
    object_id = write(objects, 2 * REST)
    body = stores.body_path(objects, object_id).read_bytes()
    assert all(pattern(start, 16) not in body for start in range(251))


def test_what_is_told_of_the_plaintext(objects):
    _object_id, digests = objects.write(IMAGE_ID, KEY_ID, PatternSource(FIRST + 5), 0, "sha512")
    expected = pattern(0, FIRST + 5)
    assert digests == (
        FIRST + 5,
        hashlib.md5(expected, usedforsecurity=False).hexdigest(),
        hashlib.sha512(expected).hexdigest(),
    )


@pytest.fixture(scope="module")
def stored(tmp_path_factory):
    """An image of four segments, read often and never changed."""
    key_ring = stores.KeyRing()
    inner = stores.file_inner(tmp_path_factory.mktemp("objects") / "inner")
    objects = EncryptedObjects(inner, key_ring.read, key_ring.ask)
    return objects, write(objects, FIRST + 3 * REST + 7)


@settings(max_examples=60)
@given(offset=st.integers(0, FIRST + 3 * REST + 7), length=st.integers(1, 3 * REST))
def test_ranges(stored, offset, length):
    objects, object_id = stored
    expected = pattern(offset, min(length, FIRST + 3 * REST + 7 - offset))
    assert read(objects, object_id, offset, length) == expected


# --- writing fails ---------------------------------------------------------------------------


@pytest.mark.parametrize("size", [1, FIRST, FIRST + 5 * REST])
def test_nothing_is_left_when_the_client_goes_away(objects, size):
    with pytest.raises(Boom):
        objects.write(IMAGE_ID, KEY_ID, Breaking(size), 0, "sha256")
    assert names(objects) == []


@pytest.mark.parametrize("announced", [5, 10 * REST])
def test_nothing_is_left_of_another_size(objects, announced):
    with pytest.raises(store_exceptions.GlanceStoreException, match=f"expected {announced}"):
        objects.write(IMAGE_ID, KEY_ID, PatternSource(3 * REST), announced, "sha256")
    assert names(objects) == []


def test_without_the_key_nothing_is_begun(objects):
    class Untouched:
        def read(self, size):
            raise AssertionError("the request was read")

    with pytest.raises(exceptions.KeyNotFound):
        objects.write(IMAGE_ID, IMAGE_ID, Untouched(), 0, "sha256")
    assert names(objects) == []


@pytest.mark.parametrize("part", ["body", "header"])
@pytest.mark.parametrize("when", ["before", "middle", "after"])
def test_nothing_is_left_when_the_inner_store_fails(objects, monkeypatch, part, when):
    put = type(objects.inner).put

    def failing(name, chunks, size):
        if (part == "header") != (".header-" in name):
            return put(objects.inner, name, chunks, size)
        if when == "before":
            raise store_exceptions.StorageFull
        if when == "after":
            put(objects.inner, name, chunks, size)
            raise store_exceptions.StorageFull
        return put(objects.inner, name, broken(chunks), size)

    def broken(chunks):
        yield next(iter(chunks))[:-1]
        raise store_exceptions.StorageFull

    monkeypatch.setattr(objects.inner, "put", failing)
    with pytest.raises(store_exceptions.StorageFull):
        write(objects, FIRST + 30 * REST)
    assert names(objects) == []


def test_the_error_stands_when_cleaning_up_fails_too(objects, monkeypatch, caplog):
    def deny(_name):
        raise store_exceptions.Forbidden(message="not now")

    monkeypatch.setattr(objects.inner, "delete", deny)
    with pytest.raises(Boom):
        objects.write(IMAGE_ID, KEY_ID, Breaking(10), 0, "sha256")
    warnings = [record for record in caplog.records if record.levelno == logging.WARNING]
    assert len(warnings) == 3
    assert "not now" in caplog.text


def test_nothing_is_left_when_the_verifier_fails(objects):
    class Verifier:
        def update(self, _data):
            raise Boom

    with pytest.raises(Boom):
        objects.write(IMAGE_ID, KEY_ID, PatternSource(9 * REST), 0, "sha256", Verifier())
    assert names(objects) == []


@pytest.mark.parametrize("announced", [0, 9 * REST])
def test_nothing_is_left_when_the_disk_is_full(tmp_path, key_ring, announced):
    def fill() -> list[str]:
        (tmp_path / "inner").mkdir()
        mount("tmpfs", tmp_path / "inner", "size=5m")
        objects = stores.objects_in(tmp_path / "inner", key_ring)
        for _ in range(2):
            with pytest.raises(store_exceptions.StorageFull):
                objects.write(IMAGE_ID, KEY_ID, PatternSource(9 * REST), announced, "sha256")
        # There is room for a smaller one.
        write(objects, REST)
        return [*names(objects), *stores.lanes()]

    assert len(in_child(fill)) == 2


def test_memory_does_not_grow_with_the_image(objects):
    def peak(size: int) -> int:
        for _piece in objects.read(write(objects, size))[0]:
            pass
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss << 10

    small, large = in_child(peak, 24 << 20), in_child(peak, 160 << 20)
    assert large - small < 64 << 20  # How far threads get ahead of each other is up to the machine.


def test_two_uploads_of_one_image(objects):
    sources = [PatternSource(5 * REST, [100_000]), PatternSource(3 * REST, [300_000])]
    found = {}

    def upload(source):
        object_id, digests = objects.write(IMAGE_ID, KEY_ID, source, 0, "sha256")
        found[object_id] = digests.size

    threads = [threading.Thread(target=upload, args=[source]) for source in sources]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(240)
    assert sorted(found.values()) == [3 * REST, 5 * REST]
    for object_id, size in found.items():
        assert read(objects, object_id) == pattern(0, size)


# --- deleting --------------------------------------------------------------------------------


def test_parts(objects):
    object_id = write(objects, FIRST + 1)
    body, (header,) = objects.parts(object_id)
    path = stores.body_path(objects, object_id)
    assert (body.name, body.size) == (path.name, path.stat().st_size)
    path = stores.header_path(objects, object_id)
    assert (header.name, header.size) == (path.name, path.stat().st_size)
    assert header.header == objects.header(object_id)


def test_parts_of_what_is_not_whole(objects):
    object_id = write(objects, 100)
    stores.body_path(objects, object_id).unlink()
    with pytest.raises(exceptions.ObjectDamaged, match="its body is missing"):
        objects.parts(object_id)
    stores.header_path(objects, object_id).unlink()
    with pytest.raises(exceptions.HeaderMissing):
        objects.parts(object_id)


def test_delete(objects):
    object_id = write(objects, 100)
    objects.delete(object_id)
    assert names(objects) == []
    for what in (objects.read, objects.header, objects.delete):
        with pytest.raises((exceptions.HeaderMissing, store_exceptions.NotFound)):
            what(object_id)


def test_delete_takes_the_header_first(objects, monkeypatch):
    """What cannot be read any more may take its time to vanish."""
    object_id = write(objects, 100)
    delete = type(objects.inner).delete

    def busy(name):
        if ".header-" not in name:
            raise store_exceptions.InUseByStore
        delete(objects.inner, name)

    with monkeypatch.context() as patch:
        patch.setattr(objects.inner, "delete", busy)
        with pytest.raises(store_exceptions.InUseByStore):
            objects.delete(object_id)
    with pytest.raises(exceptions.HeaderMissing):
        objects.read(object_id)
    objects.delete(object_id)
    assert names(objects) == []


@pytest.mark.parametrize("kept", ["body", "header"])
def test_delete_of_a_half_made_object(objects, kept):
    object_id = write(objects, 100)
    paths = {
        "header": stores.header_path(objects, object_id),
        "body": stores.body_path(objects, object_id),
    }
    paths.pop(kept)
    for path in paths.values():
        path.unlink()
    objects.delete(object_id)
    assert names(objects) == []


def test_a_reader_finishes_what_is_deleted_meanwhile(objects):
    size = FIRST + 6 * REST
    object_id = write(objects, size)
    reader, _header = objects.read(object_id)
    pieces = iter(reader)
    received = next(pieces)
    objects.delete(object_id)
    assert received + b"".join(pieces) == pattern(0, size)


def test_delete_leaves_other_objects(objects):
    one, two = write(objects, 10), write(objects, 20)
    objects.delete(one)
    assert read(objects, two) == pattern(0, 20)


# --- orphans ---------------------------------------------------------------------------------


def test_candidates(objects):
    before = datetime.datetime.now(datetime.UTC) - datetime.timedelta(seconds=2)
    whole, body_only = write(objects, 10), write(objects, 10)
    stores.header_path(objects, body_only).unlink()
    directory = stores.body_path(objects, whole).parent
    large = "0" * 32
    segments = [f"ims-{large}-00001", f"ims-{large}-00002"]
    # An unfinished part is no part of the object, which may be alive.
    unfinished = f"ims-{whole}.header-b.1f2e3d4c"
    foreign = ["ims-", "ims-short", "image", f"ims-{'g' * 32}", f"{'0' * 32}"]
    for name in [*segments, unfinished, *foreign]:
        (directory / name).touch()
    found = {candidate.object_id: candidate for candidate in objects.candidates()}
    assert set(found) == {whole, body_only, large, unfinished}
    assert found[unfinished].names == (unfinished,)
    assert found[whole].names == (f"ims-{whole}", f"ims-{whole}.header-a")
    assert found[body_only].names == (f"ims-{body_only}",)
    assert found[large].names == tuple(segments)
    for candidate in found.values():
        assert before < candidate.modified <= datetime.datetime.now(datetime.UTC)
    for candidate in found.values():
        objects.remove(candidate)
    assert sorted(path.name for path in directory.iterdir()) == sorted(foreign)


def test_the_age_of_a_candidate_is_that_of_its_youngest_part(objects):
    object_id = write(objects, 10)
    old = stores.body_path(objects, object_id)
    os.utime(old, (0, 0))
    (candidate,) = objects.candidates()
    header = stores.header_path(objects, object_id)
    assert candidate.modified.timestamp() == pytest.approx(header.stat().st_mtime)


def test_an_orphan_that_is_gone_is_no_error(objects):
    object_id = write(objects, 10)
    (candidate,) = objects.candidates()
    objects.delete(object_id)
    objects.remove(candidate)


# --- changing the key ------------------------------------------------------------------------


def test_rekey_changes_the_header_only(objects, key_ring):
    object_id = write(objects, FIRST + 5)
    body = stores.body_path(objects, object_id)
    before, content = body.stat(), body.read_bytes()
    objects.rekey(object_id, NEW_KEY_ID)
    # But for the time of the last look at it, which is the test's doing.
    assert [*body.stat()[:7], body.stat().st_mtime_ns] == [*before[:7], before.st_mtime_ns]
    assert body.read_bytes() == content
    assert names(objects) == [f"ims-{object_id}", f"ims-{object_id}.header-b"]
    assert objects.header(object_id).key_ids == (NEW_KEY_ID,)
    # The old key is no longer needed, and no longer enough.
    old_key = key_ring.keys.pop(KEY_ID)
    assert read(objects, object_id) == pattern(0, FIRST + 5)
    key_ring.keys = {KEY_ID: old_key}
    with pytest.raises(exceptions.KeyGone, match=NEW_KEY_ID):
        objects.read(object_id)
    key_ring.keys = {NEW_KEY_ID: old_key}
    with pytest.raises(exceptions.ObjectDamaged, match="does not open"):
        objects.read(object_id)


def test_rekey_there_and_back(objects, key_ring):
    object_id = write(objects, 100)
    for key_id in [NEW_KEY_ID, KEY_ID] * 3:
        objects.rekey(object_id, key_id)
        assert objects.header(object_id).key_ids == (key_id,)
        assert list(objects.verify(object_id, IMAGE_ID)) == [100]
        assert len(names(objects)) == 2
        header = next(name for name in names(objects) if ".header-" in name)
        stored = (stores.body_path(objects, object_id).parent / header).read_bytes()
        body = stores.body_path(objects, object_id)
        opened = independent_reader.open_object(body.name, stored, body.read_bytes(), key_ring.keys)
        assert opened == pattern(0, 100)


def test_rekey_with_the_key_it_has_writes_nothing(objects):
    object_id = write(objects, 100)
    header = stores.header_path(objects, object_id)
    before = header.stat().st_mtime_ns, header.read_bytes()
    objects.rekey(object_id, KEY_ID)
    assert (header.stat().st_mtime_ns, header.read_bytes()) == before


def test_rekey_without_keys_changes_nothing(objects, key_ring):
    object_id = write(objects, 100)
    with pytest.raises(exceptions.KeyNotFound):
        objects.rekey(object_id, IMAGE_ID)
    new_key_only = {NEW_KEY_ID: key_ring.keys[NEW_KEY_ID]}
    key_ring.keys, all_keys = new_key_only, key_ring.keys
    with pytest.raises(exceptions.KeyGone, match=KEY_ID):
        objects.rekey(object_id, NEW_KEY_ID)
    key_ring.keys = all_keys
    key_ring.remembered = {NEW_KEY_ID: key_ring.keys.pop(NEW_KEY_ID)}
    with pytest.raises(exceptions.KeyNotFound, match=NEW_KEY_ID):
        objects.rekey(object_id, NEW_KEY_ID)
    assert names(objects) == [f"ims-{object_id}", f"ims-{object_id}.header-a"]
    assert read(objects, object_id) == pattern(0, 100)


class Interruption(BaseException):
    """The process ends here."""


def _interrupt_after(objects, monkeypatch, calls: int):
    """Let the inner store take that many changes of a header, and then no more."""
    done: list[str] = []

    def counted(method):
        def call(*arguments):
            if len(done) == calls:
                raise Interruption
            done.append(method.__name__)
            return method(*arguments)

        return call

    for name in ("put", "delete"):
        monkeypatch.setattr(objects.inner, name, counted(getattr(objects.inner, name)))


@pytest.mark.parametrize("first_key", [KEY_ID, NEW_KEY_ID], ids=["a-to-b", "b-to-a"])
@pytest.mark.parametrize("calls", [0, 1, 2])
@pytest.mark.parametrize("gone", [None, "old", "new"])
def test_rekey_that_was_interrupted(objects, key_ring, monkeypatch, first_key, calls, gone):
    """It is readable between any two steps, and doing it again finishes it."""
    object_id = write(objects, 100)
    objects.rekey(object_id, first_key)
    (second_key,) = set(key_ring.keys) - {first_key}
    with monkeypatch.context() as patch:
        _interrupt_after(objects, patch, calls)
        with pytest.raises(Interruption):
            objects.rekey(object_id, second_key)
    assert len(names(objects)) == (3 if calls == 2 else 2)
    assert read(objects, object_id) == pattern(0, 100)
    # With both headers there, either key is enough, for the next attempt as well.
    if gone is not None and calls == 2:
        del key_ring.keys[first_key if gone == "old" else second_key]
        assert read(objects, object_id) == pattern(0, 100)
    if gone != "new" or calls != 2:
        objects.rekey(object_id, second_key)
        assert len(names(objects)) == 2
        assert objects.header(object_id).key_ids == (second_key,)
        assert read(objects, object_id) == pattern(0, 100)


@pytest.mark.parametrize("junk", [b"", b"IMS-KMS 1\n", bytes(1000)])
def test_half_a_header_does_not_hide_the_whole_one(objects, junk):
    """What an inner store that is less careful leaves behind when the machine fails."""
    object_id = write(objects, 100)
    objects.rekey(object_id, NEW_KEY_ID)
    stores.header_path(objects, object_id, "a").write_bytes(junk)
    assert read(objects, object_id) == pattern(0, 100)
    assert objects.header(object_id).key_ids == (NEW_KEY_ID,)
    objects.rekey(object_id, KEY_ID)
    assert read(objects, object_id) == pattern(0, 100)
    assert names(objects) == [f"ims-{object_id}", f"ims-{object_id}.header-a"]


def test_readers_never_notice_a_rekey(objects):
    object_id = write(objects, 1000)
    failures, reads = [], []
    ended = threading.Event()

    def go_on_reading():
        while not ended.is_set():
            try:
                assert read(objects, object_id, 500, 1) == pattern(500, 1)
                assert objects.header(object_id).plaintext_size == 1000
                reads.append(1)
            except Exception as error:
                failures.append(error)

    readers = [threading.Thread(target=go_on_reading) for _ in range(3)]
    for reader in readers:
        reader.start()
    try:
        for _ in range(40):
            objects.rekey(object_id, NEW_KEY_ID)
            objects.rekey(object_id, KEY_ID)
    finally:
        ended.set()
        for reader in readers:
            reader.join()
    assert failures == []
    assert len(reads) > 50
