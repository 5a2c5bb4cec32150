# SPDX-License-Identifier: Apache-2.0
"""What another worker goes on from: all of it, or nothing. Whoever owns the bucket may have changed it."""

import dataclasses
import json
import zlib

import pytest

from ims_glance.clouds.objects.large import SentPart
from ims_glance.flows.files.note import ExportNote
from ims_glance.writers import factory

MIB = 1 << 20
SIZE = 4 * MIB


def _new(form="qcow2"):
    return factory.writer(form, SIZE)


def _note(form="qcow2"):
    writer = _new(form)
    begin = writer.offset
    size = sum(map(len, writer.feed(b"x" * MIB)))
    return ExportNote(writer.state(), "0" * 32, "upload", {begin: SentPart(size, "etag")})


def _state(form="qcow2", **changes):
    known = json.loads(zlib.decompress(_note(form).state))
    return zlib.compress(json.dumps({**known, **changes}).encode())


def test_it_is_what_was_kept():
    note = _note()
    again = ExportNote.of_bytes(note.to_bytes())
    assert again == note
    assert again is not None
    writer = again.writer(_new())
    assert writer is not None
    assert writer.position == MIB


def test_it_has_nothing_of_the_disk():
    assert b"xx" not in zlib.decompress(_note().to_bytes())


@pytest.mark.parametrize(
    "kept",
    [
        b"",
        b"no note",
        zlib.compress(b"[" * 10_000),
        zlib.compress(b"[]"),
        zlib.compress(bytes(20 * MIB)),
        zlib.compress(json.dumps({"parts": [[0, 1]]}).encode()),
        _note().to_bytes()[:-1],
        dataclasses.replace(_note(), state=zlib.compress(bytes(20 * MIB))).to_bytes(),
        dataclasses.replace(_note(), state=b"x").to_bytes(),
    ],
)
def test_no_note(kept):
    assert ExportNote.of_bytes(kept) is None


@pytest.mark.parametrize(
    "changes",
    [
        {"parts": {}},
        {"parts": {0: SentPart(1, "")}},
        {"parts": {1 << 16: SentPart(-1, "")}},
        {"state": _state("raw")},
        {"state": _state(virtual_size=SIZE + 512)},
        {"state": _state(block=10**9)},
        {"state": _state(block=-1)},
        {"state": _state(offset="x")},
        {"state": _state(offset=10**4000)},
        {"state": _state(tables={})},
        {"state": _state(format="none")},
    ],
)
def test_a_note_of_another_file(changes):
    kept = dataclasses.replace(_note(), **changes).to_bytes()
    note = ExportNote.of_bytes(kept)
    assert note is not None
    assert note.writer(_new()) is None
