# SPDX-License-Identifier: Apache-2.0
"""Writers by name, and again by their state."""

import json
import uuid
import zlib

import pytest

from ims_glance.writers import factory
from ims_glance.writers.base import DiskTooLargeToWrite
from tests.unit.writers import disks


def test_an_unknown_format_is_refused():
    with pytest.raises(factory.NoSuchExportFormat, match=r"'vdi'.*qcow2, vhd, vmdk"):
        factory.writer("vdi", 1)


@pytest.mark.parametrize("name", factory.WRITERS)
def test_a_disk_that_has_no_room_is_refused(name):
    largest = factory.WRITERS[name].LARGEST
    with pytest.raises(DiskTooLargeToWrite, match=f"{largest} bytes"):
        factory.writer(name, largest + 1)


@pytest.mark.parametrize(
    "state", [b"", b"x", zlib.compress(b"[]"), zlib.compress(b'{"format":"x"}')]
)
def test_what_is_no_state_is_refused(state):
    with pytest.raises(ValueError, match="no state of a writer"):
        factory.restore(state)


@pytest.mark.parametrize("name", factory.WRITERS)
def test_a_state_is_small_and_has_nothing_of_the_disk(name):
    writer = factory.writer(name, 1 << 40, uuid.uuid4())
    secret = disks.disks()["noise"]
    list(writer.feed(secret))
    state = writer.state()
    assert len(state) < 4000
    said = zlib.decompress(state)
    assert not any(secret[at : at + 16] in said for at in range(0, len(secret), 1 << 18))
    assert set(json.loads(said)["tables"]) <= {
        *("l1", "l2", "header", "is_written", "directory", "table", "table_index", "lengths")
    }
    assert factory.restore(state).state() == state
