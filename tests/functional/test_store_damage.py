# SPDX-License-Identifier: Apache-2.0
"""Damaged objects: never a wrong byte, and ``ims-manage verify`` says what is wrong.

An error in the first segment that is asked for is an answer of its own; later the answer has begun
and the connection is cut off.
"""

import json
import secrets
from collections.abc import Callable, Iterator

import pytest
import urllib3

from tests.functional import stored
from tests.functional.client import Client
from tests.functional.key_vault import Vault
from tests.functional.service import GlanceService
from tests.functional.stored import FIRST, FULL, Stored

DATA = secrets.token_bytes(FIRST + 2 * FULL + 99)
SEGMENT = 1 << 20
Damage = Callable[[Stored, Stored], object]


@pytest.fixture
def pair(glance: Client, glance_service: GlanceService, vault: Vault) -> Iterator[list[Stored]]:
    """Two images of the same size under the same key, as they are stored.

    Damaged or not, they can be deleted.
    """
    key = vault.make("demo")
    images = [glance.create(cmkid=key)["id"] for _ in range(2)]
    glance.upload(images[0], DATA)
    glance.upload(images[1], secrets.token_bytes(len(DATA)))
    yield [stored.find(glance_service.directories.kms, image) for image in images]
    for image in images:
        glance.delete(image)


def image_of(found: Stored) -> str:
    return str(found.fields["image_id"])


def read_what_comes(client: Client, image_id: str, headers: dict[str, str]) -> tuple[int, bytes]:
    """Status and all bytes that arrive before the connection is cut off, if it is."""
    answer = client.open("GET", f"/v2/images/{image_id}/file", headers=headers)
    came = bytearray()
    try:
        for piece in answer.stream(10_000):
            came += piece
    except urllib3.exceptions.ProtocolError:
        return answer.status, bytes(came)
    if answer.status in (200, 206):
        assert len(came) == int(answer.headers["Content-Length"])
    return answer.status, bytes(came)


def edit(found: Stored, **changes: object) -> None:
    """Rewrite what the header says, as somebody would who has no key."""
    magic, fields, mac = found.header.read_bytes().splitlines()
    text = json.dumps({**json.loads(fields), **changes}, sort_keys=True, separators=(",", ":"))
    found.header.write_bytes(b"\n".join([magic, text.encode(), mac, b""]))


def resize(found: Stored, size: int) -> None:
    with found.body.open("r+b") as body:
        body.truncate(size)


def append(found: Stored, data: bytes) -> None:
    with found.body.open("ab") as body:
        body.write(data)


def move_segment(found: Stored, source: int, target: int) -> None:
    with found.body.open("r+b") as body:
        body.seek(source * SEGMENT)
        segment = body.read(SEGMENT)
        body.seek(target * SEGMENT)
        body.write(segment)


AT_ONCE: dict[str, Damage] = {
    "first byte of the first segment": lambda one, _: stored.flip(one.body, 40),
    "tag of the first segment": lambda one, _: stored.flip(one.body, SEGMENT - 1),
    "body of another image": lambda one, other: stored.swap(one.body, other.body),
    "header of another image": lambda one, other: stored.swap(one.header, other.header),
    "body is empty": lambda one, _: resize(one, 0),
    "body is only a prelude": lambda one, _: resize(one, 40),
    "body ends in the first segment": lambda one, _: resize(one, SEGMENT - 1),
    "body is missing": lambda one, _: one.body.unlink(),
    "second segment in the first's place": lambda one, _: move_segment(one, 1, 0),
    "header is empty": lambda one, _: one.header.write_bytes(b""),
    "header is cut": lambda one, _: one.header.write_bytes(one.header.read_bytes()[:-2]),
    "header is garbage": lambda one, _: one.header.write_bytes(secrets.token_bytes(500)),
    "magic words": lambda one, _: stored.flip(one.header, 0),
    "mac of the header": lambda one, _: stored.flip(one.header, -3),
    "smaller size": lambda one, _: edit(one, plaintext_size=len(DATA) - 1),
    "greater size": lambda one, _: edit(one, plaintext_size=len(DATA) + FULL),
    "another image's id": lambda one, other: edit(one, image_id=other.fields["image_id"]),
    "another prelude": lambda one, other: edit(one, prelude=other.fields["prelude"]),
    "another slot": lambda one, other: edit(one, slots=other.fields["slots"]),
    "no slot": lambda one, _: edit(one, slots=[]),
    "negative size": lambda one, _: edit(one, plaintext_size=-1),
}
# Damage, and how many bytes of the image are in front of it.
LATER: dict[str, tuple[Damage, int]] = {
    "first byte of the second segment": (lambda one, _: stored.flip(one.body, SEGMENT), FIRST),
    "tag of the second segment": (lambda one, _: stored.flip(one.body, 2 * SEGMENT - 1), FIRST),
    "last byte": (lambda one, _: stored.flip(one.body, -1), FIRST + 2 * FULL),
    "ends after the first segment": (lambda one, _: resize(one, SEGMENT), FIRST),
    "ends in the second segment": (lambda one, _: resize(one, SEGMENT + 17), FIRST),
    "ends before the last segment": (lambda one, _: resize(one, 3 * SEGMENT), FIRST + 2 * FULL),
    "ends one byte too early": (
        lambda one, _: resize(one, one.body.stat().st_size - 1),
        FIRST + 2 * FULL,
    ),
    "second segment once more": (lambda one, _: move_segment(one, 1, 2), FIRST + FULL),
    "third segment in the second's place": (lambda one, _: move_segment(one, 2, 1), FIRST),
}


@pytest.mark.parametrize("damage", AT_ONCE)
@pytest.mark.parametrize("part", ["", "bytes=5-20"])
def test_found_at_once(glance: Client, pair: list[Stored], damage: str, part: str) -> None:
    image = image_of(pair[0])
    AT_ONCE[damage](*pair)
    status, came = read_what_comes(glance, image, {"Range": part} if part else {})
    assert status == 500
    assert b"IMG.0057: The stored data of the image is damaged." in came
    for secret_or_path in (b"/kms", pair[0].object_id.encode(), DATA[:16]):
        assert secret_or_path not in came


@pytest.mark.parametrize("damage", LATER)
def test_cut_off_in_front_of_it(glance: Client, pair: list[Stored], damage: str) -> None:
    image = image_of(pair[0])
    inflict, intact = LATER[damage]
    inflict(*pair)
    status, came = read_what_comes(glance, image, {})
    assert (status, came) == (200, DATA[: len(came)])
    assert len(came) <= intact
    # What is asked for alone is refused cleanly; what lies elsewhere can be read.
    there = {"Range": f"bytes={intact}-{intact + 9}"}
    assert read_what_comes(glance, image, there)[0] == 500
    assert glance.download(image, 0, intact - 1) == DATA[:intact]


def test_every_bit_of_the_prelude_counts_for_verify(glance_service, commands, pair) -> None:
    """A download takes the prelude from the header, which is authenticated."""
    stored.flip(pair[0].body, 7)
    done = commands.run(glance_service, "verify", image_of(pair[0]))
    assert done.returncode == 1
    assert "prelude" in done.stderr


def test_header_missing(glance: Client, pair: list[Stored]) -> None:
    """As if the file of a stock store were missing: "no content", and not an empty image."""
    image = image_of(pair[0])
    pair[0].header.unlink()
    assert read_what_comes(glance, image, {}) == (204, b"")


def test_disk_that_fails_is_answered_as_damage(glance: Client, pair: list[Stored]) -> None:
    pair[0].body.unlink()
    pair[0].body.mkdir()
    status, came = read_what_comes(glance, image_of(pair[0]), {})
    pair[0].body.rmdir()
    assert status == 500
    assert b"IMG.0057" in came


def test_nothing_is_wrong_with_the_other_image(glance, pair) -> None:
    other = image_of(pair[1])
    intact = glance.download(other)
    stored.flip(pair[0].body, 2 * SEGMENT)
    assert glance.download(other) == intact


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (lambda one, _: stored.flip(one.body, 2 * SEGMENT + 9), "segment 2"),
        (lambda one, other: stored.swap(one.body, other.body), "prelude"),
        (lambda one, other: stored.swap(one.header, other.header), "its header is that of object"),
        (lambda one, _: resize(one, 3 * SEGMENT), "ends in segment 3, at byte 3145728"),
        (lambda one, _: append(one, b"more"), "more behind the end"),
        (lambda one, _: one.header.unlink(), "has no header"),
        (lambda one, _: edit(one, plaintext_size=5), "does not authenticate"),
    ],
)
def test_verify_says_what_is_wrong(glance_service, commands, pair, damage, words) -> None:
    image = image_of(pair[0])
    damage(*pair)
    done = commands.run(glance_service, "verify", image)
    assert (done.returncode, done.stdout) == (1, "")
    last_line = done.stderr.splitlines()[-1]
    assert last_line.startswith("ims-manage: Object ")
    assert words in last_line
