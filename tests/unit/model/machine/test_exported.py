# SPDX-License-Identifier: Apache-2.0
"""Machines that are exported: their disks, which may go with them, and what is told of them."""

import json

import pytest

from ims_glance import exceptions
from ims_glance.model.image import attributes, whole_image
from ims_glance.model.image.whole_image import Component
from ims_glance.model.machine import exported
from ims_glance.model.machine.exported import ExportedMachine
from ims_glance.model.server import Disk

GIB = 1 << 30
WHOLE, ROOT, DATA = "w", "d0", "d1"


def _disk(image_id, **changes):
    usual = {"owner": "me", "status": "active", "visibility": "private", "disk_format": "raw"}
    return {"id": image_id, attributes.COMPONENT_OF: WHOLE, **usual, "size": GIB, **changes}


def _view(**changes):
    parts = [Component(Disk(0, None, 40, "fast", False), ROOT), Component(Disk(1, None, 1), DATA)]
    usual = {"id": WHOLE, "name": "web", "owner": "me", "status": "active", "size": 0}
    return {**usual, **whole_image.properties(parts), **changes}


DISKS = [_disk(ROOT, checksum="abc"), _disk(DATA, size=2 * GIB + 1)]


def test_its_disks():
    machine = ExportedMachine.of(_view(), DISKS)
    assert [vars(each) for each in machine.disks] == [
        {
            "image_id": ROOT,
            "size": GIB,
            "checksum": "abc",
            "capacity": 40,
            "volume_type": "fast",
            "goes_with_server": False,
        },
        {
            "image_id": DATA,
            "size": 2 * GIB + 1,
            "checksum": None,
            # Its data has to have room.
            "capacity": 3,
            "volume_type": None,
            "goes_with_server": True,
        },
    ]
    assert machine.file_of(1) == "web-disk2.vmdk"
    assert ExportedMachine.of_arguments(json.loads(json.dumps(machine.to_arguments()))) == machine


@pytest.mark.parametrize(("min_disk", "capacity"), [(0, 2), (40, 40)])
def test_a_single_disk(min_disk, capacity):
    view = {"id": "x", "name": "web", "size": GIB + 1, "min_disk": min_disk, "checksum": "abc"}
    machine = ExportedMachine.of(view, [view])
    [disk] = machine.disks
    assert (disk.image_id, disk.size, disk.checksum) == ("x", GIB + 1, "abc")
    assert disk.capacity == capacity
    assert not machine.description["is_whole"]


@pytest.mark.parametrize(
    ("name", "stem"),
    [
        ("web", "web"),
        ("my web & db", "my-web-db"),
        ("../../etc", "etc"),
        ("ü", "machine"),
        (None, "machine"),
        ("a" * 200, "a" * 60),
    ],
)
def test_names_of_files(name, stem):
    assert ExportedMachine.of(_view(name=name), DISKS).stem == stem


@pytest.mark.parametrize(
    ("when", "seconds"), [("2026-11-29T12:00:00Z", 1795953600), ("soon", 0), (None, 0)]
)
def test_when(when, seconds):
    assert ExportedMachine.of(_view(created_at=when), DISKS).when == seconds


def test_what_is_told_of_it():
    more = {
        "hw_cpu_sockets": "2",
        "hw_cpu_cores": "4",
        "min_ram": 512,
        "hw_disk_bus": "sata",
        "hw_firmware_type": "uefi",
        attributes.OS_VERSION: "CentOS 7.3 64bit",
        "__os_type": "Linux",
    }
    assert ExportedMachine.of(_view(**more), DISKS).description == {
        "name": "web",
        "system": "CentOS 7.3 64bit",
        "family": "Linux",
        "firmware": "uefi",
        "bus": "sata",
        "cpus": 8,
        "memory": 512,
        "is_whole": True,
        "properties": {
            "hw_cpu_sockets": "2",
            "hw_cpu_cores": "4",
            "min_ram": "512",
            "hw_disk_bus": "sata",
            "hw_firmware_type": "uefi",
        },
    }


@pytest.mark.parametrize(
    ("said", "cpus"), [({}, 1), ({"hw_cpu_cores": "x"}, 1), ({"hw_cpu_cores": "999"}, 64)]
)
def test_processors(said, cpus):
    description = ExportedMachine.of(_view(**said), DISKS).description
    assert (description["cpus"], description["memory"]) == (cpus, 2048)


def test_disks_that_may_go():
    exported.check_disks(_view(), DISKS, "me")


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({attributes.COMPONENT_OF: "another"}, "IMG.0128"),
        ({attributes.PRODUCT_CODE: "p"}, "IMG.0079"),
        ({"owner": "them"}, "IMG.0047"),
        ({"status": "deactivated"}, "IMG.0046"),
    ],
)
def test_disks_that_may_not(changes, code):
    with pytest.raises(exceptions.ImsError) as refused:
        exported.check_disks(_view(), [DISKS[0], _disk(DATA, **changes)], "me")
    assert refused.value.code == code
