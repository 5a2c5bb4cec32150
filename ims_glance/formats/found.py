# SPDX-License-Identifier: Apache-2.0
"""What is found out about a file, and how large its disk may be."""

import dataclasses
from collections.abc import Mapping
from typing import Any

from ims_glance.formats.refusals import DiskFileTooLarge, FileRefused

SECTOR = 512


@dataclasses.dataclass(frozen=True)
class Bounds:
    """What a file may at most come to.

    :ivar virtual_size: of its disk, in bytes; IMS takes data disks of 2048 GB from a file
    :ivar disks: that an archive may have
    :ivar further: the size of the second and further disks of an archive; ``None`` for that of the first
    """

    virtual_size: int = 2048 << 30
    disks: int = 60
    further: int | None = None

    def of_disk(self, number: int) -> "Bounds":
        """Those of one disk of an archive.

        :param number: of the disk, from 0
        """
        if not number or self.further is None:
            return self
        return dataclasses.replace(self, virtual_size=self.further)

    def check(self, size: int) -> int:
        """A disk's size, if it may be so large.

        :raises DiskFileTooLarge: if it may not
        :raises FileRefused: if the disk is empty
        """
        if size > self.virtual_size:
            raise DiskFileTooLarge(
                f"its disk has {size} bytes, and at most {self.virtual_size} may be",
                "Make the disk smaller, or ask the operator for a larger bound.",
            )
        if size <= 0:
            raise FileRefused("its disk is empty")
        return size


Fact = str | int | bool


@dataclasses.dataclass(frozen=True)
class FormatFound:
    """A file that is a disk which can be read here.

    :ivar format: ``raw``, ``iso``, ``qcow2`` and so on; of what is inside, if something is around it
    :ivar virtual_size: of the disk, in bytes; ``None`` if only reading tells it, which is so with
        some files in ``gz`` and ``zst``
    :ivar facts: what the user may want to know: names in lower case, and plain values
    :ivar outer: ``gz`` or ``zst``, if the file is compressed as a whole
    :ivar disks: of an archive: its disks, in the order of the machine
    """

    format: str
    virtual_size: int | None
    facts: Mapping[str, Fact] = dataclasses.field(default_factory=dict)
    outer: str | None = None
    disks: "tuple[ArchivedDisk, ...]" = ()

    def to_arguments(self) -> dict[str, Any]:
        """As JSON, for whoever reads the file in another process."""
        return {
            "format": self.format,
            "virtual_size": self.virtual_size,
            "facts": dict(self.facts),
            "outer": self.outer,
            "disks": [disk.to_arguments() for disk in self.disks],
        }

    @classmethod
    def of_arguments(cls, arguments: Mapping[str, Any]) -> "FormatFound":
        """What :meth:`to_arguments` made."""
        disks = tuple(ArchivedDisk.of_arguments(disk) for disk in arguments["disks"])
        return cls(**{**arguments, "disks": disks})


@dataclasses.dataclass(frozen=True)
class ArchivedDisk:
    """A disk in an archive.

    :ivar name: of the member
    :ivar offset: of its first byte in the archive
    :ivar size: of the member, in bytes
    :ivar found: what it is
    :ivar digest: ``sha256`` and so on, with the digest in hexadecimal, if the manifest has it
    :ivar capacity: of the disk in bytes, as the description of the machine tells it, if it does
    :ivar volume_type: name of the type that its volume had, if that is told
    :ivar goes_with_server: whether its volume was deleted with its server
    :ivar data_size: bytes of the disk that are its data, where its format has room for more
    """

    name: str
    offset: int
    size: int
    found: FormatFound
    digest: tuple[str, str] | None = None
    capacity: int | None = None
    volume_type: str | None = None
    goes_with_server: bool = True
    data_size: int | None = None

    def to_arguments(self) -> dict[str, Any]:
        """As JSON."""
        digest = list(self.digest) if self.digest else None
        told = {**vars(self), "found": self.found.to_arguments(), "digest": digest}
        if self.data_size is None:
            # Older workers know of none.
            del told["data_size"]
        return told

    @classmethod
    def of_arguments(cls, arguments: Mapping[str, Any]) -> "ArchivedDisk":
        """What :meth:`to_arguments` made."""
        found = FormatFound.of_arguments(arguments["found"])
        digest = tuple(arguments["digest"]) if arguments["digest"] else None
        return cls(**{**arguments, "found": found, "digest": digest})
