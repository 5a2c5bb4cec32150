# SPDX-License-Identifier: Apache-2.0
"""How large a disk may be is asked before anything is read of it."""

import json

import pytest

from ims_glance.formats.found import ArchivedDisk, Bounds, FormatFound
from ims_glance.formats.refusals import DiskFileTooLarge, FileRefused


def test_a_disk_may_be_as_large_as_the_bound():
    assert Bounds(virtual_size=1000).check(1000) == 1000
    with pytest.raises(DiskFileTooLarge, match="has 1001 bytes, and at most 1000 may be"):
        Bounds(virtual_size=1000).check(1001)


def test_ims_takes_disks_of_2048_gb():
    assert Bounds().check(2048 << 30)
    with pytest.raises(DiskFileTooLarge):
        Bounds().check(1 << 50)


@pytest.mark.parametrize("size", [0, -512])
def test_a_disk_is_not_empty(size):
    with pytest.raises(FileRefused, match="empty"):
        Bounds().check(size)


@pytest.mark.parametrize("digest", [None, ("sha256", "00")])
def test_what_was_found_goes_to_another_process_as_json(digest):
    inside = FormatFound("raw", None, {"partitions": "gpt"}, "gz")
    disk = ArchivedDisk("a.raw.gz", 512, 100, inside, digest)
    for found in (inside, FormatFound("ova", 7, {"has_digests": True}, disks=(disk, disk))):
        assert FormatFound.of_arguments(json.loads(json.dumps(found.to_arguments()))) == found
