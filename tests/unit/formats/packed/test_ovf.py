# SPDX-License-Identifier: Apache-2.0
"""The description of a machine: its disks in its order, and nothing that XML could do besides."""

import pytest

from ims_glance.formats.packed import ovf
from ims_glance.formats.refusals import FileRefused, FormatNotRead
from tests.unit.formats import archives
from tests.unit.formats.packed import descriptions

TEXT = archives.ovf("a.vmdk", "b.vmdk")


def disks(text):
    return [disk.href for disk in ovf.parse(text.encode()).disks]


def test_disks_in_the_order_of_the_machine():
    assert disks(TEXT) == ["a.vmdk", "b.vmdk"]
    assert disks(archives.ovf("a", "b", "c", order=(2, 0, 1))) == ["b", "c", "a"]


def test_disks_of_several_controllers():
    """Those of the controller that comes first come first."""
    text = archives.ovf("a", "b", order=(0, 0))
    second = TEXT[TEXT.index("<Item><rasd:Address>0") : TEXT.index("<Item><rasd:AddressOnParent>")]
    text = text.replace(second, second + second.replace("ID>3<", "ID>4<"))
    text = text.replace("<rasd:Parent>3", "<rasd:Parent>4", 1)
    assert disks(text) == ["b", "a"]


def test_disks_without_a_drive_come_last():
    text = archives.ovf("a", "b")
    item = text[text.index("<Item><rasd:AddressOnParent>0") :]
    assert disks(text.replace(item[: item.index("</Item>") + 7], "")) == ["b", "a"]


def test_empty_disks_are_left_out():
    assert disks(TEXT.replace(' ovf:fileRef="file0"', "")) == ["b.vmdk"]


def test_what_is_told_of_the_machine():
    assert ovf.parse(TEXT.encode()).facts == {
        "machine": "web1",
        "os_description": "Debian GNU/Linux 12 (64-bit)",
        "os_type": "debian12_64Guest",
        "cpus": "2",
        "memory": "2048",
        "memory_unit": "byte * 2^20",
        "firmware": "efi",
    }
    odd = TEXT.replace('id="web1"', 'id="&#9;evil"').replace(">2048<", f">{'9' * 500}<")
    facts = ovf.parse(odd.encode()).facts
    assert "machine" not in facts
    assert len(str(facts["memory"])) == 100


_PROPERTY = '<ims:Property ims:name="{}" ims:value="{}"/>'


@pytest.mark.parametrize(
    ("inside", "told"),
    [
        ("", {}),
        (_PROPERTY.format("hw_disk_bus", "scsi"), {"image hw_disk_bus": "scsi"}),
        (_PROPERTY.format("hw disk", "scsi") + _PROPERTY.format("HW", "scsi"), {}),
        (_PROPERTY.format("hw_x", "&#10;") + _PROPERTY.format("hw_y", ""), {}),
        (_PROPERTY.format("hw_x", "a" * 101), {}),
        ("<other/><!-- comment -->", {}),
    ],
)
def test_what_a_cloud_like_this_one_tells_of_the_image(inside, told):
    section = f'<ims:ImageSection ims:wholeMachine="true">{inside}</ims:ImageSection>'
    text = TEXT.replace("</VirtualSystem>", f"{section}</VirtualSystem>")
    facts = ovf.parse(text.encode()).facts
    assert facts["whole_machine"] is True
    assert {name: facts[name] for name in facts if name.startswith("image ")} == told


def test_properties_of_an_image_are_bounded():
    many = "".join(_PROPERTY.format(f"hw_{number}", "x") for number in range(500))
    text = TEXT.replace("</VirtualSystem>", f"<ImageSection>{many}</ImageSection></VirtualSystem>")
    facts = ovf.parse(text.encode()).facts
    assert sum(name.startswith("image ") for name in facts) == 64
    assert "whole_machine" not in facts


def test_sizes_of_files():
    text = TEXT.replace('href="a.vmdk"', 'href="a.vmdk" ovf:size="123"')
    assert [disk.size for disk in ovf.parse(text.encode()).disks] == [123, None]


@pytest.mark.parametrize(
    "doctype",
    [
        '<!DOCTYPE x [<!ENTITY a "b">]>',
        '<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]>',
        '<!DOCTYPE x SYSTEM "http://127.0.0.1/x.dtd">',
        '<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;&a;">]>',
    ],
)
def test_entities(doctype):
    head, _, body = TEXT.partition("?>")
    with pytest.raises(FileRefused, match="document type"):
        ovf.parse(f"{head}?>{doctype}{body}".encode())


@pytest.mark.parametrize(
    "data",
    [b"", b"\0" * 100, b"<a>", TEXT.encode()[:-20], b'<?xml version="1.0" encoding="x-no"?><a/>'],
)
def test_what_is_no_xml(data):
    with pytest.raises(FileRefused, match="is no XML"):
        ovf.parse(data)


def test_depth_and_length():
    with pytest.raises(FileRefused, match=r"too long|no XML"):
        ovf.parse(b"<a>" * 50_000 + b"</a>" * 50_000)
    with pytest.raises(FileRefused, match="too long"):
        ovf.parse(b"<a>" + b"<b/>" * 50_000 + b"</a>")


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        ('fileRef="file0"', 'fileRef="file9"', "names a file 'file9'"),
        ('id="file1"', 'id="file0"', "'file0' twice"),
        ('diskId="disk1"', 'diskId="disk0"', "'disk0' twice"),
        (' ovf:diskId="disk1"', "", "without a name"),
        ('fileRef="file0"', 'fileRef="file0" ovf:parentRef="disk1"', "differs from another disk"),
        ('href="a.vmdk"', 'href="a.vmdk" ovf:chunkSize="100"', "several files"),
        ("ovf:/disk/disk0", "ovf:/disk/disk9", "'disk9', which is no disk"),
        ("ovf:/disk/disk0", "ovf:/disk/disk1", "in two drives"),
        ("VirtualSystem ", "Other ", "0 machines|no XML"),
    ],
)
def test_descriptions_that_are_refused(old, new, why):
    with pytest.raises(FileRefused, match=why):
        ovf.parse(TEXT.replace(old, new).encode())


def test_several_machines():
    start = TEXT.index("<VirtualSystem ")
    machine = TEXT[start : TEXT.index("</Envelope>")]
    with pytest.raises(FormatNotRead, match="2 machines"):
        ovf.parse(TEXT.replace(machine, machine + machine).encode())
    with pytest.raises(FormatNotRead, match="0 machines"):
        ovf.parse(TEXT.replace(machine, "").encode())


@pytest.mark.parametrize(
    ("text", "names"),
    [
        (descriptions.VMWARE, ["b.vmdk", "a.vmdk"]),
        (descriptions.VIRTUALBOX, ["b.vmdk", "a.vmdk"]),
        (descriptions.VIRT_V2V, ["b.qcow2", "a.qcow2"]),
    ],
)
def test_as_other_programs_write_it(text, names):
    """The disk that boots comes first; of whatever unit, the capacity is in bytes."""
    found = ovf.parse(text.encode()).disks
    assert [disk.href for disk in found] == names
    assert [disk.capacity for disk in found] == [16 << 30, 40 << 30]


@pytest.mark.parametrize("text", [descriptions.VMWARE, descriptions.VIRTUALBOX])
def test_firmware(text):
    assert str(ovf.parse(text.encode()).facts["firmware"]).lower() == "efi"


def test_the_order_of_the_drives_without_one_that_boots():
    text = descriptions.VMWARE.replace("vmw:BootOrderSection", "vmw:OtherSection")
    assert disks(text) == ["a.vmdk", "b.vmdk"]
    # What boots first is a network here, and something that is not there.
    for odd in ('vmw:instanceId="9" vmw:type="net"', 'vmw:instanceId="7" vmw:type="disk"'):
        other = descriptions.VMWARE.replace('vmw:instanceId="9" vmw:type="disk"', odd)
        assert disks(other) == ["a.vmdk", "b.vmdk"]


@pytest.mark.parametrize(
    ("told", "capacity"),
    [
        ("", None),
        ('ovf:capacity="5"', 5),
        ('ovf:capacity="5" ovf:capacityAllocationUnits="byte"', 5),
        ('ovf:capacity="5" ovf:capacityAllocationUnits="byte * 2^30"', 5 << 30),
        ('ovf:capacity="5" ovf:capacityAllocationUnits="bytes*2^10"', 5 << 10),
        ('ovf:capacity="5" ovf:capacityAllocationUnits="GigaBytes"', 5 << 30),
        ('ovf:capacity="5" ovf:capacityAllocationUnits="parsec"', None),
        ('ovf:capacity="${size}"', None),
        ('ovf:capacity="-5"', None),
        (f'ovf:capacity="{"9" * 30}"', None),
    ],
)
def test_capacities(told, capacity):
    text = archives.ovf("a", told=(told,))
    [disk] = ovf.parse(text.encode()).disks
    assert disk.capacity == capacity


def test_what_a_cloud_like_this_one_tells_of_volumes():
    told = ('ims:volumeType="fast" ims:deleteOnTermination="false"', "", 'ims:volumeType="&#9;"')
    found = ovf.parse(archives.ovf("a", "b", "c", told=told).encode()).disks
    assert [disk.volume_type for disk in found] == ["fast", None, None]
    assert [disk.goes_with_server for disk in found] == [False, True, True]
