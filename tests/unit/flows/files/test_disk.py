# SPDX-License-Identifier: Apache-2.0
"""What an export reads is what Glance says, whoever reads it; exports themselves are in ``test_export``."""

import contextlib
import hashlib
import types

import pytest

from ims_glance.clouds.image_api import Download
from ims_glance.flows.files.disk import ExportedDisk, ImageChanged, ReadOtherwise
from tests.base import pattern

MIB = 1 << 20
DATA = pattern(0, MIB) + bytes(MIB) + pattern(1, MIB + 512)
DIGEST = hashlib.md5(DATA).hexdigest()


@pytest.fixture(params=[True, False], ids=["ranges", "from the beginning only"])
def job(request):
    """One whose image comes from the byte that is asked for, or not."""

    @contextlib.contextmanager
    def download(_image_id, offset):
        begun = offset if request.param else 0
        pieces = (DATA[at : at + 300_000] for at in range(begun, len(DATA), 300_000))
        yield Download(len(DATA), pieces, begun)

    return types.SimpleNamespace(
        image=types.SimpleNamespace(download=download), progress=lambda _done, _size: None
    )


def _disk(job, checksum=DIGEST):
    return ExportedDisk(job, "image", len(DATA), checksum)


def _read(disk, position=0):
    chunks = disk.chunks(position)
    return b"".join(bytes(each) if isinstance(each, int) else each for each in chunks)


def test_all_of_it(job):
    disk = _disk(job)
    assert _read(disk) == DATA
    disk.check()


def test_something_else(job):
    disk = _disk(job, "0" * 32)
    _read(disk)
    with pytest.raises(ImageChanged):
        disk.check()


def test_from_a_mark(job):
    """As often as that is needed."""
    disk = _disk(job)
    done = 0
    for chunk in disk.chunks(0):
        done += chunk if isinstance(chunk, int) else len(chunk)
        if done == MIB:
            break
    disk.mark(MIB)
    assert disk.digest == hashlib.md5(DATA[:MIB]).hexdigest()
    for _ in range(2):
        assert _read(disk, MIB) == DATA[MIB:]
        disk.check()


def test_from_where_another_worker_came_to(job):
    disk = _disk(job)
    disk.expect(hashlib.md5(DATA[:MIB]).hexdigest())
    for _ in range(2):
        assert _read(disk, MIB) == DATA[MIB:]
        disk.check()


def test_another_worker_read_something_else(job):
    disk = _disk(job)
    disk.expect(hashlib.md5(b"else").hexdigest())
    with pytest.raises(ReadOtherwise):
        _read(disk, MIB)
    # Where nothing was compared.
    disk.expect(hashlib.md5(DATA[:MIB]).hexdigest())
    with pytest.raises(ReadOtherwise):
        _read(disk, MIB + 1)
