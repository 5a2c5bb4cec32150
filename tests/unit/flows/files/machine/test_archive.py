# SPDX-License-Identifier: Apache-2.0
"""What an archive holds in memory, and how many parts it has; that it is right is in ``test_export``."""

import random
import tracemalloc
from typing import Any

import pytest

from ims_glance.clouds.objects.large import LargeFile, SentPart
from ims_glance.flows.files.machine import archive
from ims_glance.flows.files.machine.archive import WrittenArchive
from ims_glance.model.bucket import BucketFile
from ims_glance.model.machine.exported import ExportedMachine

MIB = 1 << 20
GIB = 1 << 30
_NOBODY: Any = None
NOISE = random.Random(1).randbytes(MIB)


class _Store(LargeFile):
    """Takes what it is sent, and keeps none of it."""

    size = None
    least_part = 5 * MIB

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


class _Disk:
    def __init__(self, _job, _image_id, size, *_more):
        self.size = size

    def chunks(self, position):
        return (NOISE for _ in range((self.size - position) // MIB))

    def mark(self, _position):
        pass

    def check(self):
        pass


def _machine(*sizes):
    view = {"id": "w", "name": "web"}
    disk = {"checksum": None, "capacity": 1, "volume_type": None, "goes_with_server": True}
    image_id = "d0000000-0000-4000-8000-000000000000"
    described = ExportedMachine.of({**view, "size": 1}, [{**view, "size": 1}])
    return ExportedMachine.of_arguments(
        {
            **described.to_arguments(),
            "disks": [{**disk, "image_id": image_id, "size": size} for size in sizes],
        }
    )


@pytest.mark.parametrize("most", [1000, 10], ids=["held", "made while they are sent"])
def test_memory(most, monkeypatch):
    """Of 80 MiB that cannot be compressed."""
    monkeypatch.setattr(archive, "ExportedDisk", _Disk)
    store = _Store(most)
    tracemalloc.start()
    try:
        WrittenArchive(_NOBODY, store, _machine(60 * MIB, 20 * MIB)).write()
        _now, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert max(part.size for part in store.parts.values()) >= (16 if most == 1000 else 19) * MIB
    # S3 takes no smaller parts; the first one comes last, and the last one may be of any size.
    assert min(store.parts[at].size for at in list(store.parts) if at != max(store.parts)) >= (
        store.least_part
    )
    assert peak <= 48 * MIB


def test_memory_of_many_disks():
    """Where parts have 5 MiB at least, each disk begins with so much."""
    tracemalloc.start()
    try:
        WrittenArchive(_NOBODY, _Store(10_000), _machine(*[GIB] * 24))
        _now, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak <= 24 * MIB


@pytest.mark.parametrize("most", [1000, 10_000])
@pytest.mark.parametrize("sizes", [[GIB], [GIB] * 24, [1024 * GIB], [1] * 60, [1, 1000 * GIB, 1]])
def test_no_archive_has_too_many_parts(most, sizes):
    """Also if nothing can be left out, or compressed; and no disk takes the numbers of another one's."""
    made = WrittenArchive(_NOBODY, _Store(most), _machine(*sizes))
    least, first = made.least, made.first
    assert first[-1] <= most
    for size, begin, end in zip(sizes, first[:-1], first[1:], strict=True):
        assert 1.05 * size / least < end - begin
