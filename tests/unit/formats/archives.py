# SPDX-License-Identifier: Apache-2.0
"""Archives of machines for tests: written by the standard library's tar."""

import hashlib
import io
import tarfile
from collections.abc import Mapping
from typing import Any

OVF = """<?xml version="1.0" encoding="UTF-8"?>
<Envelope xmlns="http://schemas.dmtf.org/ovf/envelope/1" xmlns:ovf="http://schemas.dmtf.org/ovf/envelope/1"
 xmlns:rasd="http://schemas.dmtf.org/wbem/wscim/1/cim-schema/2/CIM_ResourceAllocationSettingData"
 xmlns:vmw="http://www.vmware.com/schema/ovf" xmlns:ims="urn:ims_glance:ovf">
 <References>{files}</References>
 <DiskSection><Info>Disks</Info>{disks}</DiskSection>
 <VirtualSystem ovf:id="web1"><Info>A machine</Info>
  <OperatingSystemSection ovf:id="96" vmw:osType="debian12_64Guest"><Info>System</Info>
   <Description>Debian GNU/Linux 12 (64-bit)</Description></OperatingSystemSection>
  <VirtualHardwareSection><Info>Hardware</Info>
   <Item><rasd:InstanceID>1</rasd:InstanceID><rasd:ResourceType>3</rasd:ResourceType>
    <rasd:VirtualQuantity>2</rasd:VirtualQuantity></Item>
   <Item><rasd:AllocationUnits>byte * 2^20</rasd:AllocationUnits><rasd:InstanceID>2</rasd:InstanceID>
    <rasd:ResourceType>4</rasd:ResourceType><rasd:VirtualQuantity>2048</rasd:VirtualQuantity></Item>
   <Item><rasd:Address>0</rasd:Address><rasd:InstanceID>3</rasd:InstanceID>
    <rasd:ResourceType>6</rasd:ResourceType></Item>
   {drives}
   <vmw:Config ovf:required="false" vmw:key="firmware" vmw:value="efi"/>
  </VirtualHardwareSection></VirtualSystem></Envelope>
"""


def ovf(*disks: str, order: tuple[int, ...] = (), told: tuple[str, ...] = ()) -> str:
    """A description of a machine with these files as its disks.

    :param order: the places of the disks at their controller
    :param told: what else the description says of each disk, as attributes
    """
    places = order or tuple(range(len(disks)))
    return OVF.format(
        files="".join(
            f'<File ovf:id="file{n}" ovf:href="{name}"/>' for n, name in enumerate(disks)
        ),
        disks="".join(
            f'<Disk ovf:diskId="disk{n}" ovf:fileRef="file{n}" {more}/>'
            for n, more in enumerate(told or ("",) * len(disks))
        ),
        drives="".join(
            f"<Item><rasd:AddressOnParent>{place}</rasd:AddressOnParent>"
            f"<rasd:HostResource>ovf:/disk/disk{n}</rasd:HostResource>"
            f"<rasd:InstanceID>{10 + n}</rasd:InstanceID><rasd:Parent>3</rasd:Parent>"
            "<rasd:ResourceType>17</rasd:ResourceType></Item>"
            for n, place in enumerate(places)
        ),
    )


def manifest(files: Mapping[str, bytes], algorithm: str = "sha256") -> bytes:
    """The manifest of files."""
    return "".join(
        f"{algorithm.upper()}({name})= {hashlib.new(algorithm, data).hexdigest()}\n"
        for name, data in files.items()
    ).encode()


def tar(files: Mapping[str, bytes], form: int = tarfile.USTAR_FORMAT) -> bytes:
    """An archive of plain files."""
    return tar_of([(tarfile.TarInfo(name), data) for name, data in files.items()], form)


def tar_of(members: list[tuple[tarfile.TarInfo, bytes]], form: int = tarfile.USTAR_FORMAT) -> bytes:
    """An archive of any members."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=form) as archive:
        for info, data in members:
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return out.getvalue()


def ova(disks: Mapping[str, bytes], *, has_digests: bool = True, **more: tuple[Any, ...]) -> bytes:
    """A machine with these disks."""
    files = {"web1.ovf": ovf(*disks, **more).encode()}
    digests = {"web1.mf": manifest({**files, **disks})} if has_digests else {}
    return tar({**files, **digests, **disks})


def header(name: str, size: int) -> bytes:
    """The beginning of an archive: of a file of this size, which does not follow."""
    info = tarfile.TarInfo(name)
    info.size = size
    return info.tobuf(tarfile.GNU_FORMAT)
