# SPDX-License-Identifier: Apache-2.0
"""What is read of a served disk, and what not."""

import pytest

from ims_glance import formats, guests
from ims_glance.guests.disk_client import DiskClient
from tests.unit.formats.files import InMemory, disk, made
from tests.unit.formats.samples import sample
from tests.unit.guests.disks import MARKER, content, opened_disk


@pytest.mark.parametrize("kind", ["qcow2", "gz"])
def test_a_disk_that_is_only_looked_at_cannot_be_written(conf, kind):
    with opened_disk(InMemory(sample(kind)), conf) as opened:
        assert content(opened) == disk(len(disk(66_048)))
        with DiskClient(opened.socket) as client:
            assert client._handle.is_read_only()


def test_what_are_zeros_is_told_and_not_read(conf):
    raw = bytes(40 << 20) + MARKER.ljust(512) + bytes(24 << 20)
    source = InMemory(made(raw, "qcow2"))
    with opened_disk(source, conf, writable=True) as opened:
        chunks = list(opened.chunks())
    assert [chunk for chunk in chunks if isinstance(chunk, int)] == [40 << 20, (24 << 20) - 65_024]
    assert source.got < 2 << 20


def test_a_file_is_read_once(conf):
    """What is asked of a bucket costs time and money."""
    raw = disk(24 << 20)
    source = InMemory(made(raw, "vmdk", "subformat=streamOptimized"))
    found = formats.recognise(source)
    source.got = 0
    with guests.opened(source, found, conf, writable=False) as opened:
        assert content(opened) == raw
    assert source.got <= 1.1 * source.size


class Told(DiskClient):
    """A disk of so many bytes of data, as whoever serves it tells it: a GiB at a time."""

    def __init__(self) -> None:
        self.asked = 0

    def _statuses(self, size):
        for _ in range(0, size, 1 << 30):
            self.asked += 1
            yield 1 << 30, False


def test_nobody_waits_until_all_is_known_of_a_disk():
    disk = Told()
    pieces = disk._pieces(1 << 40)
    assert next(pieces) == (0, 1 << 20, False)
    assert disk.asked == 1
    assert sum(length for _offset, length, _is_zero in Told()._runs(10 << 30)) == 10 << 30
