# SPDX-License-Identifier: Apache-2.0
"""What a job has received, over real files: the same for every worker, and nothing readable on them."""

import random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ims_glance import exceptions
from ims_glance.store import sealed, spool
from ims_glance.store.sealed import Owner, SealedObjects
from ims_glance.store.spool import Overtaken, Spool
from tests.base import pattern
from tests.unit.store.stores import IMAGE_ID, KEY_ID, KeyRing

OWNER = Owner("1" * 32, 0, IMAGE_ID)
PIECE = 1 << 16


class Keys(KeyRing):
    """Keys by the names that the key manager has for them."""

    wrapping_key = KeyRing.read
    present_key = KeyRing.ask


@pytest.fixture
def keys():
    return Keys()


@pytest.fixture
def opened(inner, keys):
    """The spool, as another worker finds it."""
    return lambda: Spool(SealedObjects(inner, OWNER, KEY_ID, keys))


@pytest.fixture
def small(monkeypatch):
    """Objects of a few pieces."""
    monkeypatch.setattr(spool, "CONTENTS", 3 * PIECE)


def names(inner):
    return sorted(each.name for each in inner.objects())


def image(found):
    return b"".join(map(bytes, found.chunks()))


def filled(found):
    """A spool with a bit of everything; the image that it holds."""
    pieces = [pattern(n, PIECE) for n in range(8)]
    for number, each in enumerate(pieces):
        found.piece(bytes([9 - number]) * 8, number * PIECE, each)
    found.flush()
    places = [found.place(bytes([9 - number]) * 8) for number in range(8)]
    assert None not in places
    found.zero(5_000_000)
    found.data(pattern(77, 150_000))
    found.held(3 * PIECE, [places[5], places[0], places[7]])
    found.data(pattern(99, 100_000))
    found.zero(12)
    found.flush()
    held = pieces[5] + pieces[0] + pieces[7]
    return bytes(5_000_000) + pattern(77, 150_000) + held + pattern(99, 100_000) + bytes(12)


@pytest.mark.usefixtures("small")
def test_the_image_is_what_was_added(opened):
    found = opened()
    wanted = filled(found)
    assert found.end == len(wanted)
    assert found.saved == opened().saved == 5_000_000 + 3 * PIECE + 12
    # However often: an upload may break.
    assert image(found) == wanted == image(found)
    found.close()
    assert image(found) == wanted


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("offset", [1, 4_999_999, 5_000_000, 5_150_000, 5_300_001])
def test_the_image_from_a_byte_on(opened, offset):
    found = opened()
    wanted = filled(found)
    assert b"".join(found.chunks(offset)) == wanted[offset:]
    assert list(found.chunks(len(wanted))) == []


def test_chunks_end_where_objects_do_now(opened):
    """Whoever reads them while more comes gets no more than another worker would."""
    found = opened()
    found.data(b"one")
    found.flush()
    chunks = found.chunks()
    found.data(b"two")
    assert (found.written, found.end) == (3, 6)
    assert b"".join(chunks) == b"one"
    assert list(found.chunks(3)) == []
    found.flush()
    assert found.written == opened().written == 6
    assert b"".join(found.chunks(3)) == b"two"


@pytest.mark.usefixtures("small")
def test_another_worker_goes_on(opened, inner):
    wanted = filled(opened())
    assert len(names(inner)) > 5
    other = opened()
    assert (other.end, other.pieces_end, other.pieces) == (len(wanted), 8 * PIECE, 8)
    assert image(other) == wanted
    other.data(b"more")
    other.flush()
    assert image(opened()) == wanted + b"more"


def test_what_was_not_flushed_is_lost_and_no_more(opened):
    found = opened()
    found.data(b"one")
    found.flush()
    found.data(b"two")
    assert found.end == 6
    assert opened().end == 3


def test_a_killed_worker_loses_at_most_one_object_and_what_is_on_its_way(opened):
    found = opened()
    for number in range(9):
        found.data(pattern(number, 1 << 20))
        assert found.end - opened().end <= spool.CONTENTS


def test_pieces_are_found_by_their_prefixes(opened):
    found = opened()
    pieces = {
        number.to_bytes(8, "big"): pattern(number, PIECE) for number in (7, 1 << 63, 255, 256)
    }
    for number, (prefix, content) in enumerate(pieces.items()):
        found.piece(prefix, number * PIECE, content)
    found.piece((7).to_bytes(8, "big"), 4 * PIECE, b"of the same prefix")
    found.flush()
    for each in (found, opened()):
        assert each.prefixes() == b"".join(sorted(pieces))
        for prefix, content in pieces.items():
            assert each.at(each.place(prefix)) == content
        assert each.place(bytes(8)) is None
        assert each.place(b"\xff" * 8) is None
        assert each.pieces_end == 4 * PIECE + len(b"of the same prefix")


def test_a_place_that_is_none(opened):
    found = opened()
    filled(found)
    with pytest.raises(exceptions.ObjectDamaged):
        found.at(1 << 60)


def test_nothing_readable_lies_anywhere(opened, inner, tmp_path):
    found = opened()
    secret = b"a secret of the image" * 5000
    found.piece(b"a prefix", 0, secret[:PIECE])
    found.data(secret)
    found.flush()
    files = [path for path in (tmp_path / "inner").rglob("*") if path.is_file()]
    assert len(files) == len(names(inner)) == 2
    for path in files:
        content = path.read_bytes()
        assert b"secret" not in content
        assert b"a prefix" not in content


def test_without_the_key_nobody_reads_it(opened, keys):
    filled(opened())
    del keys.keys[KEY_ID]
    with pytest.raises(exceptions.KeyGone):
        opened()


def test_nothing_is_begun_without_a_key(opened, inner, keys):
    del keys.keys[KEY_ID]
    with pytest.raises(exceptions.KeyNotFound):
        opened()
    assert names(inner) == []


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("number", range(1, 6))
def test_damage_is_fetched_again(opened, inner, number):
    """From the damaged object on: what follows it does not go on where the rest ends."""
    wanted = filled(opened())
    path = inner.uri(f"{OWNER.prefix}{number}").removeprefix("file://")
    with open(path, "r+b") as file:
        file.seek(100)
        byte = file.read(1)
        file.seek(100)
        file.write(bytes([byte[0] ^ 1]))
    found = opened()
    assert found.end < len(wanted)
    assert names(inner) == sorted(f"{OWNER.prefix}{each}" for each in range(number))


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("size", [0, 7])
def test_what_a_power_failure_left_of_the_last_object_is_fetched_again(opened, inner, size):
    """And no more: all before it goes on to be there."""
    found = opened()
    for number in range(3):
        found.data(pattern(number, PIECE))
        found.flush()
    path = inner.uri(f"{OWNER.prefix}3").removeprefix("file://")
    with open(path, "r+b") as file:
        file.truncate(size)
    assert opened().end == 2 * PIECE
    assert names(inner) == sorted(f"{OWNER.prefix}{each}" for each in range(3))


def test_damage_that_is_met_while_the_image_is_read(opened, inner):
    found = opened()
    found.data(pattern(0, 2_000_000))
    found.flush()
    other = opened()
    path = inner.uri(f"{OWNER.prefix}1").removeprefix("file://")
    with open(path, "r+b") as file:
        file.seek(1_500_000)
        file.write(b"xxxx")
    with pytest.raises(exceptions.ObjectDamaged):
        image(other)
    inner.delete(f"{OWNER.prefix}1")
    other.close()
    with pytest.raises(exceptions.ObjectDamaged):
        image(other)


def test_an_object_of_another_number_is_none(opened, inner):
    found = opened()
    for content in (b"one", b"two"):
        found.data(content)
        found.flush()
    first, second = (inner.uri(f"{OWNER.prefix}{n}").removeprefix("file://") for n in (1, 2))
    with open(first, "rb") as one, open(second, "rb") as two:
        contents = two.read(), one.read()
    for path, content in zip((first, second), contents, strict=True):
        with open(path, "wb") as file:
            file.write(content)
    assert opened().end == 0


def test_a_worker_that_was_taken_for_dead(opened):
    """Whoever comes second begins again from what is there."""
    first, second = opened(), opened()
    first.data(b"first")
    first.flush()
    second.data(b"second")
    with pytest.raises(Overtaken):
        second.flush()
    assert image(opened()) == b"first"


def test_two_at_the_key(inner, keys, monkeypatch):
    one = SealedObjects(inner, OWNER, KEY_ID, keys)
    monkeypatch.setattr(SealedObjects, "_found_key", lambda _self, _keys: None)
    with pytest.raises(sealed.SpoolUnavailable):
        SealedObjects(inner, OWNER, KEY_ID, keys)
    assert one.open(1) is None


@settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(seed=st.integers(0, 1 << 32))
def test_whatever_comes_in_whatever_order(seed, inner, keys, opened, small):
    chance = random.Random(seed)
    sealed.delete(inner, OWNER)
    found, wanted, pieces = opened(), b"", {}
    for _step in range(chance.randrange(1, 40)):
        size = chance.randrange(1, 2 * PIECE)
        match chance.choice(["zero", "data", "piece", "held", "flush", "another"]):
            case "zero":
                found.zero(size)
                wanted += bytes(size)
            case "data":
                content = chance.randbytes(size)
                found.data(content)
                wanted += content
            case "piece":
                content = chance.randbytes(min(size, PIECE))
                prefix = chance.randbytes(8)
                found.piece(prefix, found.pieces_end, content)
                found.flush()
                pieces[prefix] = content
            case "held" if pieces:
                chosen = chance.choices(list(pieces), k=chance.randrange(1, 4))
                content = b"".join(pieces[each] for each in chosen)
                found.held(len(content), [found.place(each) for each in chosen])
                wanted += content
            case "another":
                found.flush()
                found = opened()
            case _:
                found.flush()
    found.flush()
    assert image(found) == wanted == image(opened())
    found.close()
