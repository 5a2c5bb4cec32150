# SPDX-License-Identifier: Apache-2.0
"""The description of a machine: well-formed whatever is in it, and read again by what reads those of others."""

import dataclasses

import pytest
from defusedxml import ElementTree

from ims_glance.formats.packed import ovf as reader
from ims_glance.writers.archive import ovf
from ims_glance.writers.archive.ovf import DescribedDisk, DescribedMachine

GIB = 1 << 30
MACHINE = DescribedMachine(
    name="web",
    system="CentOS 7.3 64bit",
    family="Linux",
    firmware="uefi",
    bus="virtio",
    cpus=2,
    memory=1024,
    is_whole=True,
    properties={"hw_disk_bus": "virtio"},
)
DISKS = [
    DescribedDisk("web-disk1.vmdk", 1000, 40 * GIB, "fast", False),
    DescribedDisk("web-disk2.vmdk", 2000, 10 * GIB),
]
_OVF = "{http://schemas.dmtf.org/ovf/envelope/1}"
_RASD = "{http://schemas.dmtf.org/wbem/wscim/1/cim-schema/2/CIM_ResourceAllocationSettingData}"
_DRIVE, _CONTROLLERS = "17", ("5", "6", "20")


def _items(disks=DISKS, **changes):
    """Of the hardware, each as its fields."""
    root = ElementTree.fromstring(ovf.text(dataclasses.replace(MACHINE, **changes), disks))
    return [
        {field.tag.removeprefix(_RASD): field.text for field in item}
        for item in root.iter(f"{_OVF}Item")
    ]


def test_it_is_read_again():
    machine = reader.parse(ovf.text(MACHINE, DISKS))
    assert [vars(disk) for disk in machine.disks] == [
        {
            "href": disk.file,
            "size": disk.file_size,
            "capacity": disk.capacity,
            "volume_type": disk.volume_type,
            "goes_with_server": disk.goes_with_server,
        }
        for disk in DISKS
    ]
    assert machine.facts == {
        "machine": "web",
        "os_description": "CentOS 7.3 64bit",
        "cpus": "2",
        "memory": "1024",
        "memory_unit": "byte * 2^20",
        "firmware": "efi",
        "whole_machine": True,
        "image hw_disk_bus": "virtio",
    }


def test_another_one():
    told = dataclasses.replace(MACHINE, firmware="bios", is_whole=False, properties={})
    facts = reader.parse(ovf.text(told, DISKS)).facts
    assert not facts.keys() & {"firmware", "whole_machine", "image hw_disk_bus"}


ODD = "a<b> & \"c\" 'd'\n\te ü 😀"


def test_nothing_in_it_is_taken_for_markup():
    told = dataclasses.replace(MACHINE, name=ODD, system=ODD, properties={"hw_x": ODD})
    root = ElementTree.fromstring(ovf.text(told, [dataclasses.replace(DISKS[0], volume_type=ODD)]))
    [system] = root.iter(f"{_OVF}VirtualSystem")
    assert system.attrib[f"{_OVF}id"] == ODD
    assert [each.text for each in root.iter(f"{_OVF}Name")] == [ODD]
    assert ODD in [each.text for each in root.iter(f"{_OVF}Description")]
    assert [
        each.attrib["{urn:ims_glance:ovf}value"]
        for each in root.iter("{urn:ims_glance:ovf}Property")
    ] == [ODD]
    [disk] = root.iter(f"{_OVF}Disk")
    assert disk.attrib["{urn:ims_glance:ovf}volumeType"] == ODD


def test_what_xml_has_no_character_for():
    told = dataclasses.replace(MACHINE, name="a\0\x1f\ud800\ufffe")
    assert reader.parse(ovf.text(told, DISKS)).facts["machine"] == "a????"


@pytest.mark.parametrize(
    ("family", "number"), [("Linux", "101"), ("Windows", "103"), ("Other", "102"), ("", "102")]
)
def test_the_family_of_the_system(family, number):
    root = ElementTree.fromstring(ovf.text(dataclasses.replace(MACHINE, family=family), DISKS))
    [section] = root.iter(f"{_OVF}OperatingSystemSection")
    assert section.attrib[f"{_OVF}id"] == number


@pytest.mark.parametrize(
    ("bus", "kind", "model", "places"),
    [
        ("virtio", "6", "lsilogic", [*range(7), *range(8, 16), 0, 1]),
        ("scsi", "6", "lsilogic", [*range(7), *range(8, 16), 0, 1]),
        ("", "6", "lsilogic", [*range(7), *range(8, 16), 0, 1]),
        ("ide", "5", "PIIX4", [0, 1] * 8 + [0]),
        ("sata", "20", "AHCI", list(range(17))),
    ],
)
def test_disks_at_their_controllers(bus, kind, model, places):
    """Each at a place of its own, where VMware has such ones, and in their order."""
    many = [dataclasses.replace(DISKS[1], file=f"{number}.vmdk") for number in range(17)]
    items = _items(many, bus=bus)
    controllers = {
        each["InstanceID"]: each for each in items if each["ResourceType"] in _CONTROLLERS
    }
    drives = [each for each in items if each["ResourceType"] == _DRIVE]
    assert {(each["ResourceType"], each["ResourceSubType"]) for each in controllers.values()} == {
        (kind, model)
    }
    assert [int(each["AddressOnParent"]) for each in drives] == places
    assert len({(each["Parent"], each["AddressOnParent"]) for each in drives}) == 17
    assert {each["Parent"] for each in drives} == controllers.keys()
    assert len({each["InstanceID"] for each in items}) == len(items)
    told = dataclasses.replace(MACHINE, bus=bus)
    assert [each.href for each in reader.parse(ovf.text(told, many)).disks] == [
        each.file for each in many
    ]


def test_the_fields_of_an_item_stand_in_order():
    """CIM's schema has them by name."""
    for item in _items():
        assert list(item) == sorted(item)
