# SPDX-License-Identifier: Apache-2.0
"""The description of a machine in an OVA: DSP0243 1.1, "Open Virtualization Format", as VMware and VirtualBox write it.

What only a cloud like this one understands is in a namespace of its own, and marked as not required: types of volumes,
whether they go with their server, and properties of the image.
"""

import dataclasses
import re
from collections.abc import Iterator, Mapping
from typing import Any

_VMDK = "http://www.vmware.com/interfaces/specifications/vmdk.html#streamOptimized"
# CIM_OperatingSystem.OSType: the family, in 64 bits where there is such a one.
_SYSTEMS = {"Linux": 101, "Windows": 103, "Other": 102}
_OTHER_SYSTEM = 102
# XML 1.0, "Char": what stands in no document, whatever is done to it.
_NO_CHARACTER = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_ESCAPED = str.maketrans(
    {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;"}
    | {blank: f"&#{ord(blank)};" for blank in "\t\n\r"}
)
_CPU, _MEMORY, _IDE, _SCSI, _NETWORK, _DISK, _SATA = 3, 4, 5, 6, 10, 17, 20


@dataclasses.dataclass(frozen=True)
class _Bus:
    """A controller of disks.

    :ivar places: of its disks, in their order
    """

    resource: int
    model: str
    name: str
    places: tuple[int, ...]


_OF_SCSI = _Bus(_SCSI, "lsilogic", "SCSI controller", (*range(7), *range(8, 16)))
_BUSES = {
    "ide": _Bus(_IDE, "PIIX4", "IDE controller", (0, 1)),
    "sata": _Bus(_SATA, "AHCI", "SATA controller", tuple(range(30))),
}


@dataclasses.dataclass(frozen=True)
class DescribedDisk:
    """A disk of the machine.

    :ivar file: its name in the archive
    :ivar file_size: in bytes
    :ivar capacity: that its volume has, in bytes
    :ivar volume_type: name of the volume's type, if it has one
    :ivar goes_with_server: whether it is deleted with its server
    """

    file: str
    file_size: int
    capacity: int
    volume_type: str | None = None
    goes_with_server: bool = True


@dataclasses.dataclass(frozen=True)
class DescribedMachine:
    """A machine.

    :ivar name: of the image
    :ivar system: name of its operating system
    :ivar family: ``Linux``, ``Windows`` or ``Other``
    :ivar firmware: ``uefi``, or anything else for BIOS
    :ivar bus: of its disks, as ``hw_disk_bus`` names it; anything but IDE and SATA is SCSI
    :ivar memory: MiB
    :ivar is_whole: whether it is a whole-machine image, which may have one disk
    :ivar properties: of the image
    """

    name: str
    system: str
    family: str
    firmware: str
    bus: str
    cpus: int
    memory: int
    is_whole: bool
    properties: Mapping[str, str]


def text(machine: DescribedMachine, disks: list[DescribedDisk]) -> bytes:
    """The description.

    :param disks: the one that it boots from first
    """
    firmware = (
        '<vmw:Config ovf:required="false" vmw:key="firmware" vmw:value="efi"/>'
        if machine.firmware == "uefi"
        else ""
    )
    return _ENVELOPE.format(
        files="".join(map(_file, range(1, len(disks) + 1), disks)),
        disks="".join(map(_disk, range(1, len(disks) + 1), disks)),
        name=_said(machine.name),
        system_id=_SYSTEMS.get(machine.family, _OTHER_SYSTEM),
        system=_said(machine.system),
        items="".join(_items(machine, len(disks))),
        firmware=firmware,
        whole="true" if machine.is_whole else "false",
        properties="".join(
            f'<ims:Property ims:name="{_said(name)}" ims:value="{_said(value)}"/>\n'
            for name, value in sorted(machine.properties.items())
        ),
    ).encode()


def _file(number: int, disk: DescribedDisk) -> str:
    return (
        f'<File ovf:href="{_said(disk.file)}" ovf:id="file{number}" ovf:size="{disk.file_size}"/>\n'
    )


def _disk(number: int, disk: DescribedDisk) -> str:
    kind = f' ims:volumeType="{_said(disk.volume_type)}"' if disk.volume_type else ""
    goes = "true" if disk.goes_with_server else "false"
    return (
        f'<Disk ovf:capacity="{disk.capacity}" ovf:capacityAllocationUnits="byte" ovf:diskId="disk{number}" '
        f'ovf:fileRef="file{number}" ovf:format="{_VMDK}"{kind} ims:deleteOnTermination="{goes}"/>\n'
    )


def _items(machine: DescribedMachine, disks: int) -> Iterator[str]:
    yield _item(
        AllocationUnits="hertz * 10^6",
        ElementName=f"{machine.cpus} virtual CPU(s)",
        InstanceID=1,
        ResourceType=_CPU,
        VirtualQuantity=machine.cpus,
    )
    yield _item(
        AllocationUnits="byte * 2^20",
        ElementName=f"{machine.memory} MB of memory",
        InstanceID=2,
        ResourceType=_MEMORY,
        VirtualQuantity=machine.memory,
    )
    yield _item(
        AutomaticAllocation="true",
        Connection="network",
        ElementName="Network adapter 1",
        InstanceID=3,
        ResourceSubType="E1000",
        ResourceType=_NETWORK,
    )
    yield from _drives(_BUSES.get(machine.bus, _OF_SCSI), disks)


def _drives(bus: _Bus, disks: int) -> Iterator[str]:
    """Controllers, and the disks at them."""
    for number in range(disks):
        controller, place = divmod(number, len(bus.places))
        if not place:
            yield _item(
                Address=controller,
                ElementName=f"{bus.name} {controller}",
                InstanceID=10 + controller,
                ResourceSubType=bus.model,
                ResourceType=bus.resource,
            )
        yield _item(
            AddressOnParent=bus.places[place],
            ElementName=f"Hard disk {number + 1}",
            HostResource=f"ovf:/disk/disk{number + 1}",
            InstanceID=100 + number,
            Parent=10 + controller,
            ResourceType=_DISK,
        )


def _item(**fields: Any) -> str:
    """An item of the hardware, whose fields stand in the order of their names (CIM's schema)."""
    told = "".join(f"<rasd:{name}>{value}</rasd:{name}>" for name, value in fields.items())
    return f"<Item>{told}</Item>\n"


def _said(value: str) -> str:
    """A text as it stands in the document, between quotes too."""
    return _NO_CHARACTER.sub("?", value).translate(_ESCAPED)


_ENVELOPE = """\
<?xml version="1.0" encoding="UTF-8"?>
<Envelope xmlns="http://schemas.dmtf.org/ovf/envelope/1" xmlns:ovf="http://schemas.dmtf.org/ovf/envelope/1"
 xmlns:rasd="http://schemas.dmtf.org/wbem/wscim/1/cim-schema/2/CIM_ResourceAllocationSettingData"
 xmlns:vssd="http://schemas.dmtf.org/wbem/wscim/1/cim-schema/2/CIM_VirtualSystemSettingData"
 xmlns:vmw="http://www.vmware.com/schema/ovf" xmlns:ims="urn:ims_glance:ovf">
<References>
{files}</References>
<DiskSection><Info>Disks</Info>
{disks}</DiskSection>
<NetworkSection><Info>Networks</Info>
<Network ovf:name="network"><Description>Any network</Description></Network>
</NetworkSection>
<VirtualSystem ovf:id="{name}"><Info>A machine</Info>
<Name>{name}</Name>
<OperatingSystemSection ovf:id="{system_id}"><Info>The operating system</Info>
<Description>{system}</Description>
</OperatingSystemSection>
<VirtualHardwareSection><Info>Hardware</Info>
<System><vssd:ElementName>Virtual Hardware Family</vssd:ElementName><vssd:InstanceID>0</vssd:InstanceID>\
<vssd:VirtualSystemIdentifier>{name}</vssd:VirtualSystemIdentifier>\
<vssd:VirtualSystemType>vmx-10</vssd:VirtualSystemType></System>
{items}{firmware}</VirtualHardwareSection>
<ims:ImageSection ovf:required="false" ims:wholeMachine="{whole}"><Info>Image of OpenStack</Info>
{properties}</ims:ImageSection>
</VirtualSystem>
</Envelope>
"""
