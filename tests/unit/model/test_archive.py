# SPDX-License-Identifier: Apache-2.0
"""Machines in files: which disks they may have, and what their images say."""

import pytest

from ims_glance import exceptions
from ims_glance.model import archive
from ims_glance.model.archive import FileDisk
from ims_glance.model.bucket import BucketFile
from ims_glance.model.image import attributes
from ims_glance.model.image.from_file import GIB
from ims_glance.model.image.whole_image import Component
from ims_glance.model.server import Disk

FILE = BucketFile("bucket", "web.ova")
ASKED = {"purpose": "FusionCompute", "name": "web", "min_disk": 40, "tags": ["a=b"], "cmk_id": "k"}
OPTIONS = {"most_data_disk_gib": 100, "most_system_disk_gib": 50}


@pytest.mark.parametrize(
    ("disk", "size"),
    [
        (FileDisk(0, 10 * GIB), 40),
        (FileDisk(0, 10 * GIB, 90 * GIB), 40),
        (FileDisk(1, 1), 1),
        (FileDisk(1, 3 * GIB), 3),
        (FileDisk(1, 3 * GIB + 1), 4),
        (FileDisk(1, 3 * GIB, 3 * GIB + 1), 4),
        (FileDisk(1, 3 * GIB, 2 * GIB), 3),
    ],
)
def test_sizes(disk, size):
    assert disk.disk(40).size == size


def test_as_a_disk_of_a_server():
    told = FileDisk(2, 5, None, "fast", False)
    assert told.disk(40) == Disk(2, None, 1, "fast", False)
    assert told.without_type().disk(40) == Disk(2, None, 1, None, False)


def test_what_will_do():
    archive.check(FILE, ASKED, [FileDisk(0, 40 * GIB), FileDisk(1, 100 * GIB)], OPTIONS)


@pytest.mark.parametrize(
    ("changes", "disks", "code", "said"),
    [
        ({"purpose": "Ironic"}, [FileDisk(0, 1), FileDisk(1, 1)], "IMG.0072", "for bare metal has"),
        (
            {"purpose": "DataImage"},
            [FileDisk(0, 1), FileDisk(1, 1)],
            "IMG.0072",
            "such an image has",
        ),
        ({}, [FileDisk(0, 40 * GIB + 1), FileDisk(1, 1)], "IMG.0055", "Ask for 41 GiB"),
        (
            {},
            [FileDisk(0, 1), FileDisk(1, 100 * GIB + 1)],
            "IMG.0055",
            "Disk 1 in file bucket:web.ova",
        ),
    ],
)
def test_what_will_not(changes, disks, code, said):
    with pytest.raises(exceptions.ImsError, match=said) as error:
        archive.check(FILE, {**ASKED, **changes}, disks, OPTIONS)
    assert error.value.code == code


def test_images():
    disks = [Disk(0, None, 40), Disk(1, None, 3)]
    parts = [Component(disk, str(disk.number)) for disk in disks]
    whole = archive.body(ASKED, FILE, parts, 7)
    assert (whole["name"], whole["min_disk"], whole["__image_size"]) == ("web", 40, "7")
    assert (whole["tags"], whole[attributes.CMK_ID]) == (["a=b"], "k")
    for disk, purpose in zip(disks, ["FusionCompute", "DataImage"], strict=True):
        body = archive.component_body(ASKED, FILE, disk)
        assert (body["min_disk"], body["tags"]) == (disk.size, [])
        assert (body[attributes.CMK_ID], body[attributes.VIRTUAL_ENV_TYPE]) == ("k", purpose)
        assert body[attributes.DATA_ORIGIN] == "file,bucket:web.ova"


@pytest.mark.parametrize(
    ("asked", "facts", "found"),
    [
        ({}, {"os_description": "CentOS 7.3 64bit"}, {"os_version": "CentOS 7.3 64bit"}),
        ({}, {"os_description": "CentOS 7 (64-bit)"}, {}),
        ({"os_version": "x"}, {"os_description": "CentOS 7.3 64bit"}, {"os_version": "x"}),
        ({"os_type": "Windows"}, {"os_description": "CentOS 7.3 64bit"}, {"os_type": "Windows"}),
        ({}, {"firmware": "EFI"}, {"hw_firmware_type": "uefi"}),
        ({}, {"firmware": "bios"}, {}),
        ({"hw_firmware_type": "bios"}, {"firmware": "efi"}, {"hw_firmware_type": "bios"}),
    ],
)
def test_what_the_archive_tells(asked, facts, found):
    assert archive.told(asked, facts) == found


def test_what_the_image_was_before():
    """What a cloud like this one wrote: what is asked for, or recognised, wins."""
    facts = {"image hw_disk_bus": "scsi", "image min_ram": "512", "image __productcode": "p"}
    parts = [Component(Disk(0, None, 40), "root")]
    image = archive.body(archive.told(ASKED, facts), FILE, parts, 1)
    assert (image["hw_disk_bus"], image["min_ram"]) == ("scsi", 512)
    assert attributes.PRODUCT_CODE not in image
    asked = {**ASKED, "min_ram": 1024, "hw_firmware_type": "bios"}
    facts = {**facts, "image hw_firmware_type": "uefi", "image architecture": "x86_64"}
    image = archive.body(archive.told(asked, facts), FILE, parts, 1)
    assert (image["min_ram"], image["hw_firmware_type"]) == (1024, "bios")
    assert image["architecture"] == "x86_64"
    facts = {"image architecture": "aarch64"}
    image = archive.body(archive.told(ASKED, facts), FILE, parts, 1)
    assert (image["__support_arm"], image["hw_firmware_type"]) == ("true", "uefi")


@pytest.mark.parametrize(
    ("asked", "least", "most", "found"),
    [
        ({}, "512", "1024", (512, 1024)),
        ({}, "2048", "1024", (None, 1024)),
        ({}, "2048", "0", (2048, None)),
        ({"max_ram": 1024}, "2048", "4096", (None, 1024)),
        ({"min_ram": 2048}, "512", "1024", (2048, None)),
    ],
)
def test_no_memory_that_no_server_has(asked, least, most, found):
    facts = {"image min_ram": least, "image max_ram": most}
    told = archive.told({**ASKED, **asked}, facts)
    assert (told.get("min_ram"), told.get("max_ram")) == found
