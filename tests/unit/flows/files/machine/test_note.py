# SPDX-License-Identifier: Apache-2.0
"""What another worker goes on from; whoever owns the bucket may have changed it."""

import dataclasses
import json
import zlib

import pytest

from ims_glance.clouds.objects.large import SentPart
from ims_glance.flows.files.machine.note import ArchivedFile, ArchiveNote

NOTE = ArchiveNote("upload", {3: SentPart(9, "etag")}, {1: ArchivedFile(9, "0f" * 32)})


def test_it_is_what_was_kept():
    assert ArchiveNote.of_bytes(NOTE.to_bytes()) == NOTE


@pytest.mark.parametrize(
    "kept",
    [
        b"",
        b"no note",
        zlib.compress(b"[" * 10_000),
        zlib.compress(b"[]"),
        zlib.compress(bytes(20 << 20)),
        zlib.compress(json.dumps({"reference": "", "parts": [[0, 1]], "disks": []}).encode()),
        NOTE.to_bytes()[:-1],
        dataclasses.replace(NOTE, parts={-1: SentPart(9, "")}).to_bytes(),
        dataclasses.replace(NOTE, parts={1: SentPart(0, "")}).to_bytes(),
        dataclasses.replace(NOTE, parts={1: SentPart(1 << 50, "")}).to_bytes(),
        dataclasses.replace(NOTE, disks={1: ArchivedFile(9, "0F" * 32)}).to_bytes(),
        dataclasses.replace(NOTE, disks={1: ArchivedFile(9, "")}).to_bytes(),
    ],
)
def test_no_note(kept):
    assert ArchiveNote.of_bytes(kept) is None
