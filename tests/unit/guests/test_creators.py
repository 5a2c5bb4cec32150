# SPDX-License-Identifier: Apache-2.0
"""A VHD's size."""

import pytest

from tests.unit.formats.files import InMemory, disk, made, patched
from tests.unit.guests.disks import content, opened_disk


@pytest.mark.parametrize("maker", [b"vbox", b"vpc ", b"tap\0"])
def test_a_vhd_is_as_large_as_it_says_whoever_made_it(conf, maker):
    """QEMU would take the geometry, and cut off the end."""
    size = (9 << 20) + 512
    raw = disk(size)
    data = made(raw, "vpc", "force_size=on")
    for at in (0, len(data) - 512):
        data = patched(data, at + 28, "4s", maker)
        data = patched(data, at + 56, ">HBB", 100, 4, 17)
        data = patched(data, at + 64, ">I", 0)
        data = patched(data, at + 64, ">I", ~sum(data[at : at + 512]) & 0xFFFFFFFF)
    with opened_disk(InMemory(data), conf) as opened:
        assert content(opened) == raw
