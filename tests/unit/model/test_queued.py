# SPDX-License-Identifier: Apache-2.0
"""Images without data: which of them can be filled, and what they say then."""

import pytest

from ims_glance.model import queued
from ims_glance.model.bucket import BucketFile
from ims_glance.model.image.from_file import GIB, Purpose

FILE = BucketFile("bucket", "disk")


@pytest.mark.parametrize("status", ["active", "saving", "deactivated", "importing"])
def test_only_without_data(status):
    queued.check({"id": "i", "status": "queued"})
    with pytest.raises(queued.NotQueued, match=status):
        queued.check({"id": "i", "status": status})


@pytest.mark.parametrize(
    ("view", "purpose"),
    [
        ({}, Purpose.SERVER),
        ({"virtual_env_type": "Ironic"}, Purpose.BARE_METAL),
        ({"virtual_env_type": "odd"}, Purpose.SERVER),
        ({"disk_format": "iso"}, Purpose.ISO),
        ({"disk_format": "iso", "virtual_env_type": "FusionCompute"}, Purpose.ISO),
        ({"disk_format": "iso", "virtual_env_type": "Ironic"}, Purpose.BARE_METAL),
    ],
)
def test_purposes(view, purpose):
    assert queued.purpose(view) is purpose


@pytest.mark.parametrize(("asked", "min_disk"), [(None, 2), (0, 2), (40, 40)])
def test_what_it_says_then(asked, min_disk):
    said = queued.changes({"min_disk": asked}, FILE, GIB + 1)
    assert said["min_disk"] == min_disk
    assert (said["disk_format"], said["container_format"]) == ("raw", "bare")
    assert queued.changes({"disk_format": "iso"}, FILE, 1)["disk_format"] == "iso"
    assert (said["__image_size"], said["__data_origin"]) == (str(GIB + 1), "file,bucket:disk")


def test_whose_data_it_has():
    said = queued.changes({}, FILE, 7)
    view = {"status": "active", "size": 7, **said}
    assert queued.has_data(view, said, 7)
    for other in ({"status": "queued"}, {"size": 8}, {"__data_origin": "file,bucket:other"}):
        assert not queued.has_data({**view, **other}, said, 7)
