# SPDX-License-Identifier: Apache-2.0
"""Headers: whatever was done to the bytes, a header opens as it was written or not at all."""

import dataclasses
import json
import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ims_glance import exceptions
from ims_glance.crypto import envelope
from tests.unit.crypto import independent_reader
from tests.unit.crypto.test_stream import seal

IMAGE_ID = "3b9c2f0e-60c5-4a4e-9d55-0a2e7c7a4b10"
KEY_ID = "d152fa13-2b41-42ca-a934-6c21566c0f40"
KEY = bytes(range(32))
DATA_KEY = envelope.new_data_key()
OBJECT_ID = envelope.new_object_id()
BODY = seal(b"image", DATA_KEY, OBJECT_ID)
HEADER = envelope.Header(OBJECT_ID, IMAGE_ID, 5, BODY[:40]).with_key(DATA_KEY, KEY_ID, KEY)
STORED = HEADER.to_bytes(DATA_KEY)


def open_header(stored: bytes, object_id: str = OBJECT_ID, key_id: str = KEY_ID, key: bytes = KEY):
    """Header and data key, as a reader gets them."""
    header = envelope.parse(stored, object_id)
    data_key = header.unwrap(key_id, key)
    envelope.verify(stored, header, data_key)
    return header, data_key


def rewritten(**changes) -> bytes:
    """A stored header with other fields, and the old HMAC."""
    magic, line, mac, _end = STORED.split(b"\n")
    fields = {**json.loads(line), **changes}
    return b"\n".join([magic, json.dumps(fields, sort_keys=True).encode(), mac, b""])


def test_round_trip():
    assert open_header(STORED) == (HEADER, DATA_KEY)
    assert HEADER.key_ids == (KEY_ID,)


def test_the_published_text_is_enough_to_read_it():
    name = f"ims-{OBJECT_ID}"
    assert independent_reader.open_object(name, STORED, BODY, {KEY_ID: KEY}) == b"image"


def test_object_ids():
    ids = {envelope.new_object_id() for _ in range(100)}
    assert len(ids) == 100
    assert all(envelope.is_object_id(each) for each in ids)
    wrong = [
        "",
        "0" * 31,
        "0" * 33,
        "A" * 32,
        "g" * 32,
        "0" * 31 + "\n",
        "0" * 32 + "\n",
        "\u0660" * 32,
    ]
    assert not any(envelope.is_object_id(each) for each in wrong)


def test_data_keys_are_new():
    assert len({envelope.new_data_key() for _ in range(100)}) == 100
    assert len(DATA_KEY) == 32


def test_every_flipped_bit_is_found():
    for bit in range(len(STORED) * 8):
        damaged = bytearray(STORED)
        damaged[bit // 8] ^= 1 << bit % 8
        with pytest.raises(exceptions.ObjectDamaged):
            open_header(bytes(damaged))


@given(
    start=st.integers(0, len(STORED)),
    length=st.integers(0, 100),
    replacement=st.binary(max_size=100),
)
def test_every_edit_is_found(start, length, replacement):
    edited = STORED[:start] + replacement + STORED[start + length :]
    if edited == STORED:
        assert open_header(edited) == (HEADER, DATA_KEY)
    else:
        with pytest.raises(exceptions.ObjectDamaged):
            open_header(edited)


def test_every_truncation_is_found():
    for size in range(len(STORED)):
        with pytest.raises(exceptions.ObjectDamaged):
            envelope.parse(STORED[:size], OBJECT_ID)
    for tail in (b"\n", b"x", b"\0", STORED):
        with pytest.raises(exceptions.ObjectDamaged):
            envelope.parse(STORED + tail, OBJECT_ID)


@pytest.mark.parametrize(
    "stored",
    [
        b"",
        b"\n\n\n",
        b"IMS-KMS 2\n" + STORED[len(envelope.MAGIC) :],
        envelope.MAGIC + b"\n\n",
        envelope.MAGIC + b"{}\n\n",
        envelope.MAGIC + b"[" * 30_000 + b"\n\n",
        envelope.MAGIC + b'{"a":' * 12_000 + b"\n\n",
        bytes(envelope.MAX_HEADER_SIZE),
        rewritten(plaintext_size=-1),
        rewritten(plaintext_size=1.5),
        rewritten(plaintext_size=True),
        rewritten(plaintext_size="5"),
        rewritten(plaintext_size=None),
        STORED.replace(b'"plaintext_size":5', b'"plaintext_size":' + b"9" * 5000),
        rewritten(slots=[]),
        rewritten(slots=None),
        rewritten(slots={"key_id": KEY_ID}),
        rewritten(slots=[{"key_id": KEY_ID, "nonce": "AAAA", "wrapped_key": ""}]),
        rewritten(object_id=None),
        rewritten(object_id="../" + OBJECT_ID[3:]),
        rewritten(image_id="\ud800"),
        rewritten(image_id="ä"),
        rewritten(prelude="*" * 56),
        rewritten(prelude=[1]),
    ],
    # Not by their bytes, which are others in each process.
    ids=lambda _stored: "stored",
)
def test_what_is_no_header_is_refused(stored):
    with pytest.raises(exceptions.ObjectDamaged, match="malformed"):
        envelope.parse(stored, OBJECT_ID)


@given(st.binary(max_size=200))
def test_garbage_is_refused(garbage):
    for stored in (garbage, envelope.MAGIC + garbage + b"\n\n"):
        with pytest.raises(exceptions.ObjectDamaged):
            envelope.parse(stored, OBJECT_ID)


_values = st.one_of(st.none(), st.integers(), st.floats(), st.text(max_size=5), st.booleans())
_nested = st.recursive(
    _values, lambda each: st.lists(each, max_size=3) | st.dictionaries(st.text(), each, max_size=3)
)
_slot = st.fixed_dictionaries(
    {"key_id": st.just(KEY_ID) | _values, "nonce": st.just("A" * 16), "wrapped_key": st.text()}
)


@given(
    changes=st.fixed_dictionaries(
        {},
        optional={
            "image_id": st.text(),
            "plaintext_size": _nested,
            "prelude": _nested,
            "slots": st.lists(_slot | _nested, max_size=3) | _nested,
        },
    )
)
def test_fields_of_any_kind_do_no_harm(changes):
    original = json.loads(STORED.split(b"\n")[1])
    if all(
        type(value) is type(original[n]) and original[n] == value for n, value in changes.items()
    ):
        return
    with pytest.raises(exceptions.ObjectDamaged):
        open_header(rewritten(**changes))


def test_the_header_of_another_object_is_refused():
    other = envelope.new_object_id()
    with pytest.raises(exceptions.ObjectDamaged, match=f"{other}.*is that of object {OBJECT_ID}"):
        envelope.parse(STORED, other)


@pytest.mark.parametrize(
    "changes",
    [
        {"object_id": envelope.new_object_id()},
        {"image_id": KEY_ID},
        {"slots": (dataclasses.replace(HEADER.slots[0], nonce=bytes(12)),)},
    ],
)
def test_a_slot_belongs_to_object_and_image(changes):
    """Somebody who can write headers, but has no key, cannot move a data key elsewhere."""
    moved = dataclasses.replace(HEADER, **changes)
    with pytest.raises(exceptions.ObjectDamaged, match="does not open"):
        moved.unwrap(KEY_ID, KEY)


def test_a_slot_belongs_to_its_key():
    with pytest.raises(exceptions.ObjectDamaged, match="does not open"):
        open_header(STORED, key=bytes(32))
    with pytest.raises(exceptions.ObjectDamaged, match="no slot"):
        open_header(STORED, key_id=IMAGE_ID)
    renamed = dataclasses.replace(
        HEADER, slots=(dataclasses.replace(HEADER.slots[0], key_id=IMAGE_ID),)
    )
    with pytest.raises(exceptions.ObjectDamaged, match="does not open"):
        renamed.unwrap(IMAGE_ID, KEY)


def test_a_header_is_signed_with_its_data_key():
    """Knowing the wrapping key is not enough to sign for another data key."""
    forged = dataclasses.replace(HEADER, plaintext_size=1).to_bytes(envelope.new_data_key())
    with pytest.raises(exceptions.ObjectDamaged, match="does not authenticate"):
        open_header(forged)


def test_changing_the_key_changes_the_slot_only():
    new_key, new_id = bytes(32), IMAGE_ID
    changed = HEADER.with_key(DATA_KEY, new_id, new_key)
    assert dataclasses.replace(changed, slots=HEADER.slots) == HEADER
    stored = changed.to_bytes(DATA_KEY)
    assert open_header(stored, key_id=new_id, key=new_key) == (changed, DATA_KEY)
    with pytest.raises(exceptions.ObjectDamaged):
        open_header(stored)


def test_wrapping_twice_does_not_repeat_a_nonce():
    again = HEADER.with_key(DATA_KEY, KEY_ID, KEY)
    assert again.slots[0].nonce != HEADER.slots[0].nonce
    assert again.slots[0].wrapped_key != HEADER.slots[0].wrapped_key


def test_nothing_shows_a_key():
    seen = repr(HEADER).encode() + str(HEADER).encode() + pickle.dumps(HEADER) + STORED
    for secret in (KEY, DATA_KEY):
        assert secret not in seen
        assert repr(secret).encode()[2:-1] not in seen
        assert secret.hex().encode() not in seen


def test_a_header_is_small():
    assert len(STORED) < 1024
