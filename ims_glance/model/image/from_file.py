# SPDX-License-Identifier: Apache-2.0
"""Images of files: what kinds there are, what they may ask for, and what they say of themselves.

Sources: IMS ``create_image``, ``create_data_image`` and ``import_image_quick``, its constraints (system disks,
data disks, sizes of files), and "Image attributes".
"""

import dataclasses
import enum
import math
import re
from collections.abc import Mapping
from typing import Any

from ims_glance import exceptions
from ims_glance.model.bucket import BucketFile
from ims_glance.model.image import attributes, platforms

GIB = 1 << 30
RAW, ISO = "raw", "iso"
"""Formats that the data of an image has in Glance, whatever the file had."""

_ISO_NAME = re.compile(r"[A-Za-z0-9_./-]+")
_UNKNOWN = {
    platforms.LINUX: "Other Linux(64 bit)",
    platforms.WINDOWS: "Other Windows(64 bit)",
    platforms.OTHER: "Other(64 bit)",
}
_ARCHITECTURES = {"x86": "x86_64", "arm": "aarch64"}


class Purpose(enum.StrEnum):
    """What an image of a file is for: ``virtual_env_type``."""

    SERVER = "FusionCompute"
    BARE_METAL = "Ironic"
    DATA = "DataImage"
    ISO = "IsoImage"


SYSTEMS = (Purpose.SERVER, Purpose.BARE_METAL)
"""Purposes of disks that hold a system."""

PURPOSES = {
    "ECS": Purpose.SERVER,
    "FusionCompute": Purpose.SERVER,
    "BMS": Purpose.BARE_METAL,
    "Ironic": Purpose.BARE_METAL,
    "DataImage": Purpose.DATA,
    "IsoImage": Purpose.ISO,
}
"""``type`` of the IMS API -> purpose."""


class MinDiskMissing(exceptions.Invalid):
    """IMS has no default for the size of the disk."""

    code = "IMG.0055"
    template = "Name the size of the disk in 'min_disk' (GiB)."


class MinDiskOutside(exceptions.Invalid):
    """No disk of that size is made of a file."""

    code = "IMG.0055"
    template = "'min_disk' is {size} GiB; a {kind} disk has {least} to {most} GiB."


class MinDiskTooSmall(exceptions.Conflict):
    """The disk in the file does not fit."""

    code = "IMG.0055"
    template = (
        "The disk in file {file} has {needed} GiB, and 'min_disk' is {size}. Ask for {needed} GiB."
    )


class FileTooLarge(exceptions.Conflict):
    """The file is larger than the operator lets it be."""

    code = "IMG.0059"
    template = "File {file} has {size} bytes; {most} GiB are the most{hint}."


class FileEmpty(exceptions.Invalid):
    """There is nothing in the file."""

    code = "IMG.0057"
    template = "File {file} is empty."


class IsoSystemMissing(exceptions.Invalid):
    """Nobody can tell what an ISO installs."""

    code = "IMG.0166"
    template = "Name the operating system that the ISO installs in 'os_version', as list_os_versions has it."


class IsoNameMalformed(exceptions.Invalid):
    """IMS takes ISO files with plain names only."""

    code = "IMG.0075"
    template = (
        "The name of an ISO file has letters, digits, '-', '_', '.' and '/' only, not '{name}'."
    )


class NeverEncryptedSo(exceptions.Invalid):
    """What boots from it could not decrypt it, or IMS does not."""

    template = "An image for bare metal servers, or of an ISO file, cannot be encrypted. Leave out 'cmk_id'."

    def __init__(self, purpose: Purpose) -> None:
        self.code = "IMG.0118" if purpose is Purpose.BARE_METAL else "IMG.0105"
        super().__init__()


class NothingToConfigure(exceptions.Invalid):
    """On a CD there is no system that could be prepared."""

    code = "IMG.0105"
    template = (
        "The system that an ISO file installs is not there yet, so there is nothing to prepare. Leave out "
        "'is_config'."
    )


class IsoUnexpected(exceptions.Conflict):
    """The file is an ISO, or is none."""

    code = "IMG.0057"
    template = "File {file} {what}. Say {wanted}."


@dataclasses.dataclass(frozen=True)
class DiskBounds:
    """What the operator allows; GiB.

    :ivar kind: of the disk, for messages
    :ivar file: size of the largest file
    :ivar hint: how a larger one comes in, for messages
    """

    kind: str
    least: int
    most: int
    file: int
    hint: str = ""

    def check_disk(self, size: int | None) -> int:
        """The size of the disk, if it is one.

        :raises MinDiskMissing, MinDiskOutside: if not
        """
        if size is None:
            raise MinDiskMissing
        if not self.least <= size <= self.most:
            raise MinDiskOutside(size=size, kind=self.kind, least=self.least, most=self.most)
        return size

    def check_file(self, file: BucketFile, size: int, is_sealed: bool = False) -> None:
        """Check the size of a file, in bytes.

        :param is_sealed: whether it is a sealed image, whose data may be so large
        :raises FileEmpty, FileTooLarge: if it is none
        """
        if not size:
            raise FileEmpty(file=file)
        if size > self.file * GIB + (_sealing(self.file * GIB) if is_sealed else 0):
            raise FileTooLarge(file=file, size=size, most=self.file, hint=self.hint)


def _sealing(size: int) -> int:
    """Bytes that sealing adds at most: 16 to each MiB, and a head (:mod:`ims_glance.crypto.sealed_file`)."""
    return (size >> 16) + (1 << 17)


def kind(purpose: Purpose) -> str:
    """What kind of disk an image is of: ``system`` or ``data``."""
    return "data" if purpose is Purpose.DATA else "system"


def largest(options: Mapping[str, Any], purpose: Purpose) -> int:
    """Size of the largest disk, in GiB.

    :param options: the group ``[ims_files]``
    """
    return int(options[f"most_{kind(purpose)}_disk_gib"])


def check_iso(file: BucketFile, os_version: str | None) -> None:
    """Check what an image of an ISO file needs.

    :raises IsoSystemMissing, IsoNameMalformed: if it is not so
    """
    if not os_version:
        raise IsoSystemMissing
    if not _ISO_NAME.fullmatch(file.name):
        raise IsoNameMalformed(name=file.name[:64])


def check_key(purpose: Purpose, cmk_id: str | None) -> None:
    """Check that an image may have a key.

    :raises NeverEncryptedSo: if it is to have one and may not
    """
    if cmk_id and purpose in (Purpose.BARE_METAL, Purpose.ISO):
        raise NeverEncryptedSo(purpose)


def check_config(purpose: Purpose, is_config: bool) -> None:
    """Check that the system in a file can be prepared.

    :raises NothingToConfigure: if it is to be and cannot
    """
    if is_config and purpose not in SYSTEMS:
        raise NothingToConfigure


def check_content(file: BucketFile, purpose: Purpose, is_iso: bool) -> None:
    """Check that the file is what the image is for.

    :raises IsoUnexpected: if not
    """
    if is_iso and purpose is not Purpose.ISO:
        raise IsoUnexpected(file=file, what="is an ISO image of a CD", wanted="'type': 'IsoImage'")
    if purpose is Purpose.ISO and not is_iso:
        raise IsoUnexpected(file=file, what="is no ISO image of a CD", wanted="another 'type'")


def check_fits(file: BucketFile, virtual_size: int, min_disk: int) -> None:
    """Check that the disk in a file fits into the one that is asked for.

    :param virtual_size: of the disk in the file, in bytes
    :param min_disk: in GiB
    :raises MinDiskTooSmall: if not
    """
    needed = math.ceil(virtual_size / GIB)
    if needed > min_disk:
        raise MinDiskTooSmall(file=file, needed=needed, size=min_disk)


def body(arguments: Mapping[str, Any], file: BucketFile) -> dict[str, Any]:
    """The body of ``POST /v2/images``.

    :param arguments: of the job
    """
    purpose = Purpose(arguments["purpose"])
    given = {
        attributes.DESCRIPTION: arguments.get("description"),
        attributes.CMK_ID: arguments.get("cmk_id"),
        "max_ram": str(arguments.get("max_ram") or ""),
        "enterprise_project_id": arguments.get("enterprise_project_id"),
        "hw_firmware_type": _firmware(arguments),
        "architecture": _ARCHITECTURES.get(str(arguments.get("architecture"))),
        "__support_arm": "true" if arguments.get("architecture") == "arm" else None,
        "__is_config_init": "true" if arguments.get("is_config_init") else None,
    }
    return {
        **{name: value for name, value in given.items() if value},
        **attributes.of_system(_os_version(arguments)),
        "name": arguments["name"],
        "visibility": "private",
        "disk_format": ISO if purpose is Purpose.ISO else RAW,
        "container_format": "bare",
        "tags": list(arguments.get("tags") or []),
        "min_disk": int(arguments["min_disk"]),
        "min_ram": int(arguments.get("min_ram") or 0),
        **origin(file),
        attributes.VIRTUAL_ENV_TYPE: str(purpose),
        "__image_size": "0",
    }


def origin(file: BucketFile) -> dict[str, str]:
    """Where an image says that it is from."""
    return {
        attributes.DATA_ORIGIN: f"file,{file}",
        "__root_origin": "file",
        "__image_source_type": "uds",
        "__isregistered": "true",
    }


def _os_version(arguments: Mapping[str, Any]) -> str:
    os_type = str(arguments.get("os_type") or platforms.LINUX)
    return str(arguments.get("os_version") or _UNKNOWN[os_type])


def _firmware(arguments: Mapping[str, Any]) -> str | None:
    # ARM servers have no other (IMS "architecture").
    return "uefi" if arguments.get("architecture") == "arm" else arguments.get("hw_firmware_type")
