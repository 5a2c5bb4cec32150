# SPDX-License-Identifier: Apache-2.0
"""What an export holds in memory, whatever the size of its parts; that it is right is in ``test_export``."""

import random
import tracemalloc
import types

import pytest

from ims_glance.clouds.objects.large import LargeFile, SentPart
from ims_glance.flows.files.written import PART, WrittenDisk, least_part
from ims_glance.model.bucket import BucketFile
from ims_glance.writers import factory

MIB = 1 << 20
GIB = 1 << 30
NOISE = random.Random(1).randbytes(MIB)


class _Store(LargeFile):
    """Takes what it is sent, and keeps none of it."""

    least_part = 0
    size = None

    def __init__(self, most):
        super().__init__(BucketFile("bucket", "file"), "job", lambda _seconds: None)
        self.most_parts = most

    def put(self, part):
        self.parts[part.offset] = SentPart(sum(map(len, part.pieces())), "")

    def finish(self):
        return sum(part.size for part in self.parts.values())

    def kept(self, most):
        return None

    begin = delete = forget = _head = lambda self: None
    _has_bucket = lambda self: True
    keep = lambda self, note: None


def _disk(size):
    return types.SimpleNamespace(
        size=size,
        chunks=lambda position: (NOISE for _ in range((size - position) // MIB)),
        mark=lambda _position: None,
        check=lambda: None,
        digest="",
    )


@pytest.mark.parametrize("form", ["qcow2", "vhd", "zvhd2"])
@pytest.mark.parametrize("most", [1000, 2], ids=["held", "made while they are sent"])
def test_memory(form, most):
    """Of 200 MiB, in parts of 16 MiB, or in two of 111 MiB: so large are those of a TiB in Swift tenfold."""
    size = 200 * MIB
    store = _Store(most)
    tracemalloc.start()
    try:
        WrittenDisk(store, _disk(size), factory.writer(form, size)).write()
        _now, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert max(part.size for part in store.parts.values()) >= (16 if most == 1000 else 100) * MIB
    assert peak <= 40 * MIB


@pytest.mark.parametrize("gib", [1, 14, 128, 1024, 4096])
def test_no_file_has_too_many_parts(gib):
    """Also if nothing of the disk can be left out, or compressed."""
    store = _Store(1000)
    least = least_part(gib * GIB, store)
    assert least >= PART
    assert 1.05 * gib * GIB / least < 1000
