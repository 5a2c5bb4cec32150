# SPDX-License-Identifier: Apache-2.0
"""Sealed images as files: whatever was done to one, it opens as it was sealed or not at all."""

import base64
import hashlib
import json
import traceback
from typing import Any

import pytest
import tink
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from tink import daead, secret_key_access
from tink.proto import aes_siv_pb2, tink_pb2

from ims_glance.crypto import envelope, sealed_file, stream
from ims_glance.crypto.sealed_file import DataFacts, SealedFileRefused, SealedOtherwise
from tests.base import pattern
from tests.unit.crypto import independent_reader, sealed_files, tink_streams
from tests.unit.crypto.sealed_files import DATA_KEY, IMAGE_ID, OBJECT_ID, Bytes

KEY_ID = "d152fa13-2b41-42ca-a934-6c21566c0f40"
SECOND_ID = "0f4a2c1e-7c55-4d0f-8a7e-3f6f1b9c7d21"
KEY, SECOND = bytes(range(32)), bytes(range(32, 64))
FIRST, REST = stream.segment_capacity(0), stream.segment_capacity(1)
DATA = pattern(0, FIRST + 2 * REST + 1000)
FACTS = DataFacts(len(DATA), "raw", "sha512", hashlib.sha512(DATA).hexdigest())
FILE = sealed_files.make(DATA, {KEY_ID: KEY}, FACTS)
HEAD = sealed_file.read(Bytes(FILE)).size
SMALL = sealed_files.make(b"image", {KEY_ID: KEY})
SMALL_HEAD = sealed_file.read(Bytes(SMALL)).size


def opened(file: bytes, key: bytes = KEY) -> bytes:
    """All that is in a file, as a reader gets it."""
    source = Bytes(file)
    data = sealed_file.read(source).open("mine", key).data(source)
    return data.read(0, data.size)


@pytest.mark.parametrize("size", [0, 1, FIRST - 1, FIRST, FIRST + 1, FIRST + REST + 1])
def test_round_trip(size):
    file = sealed_files.make(DATA[:size], {KEY_ID: KEY})
    assert sealed_file.is_sealed(file)
    assert opened(file) == DATA[:size]


def test_what_it_says_of_itself():
    head = sealed_file.read(Bytes(FILE))
    assert head.key_ids == (KEY_ID,)
    assert (head.header.image_id, head.header.plaintext_size) == (IMAGE_ID, len(DATA))
    assert head.open("mine", KEY).facts == FACTS
    assert FACTS.hasher().name == "sha512"
    assert DataFacts(1, "raw").hasher() is None
    assert DataFacts(1, "raw", "shake_256", "ab").hasher() is None


def test_the_key_may_have_another_id_elsewhere():
    assert sealed_file.read(Bytes(SMALL)).open(SECOND_ID, KEY).head.key_ids == (KEY_ID,)


def test_any_of_several_keys_opens_it():
    file = sealed_files.make(b"image", {KEY_ID: KEY, SECOND_ID: SECOND})
    assert opened(file, KEY) == opened(file, SECOND) == b"image"


def test_the_same_bytes_each_time():
    stored = b"".join(line + b"\n" for line in SMALL.split(b"\n")[1:4])
    head = sealed_file.head(stored, DATA_KEY, DataFacts(5, "raw"))
    assert head == SMALL[:SMALL_HEAD]
    # Another header with the same key is no other message to the same cipher.
    assert sealed_file.head(stored, DATA_KEY, DataFacts(6, "raw")) != head


def test_ranges():
    source = Bytes(FILE)
    data = sealed_file.read(source).open("mine", KEY).data(source)
    places = [0, 1, FIRST - 1, FIRST, FIRST + 1, FIRST + REST, len(DATA) - 1, len(DATA)]
    for begin in places:
        for end in (each for each in places if each >= begin):
            assert data.read(begin, end - begin) == DATA[begin:end]
    assert data.read(len(DATA) - 5, 100) == DATA[-5:]
    assert data.read(len(DATA) + 5, 100) == b""
    assert source.most <= stream.SEGMENT_SIZE


def test_the_published_text_and_tink_are_enough_to_read_it():
    """The header by a reader written from the text, the fifth line and the body by Tink."""
    magic, *header, sealed_facts, _rest = FILE.split(b"\n", 5)
    stored = b"".join(line + b"\n" for line in header)
    assert magic == b"IMS-SEALED 1"
    signed = magic + b"\n" + stored
    found = independent_reader.open_object(f"ims-{OBJECT_ID}", stored, FILE[HEAD:], {KEY_ID: KEY})
    assert found == DATA
    assert tink_streams.decrypt(DATA_KEY, OBJECT_ID, FILE[HEAD:]) == DATA
    facts = _siv().decrypt_deterministically(base64.b64decode(sealed_facts), signed)
    assert json.loads(facts) == {
        "digest": FACTS.digest,
        "disk_format": "raw",
        "hash_name": "sha512",
        "size": len(DATA),
    }


def _siv():
    daead.register()
    key = aes_siv_pb2.AesSivKey(
        version=0,
        key_value=HKDF(hashes.SHA256(), 64, None, b"ims-kms/1 sealed file").derive(DATA_KEY),
    )
    key_data = tink_pb2.KeyData(
        type_url="type.googleapis.com/google.crypto.tink.AesSivKey",
        value=key.SerializeToString(),
        key_material_type=tink_pb2.KeyData.SYMMETRIC,
    )
    entry = tink_pb2.Keyset.Key(
        key_data=key_data,
        status=tink_pb2.ENABLED,
        key_id=1,
        output_prefix_type=tink_pb2.RAW,
    )
    keyset = tink_pb2.Keyset(primary_key_id=1, key=[entry])
    handle = tink.proto_keyset_format.parse(keyset.SerializeToString(), secret_key_access.TOKEN)
    return handle.primitive(daead.DeterministicAead)


def test_a_later_version_may_say_more_of_the_data():
    text = json.dumps({**json.loads(FACTS.to_bytes()), "zone": "x"}).encode()
    assert DataFacts.of_bytes(text) == FACTS


# --- what was done to it ---------------------------------------------------------------------------


def test_every_flipped_bit_of_the_head_is_found():
    for bit in range(SMALL_HEAD * 8):
        damaged = bytearray(SMALL)
        damaged[bit // 8] ^= 1 << bit % 8
        with pytest.raises((SealedFileRefused, SealedOtherwise)):
            opened(bytes(damaged))


def test_every_flipped_byte_of_the_body_is_found():
    for at in range(SMALL_HEAD, len(SMALL)):
        damaged = bytearray(SMALL)
        damaged[at] ^= 1
        with pytest.raises(SealedFileRefused, match="segment 0"):
            opened(bytes(damaged))


def test_every_byte_that_is_left_out_or_put_in_is_found():
    for at in range(len(SMALL)):
        for damaged in (SMALL[:at] + SMALL[at + 1 :], SMALL[:at] + b"0" + SMALL[at:]):
            with pytest.raises((SealedFileRefused, SealedOtherwise)):
                opened(damaged)


def test_every_cut_of_the_head_and_of_segments_is_found():
    cuts = [*range(11, SMALL_HEAD + 60)]
    for cut in cuts:
        with pytest.raises(SealedFileRefused):
            opened(SMALL[:cut])
    bounds = [HEAD + each * stream.SEGMENT_SIZE for each in range(3)]
    for bound in bounds:
        for cut in (bound - 1, bound, bound + 1):
            with pytest.raises(SealedFileRefused, match=r"cut|no end"):
                opened(FILE[:cut])


def test_what_follows_its_end():
    with pytest.raises(SealedFileRefused, match="1 bytes follow its end"):
        opened(SMALL + b"x")


def test_segments_that_change_places():
    body, size = FILE[HEAD:], stream.SEGMENT_SIZE
    segments = [body[at : at + size] for at in range(0, len(body), size)]
    for first, second in ((1, 2), (0, 1)):
        swapped = list(segments)
        swapped[first], swapped[second] = swapped[second], swapped[first]
        with pytest.raises(SealedFileRefused, match=f"segment {first}"):
            opened(FILE[:HEAD] + b"".join(swapped))
    repeated = [segments[0], segments[1], segments[1], segments[3]]
    with pytest.raises(SealedFileRefused, match="segment 2"):
        opened(FILE[:HEAD] + b"".join(repeated))


def test_the_body_of_another_file():
    """Of the same object id and data key even: its prelude is another."""
    other = sealed_files.make(b"other", {KEY_ID: KEY})
    with pytest.raises(SealedFileRefused, match="segment 0"):
        opened(SMALL[:SMALL_HEAD] + other[-len(SMALL) + SMALL_HEAD :])


def test_the_fifth_line_of_another_file():
    lines, others = SMALL.split(b"\n", 5), FILE.split(b"\n", 5)
    lines[4] = others[4]
    with pytest.raises(SealedOtherwise):
        opened(b"\n".join(lines))


@pytest.mark.parametrize("first", [b"IMS-SEALED 2\n", b"IMS-SEALED \n", b"IMS-SEALED 1\r\n"])
def test_another_version(first):
    with pytest.raises(SealedFileRefused, match="version"):
        opened(first + SMALL.partition(b"\n")[2])


def _with_header(text: bytes) -> bytes:
    """The small file with another line of JSON."""
    lines = SMALL.split(b"\n", 5)
    lines[2] = text
    return b"\n".join(lines)


_FIELDS = json.loads(SMALL.split(b"\n")[2])
_SLOT = _FIELDS["slots"][0]


_CHANGES: list[dict[str, Any]] = [
    {"object_id": "../x"},
    {"plaintext_size": -1},
    {"plaintext_size": 1.5},
    {"plaintext_size": 10**19},
    {"plaintext_size": True},
    {"prelude": ""},
    {"prelude": base64.b64encode(bytes(40)).decode()},
    {"slots": []},
    {"slots": {}},
    {"slots": [_SLOT] * 9},
    {"slots": [{**_SLOT, "nonce": "AAAA"}]},
    {"slots": [{**_SLOT, "key_id": "x" * 65}]},
    {"slots": [{**_SLOT, "key_id": "a\nb"}]},
    {"slots": [{**_SLOT, "key_id": "<script>"}]},
]


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"[]",
        b"1",
        b"null",
        b'"x"',
        b"{}",
        b"\xff\xfe{",
        b"[" * 50_000,
        b'{"object_id":1}',
        *(json.dumps({**_FIELDS, **change}).encode() for change in _CHANGES),
        b'{"plaintext_size":' + b"9" * 5000 + b"}",
    ],
)
def test_headers_of_strangers(text):
    with pytest.raises(SealedFileRefused):
        sealed_file.read(Bytes(_with_header(text)))


def test_no_more_is_read_than_a_head_may_have():
    for file in (
        b"IMS-SEALED 1\n" + b"\n" * 10_000_000,
        b"IMS-SEALED 1\n" + b"x" * 10_000_000,
        _with_header(b" " * envelope.MAX_HEADER_SIZE),
    ):
        source = Bytes(file)
        with pytest.raises(SealedFileRefused):
            sealed_file.read(source)
        assert source.most <= sealed_file.MAX_HEAD < 80_000


@pytest.mark.parametrize(
    "facts",
    [
        b"",
        b"[]",
        b"{}",
        b'{"digest":"","disk_format":"raw","hash_name":"","size":4}',
        b'{"digest":"","disk_format":"raw","hash_name":"","size":"5"}',
        b'{"digest":"","disk_format":"../raw","hash_name":"","size":5}',
        b'{"digest":"<b>","disk_format":"raw","hash_name":"","size":5}',
        b'{"digest":1,"disk_format":"raw","hash_name":"","size":5}',
    ],
)
def test_facts_of_somebody_who_has_the_key(facts):
    """It authenticates, and is not believed for that."""
    lines = SMALL.split(b"\n", 5)
    signed = b"".join(line + b"\n" for line in lines[:4])
    sealed = sealed_file._siv(DATA_KEY).encrypt(facts or b" ", [signed])
    lines[4] = base64.b64encode(sealed)
    with pytest.raises(SealedFileRefused):
        opened(b"\n".join(lines))


# --- keys ------------------------------------------------------------------------------------------


def test_a_key_that_does_not_open_it():
    with pytest.raises(SealedOtherwise) as refused:
        opened(SMALL, SECOND)
    assert refused.value.code == "IMG.0097"
    text = str(refused.value)
    assert "Key mine" in text
    assert KEY_ID in text
    assert "--unseal-key" in text


def test_no_key_is_in_what_is_said(caplog):
    head = sealed_file.read(Bytes(SMALL))
    shown = [repr(head), repr(head.open("mine", KEY)), repr(head.open("mine", KEY).facts)]
    damaged = SMALL[:-1] + bytes([SMALL[-1] ^ 1])
    for file, key in ((SMALL, SECOND), (damaged, KEY)):
        try:
            opened(file, key)
        except (SealedFileRefused, SealedOtherwise) as error:
            shown += [str(error), repr(error.details), *traceback.format_exception(error)]
    shown.append(caplog.text)
    assert len(shown) > 6
    for secret in (KEY, SECOND, DATA_KEY):
        for form in (repr(secret), secret.hex(), base64.b64encode(secret).decode()):
            assert not any(form in each for each in shown)
