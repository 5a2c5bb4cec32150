# SPDX-License-Identifier: Apache-2.0
"""A whole machine as one object a disk, and a manifest that says which they are: a small file of JSON, of our own.

The disks of ``BUCKET:web.json`` are ``BUCKET:web-disk1.qcow2`` and so on: a manifest names what lies beside it and begins
with its own name, and can name nothing else. Whoever reads one takes nothing for granted that stands in it: it
is bounded before it is parsed (:data:`MAX_SIZE`), :data:`SCHEMA` bounds each value, and what no schema can
say is checked by :meth:`MachineManifest.of`.
"""

import dataclasses
import json
import re
from collections.abc import Mapping, Sequence
from typing import Any, NoReturn, Self

from ims_glance import exceptions
from ims_glance.model.bucket import BucketFile
from ims_glance.model.image.from_file import GIB
from ims_glance.model.machine import carried
from ims_glance.model.machine.exported import ExportedMachine
from ims_glance.model.text import free_text, patterns

VERSION = 1
"""Of the manifests that are written, and the only one that is read."""
ENDING = ".json"
"""What the name of a manifest ends with; nothing else that an image is made of ends so."""
MAX_SIZE = 1 << 18
"""Bytes of a manifest at most, which is twice what one of 60 disks needs."""
SEALED = "sealed"
"""The format of a disk that is as it lies in its store (:mod:`ims_glance.crypto.sealed_file`)."""
FORMATS: Mapping[str, str] = {
    "qcow2": "qcow2",
    "vhd": "vhd",
    "vmdk": "vmdk",
    "zvhd": "zvhd",
    "zvhd2": "zvhd2",
    "raw": "raw",
    SEALED: "ims",
}
"""Formats of the disks, and what the names of their objects end with."""

_IS_MANIFEST = "ims_machine"
_DEFAULT_STEM = "machine"
_MOST_DISKS = 60
_MOST_GIB = 1 << 16
_MOST_BYTES = 1 << 46
_SYSTEM, _DATA = "system", "data"
HASHES = {"md5": 32, "sha1": 40, "sha224": 56, "sha256": 64, "sha384": 96, "sha512": 128,
          "blake2b": 128, "blake2s": 64}  # fmt: skip
"""What Glance may be told to use, and MD5, which it always does; each with the digits of its digest."""
_BEHIND_STEM = re.compile(r"-[A-Za-z0-9._-]{1,100}")
_SHOWN = 64
_LONGEST = 255

_TEXT = {"type": "string", "minLength": 1, "maxLength": _LONGEST}
_DISK_SCHEMA = {
    "type": "object",
    "properties": {
        "object": {"type": "string", "minLength": 1, "maxLength": 1024},
        "role": {"enum": [_SYSTEM, _DATA]},
        "boot_index": {"enum": [0, -1]},
        "format": {"enum": list(FORMATS)},
        "file_size": {"type": "integer", "minimum": 1, "maximum": _MOST_BYTES},
        "size": {"type": "integer", "minimum": 1, "maximum": _MOST_BYTES},
        "volume_size": {"type": "integer", "minimum": 1, "maximum": _MOST_GIB},
        "volume_type": {"anyOf": [_TEXT, {"type": "null"}]},
        "delete_on_termination": {"type": "boolean"},
        "digest": {
            "type": ["object", "null"],
            "properties": {
                "algorithm": {"enum": list(HASHES)},
                "value": {"type": "string", "pattern": patterns.whole("[0-9a-f]{32,128}")},
            },
            "required": ["algorithm", "value"],
            "additionalProperties": False,
        },
    },
    "required": [
        "object", "role", "boot_index", "format", "file_size", "size", "volume_size", "volume_type",
        "delete_on_termination", "digest",
    ],
    "additionalProperties": False,
}  # fmt: skip
SCHEMA: Mapping[str, Any] = {
    "type": "object",
    "properties": {
        _IS_MANIFEST: {"const": VERSION},
        "name": {"type": ["string", "null"], "maxLength": _LONGEST},
        "os_version": {"type": ["string", "null"], "maxLength": _LONGEST},
        "disks": {
            "type": "array",
            "minItems": 1,
            "maxItems": _MOST_DISKS,
            "items": _DISK_SCHEMA,
        },
        "properties": {
            "type": "object",
            "maxProperties": 128,
            "additionalProperties": {"type": "string", "maxLength": _LONGEST},
        },
    },
    "required": [_IS_MANIFEST, "disks", "properties"],
    "additionalProperties": False,
}
"""Of a manifest of :data:`VERSION`."""


class ManifestRefused(exceptions.Invalid):
    """The manifest of a machine is none, or is one that nobody should follow (IMS: "file format")."""

    code = "IMG.0057"
    template = (
        "File {file} is no manifest of a machine that can be imported: {reason}. Export the machine once more ('openstack "
        "ims image export'), and leave the manifest as it is written."
    )


class ManifestVersionUnknown(exceptions.Invalid):
    """A later release wrote the manifest."""

    code = "IMG.0072"
    template = (
        "File {file} is the manifest of a machine of version {version}, and version {known} is read here. Import it "
        "where the Image service is newer, or export the machine as 'ova', which all read."
    )


class ManifestUnexpected(exceptions.Conflict):
    """A file is the manifest of a machine where the file of a disk is needed."""

    code = "IMG.0072"
    template = (
        "File {file} is the manifest of a machine, of which an image for virtual servers (ECS) with all its disks is "
        "made. Name the file of one of its disks here, or make such an image."
    )


class ManifestMissing(exceptions.Conflict):
    """A file is no manifest of a machine."""

    code = "IMG.0072"
    template = (
        "File {file} is no manifest of a machine, whose name ends in '.json'. Make an image of it with 'create_image' "
        "('openstack ims image create --file')."
    )


@dataclasses.dataclass(frozen=True)
class ManifestDisk:
    """A disk of a machine.

    :ivar object: name of its object, without the folder that the manifest lies in
    :ivar form: one of :data:`FORMATS`
    :ivar file_size: of the object, in bytes
    :ivar size: of the data, in bytes
    :ivar volume_size: of the volume that was made of it, GiB
    :ivar digest: of the data, as hash and hexadecimal digits; ``None`` for what is sealed, in which it stands
    """

    object: str
    form: str
    file_size: int
    size: int
    volume_size: int
    volume_type: str | None = None
    goes_with_server: bool = True
    digest: tuple[str, str] | None = None

    def to_json(self, number: int) -> dict[str, Any]:
        """As it stands in a manifest."""
        return {
            "object": self.object,
            "role": _DATA if number else _SYSTEM,
            "boot_index": -1 if number else 0,
            "format": self.form,
            "file_size": self.file_size,
            "size": self.size,
            "volume_size": self.volume_size,
            "volume_type": self.volume_type,
            "delete_on_termination": self.goes_with_server,
            "digest": dict(zip(("algorithm", "value"), self.digest, strict=True))
            if self.digest
            else None,
        }


@dataclasses.dataclass(frozen=True)
class MachineManifest:
    """A machine.

    :ivar name: of the image that it was
    :ivar os_version: name of its system, if that was known
    :ivar disks: in their order; the system is on the first
    :ivar properties: of the image (:mod:`ims_glance.model.machine.carried`)
    """

    name: str
    os_version: str
    disks: tuple[ManifestDisk, ...]
    properties: Mapping[str, str]

    @classmethod
    def of_export(
        cls,
        machine: ExportedMachine,
        file: BucketFile,
        form: str,
        written: Sequence[Mapping[str, Any]],
    ) -> Self:
        """What is told of an export.

        :param file: the manifest
        :param written: of each disk, ``file_size``, ``size`` and ``digest``
        """
        disks = tuple(
            ManifestDisk(
                _name(object_of(file, number, form)),
                form,
                told["file_size"],
                told["size"],
                disk.capacity,
                disk.volume_type if _is_plain(disk.volume_type or "") else None,
                disk.goes_with_server,
                tuple(told["digest"]) if told["digest"] else None,
            )
            for number, (disk, told) in enumerate(zip(machine.disks, written, strict=True))
        )
        said = machine.description
        return cls(_plain(said["name"]), _plain(said["system"]), disks, said["properties"])

    @classmethod
    def of(cls, told: Mapping[str, Any], file: BucketFile) -> Self:
        """What stands in a manifest that fits :data:`SCHEMA`.

        :param file: its own name
        :raises ManifestRefused: if something in it contradicts something else, or names what is none of it
        """
        disks = tuple(_disk(number, each, file) for number, each in enumerate(told["disks"]))
        if len({each.object for each in disks}) < len(disks):
            _refuse(file, "two of its disks are the same object")
        texts = [told.get("name"), told.get("os_version"), *told["properties"].values()]
        texts += [*told["properties"], *(each.volume_type for each in disks)]
        if not all(_is_plain(each) for each in texts if each):
            _refuse(file, "a text in it has characters that no image may have")
        properties = dict(told["properties"])
        return cls(told.get("name") or "", told.get("os_version") or "", disks, properties)

    def to_bytes(self) -> bytes:
        """The file."""
        told = {
            _IS_MANIFEST: VERSION,
            "name": self.name,
            "os_version": self.os_version,
            "disks": [disk.to_json(number) for number, disk in enumerate(self.disks)],
            "properties": dict(sorted(self.properties.items())),
        }
        return json.dumps(told, indent=1).encode("ascii") + b"\n"

    @property
    def facts(self) -> dict[str, str | bool]:
        """What may help to make an image, as an archive tells it (:attr:`ims_glance.formats.FormatFound.facts`)."""
        told = {f"{carried.FACT}{name}": value for name, value in self.properties.items()}
        named = {
            "machine": self.name,
            "os_description": self.os_version,
            "firmware": self.properties.get("hw_firmware_type", ""),
        }
        return {
            **told,
            **{name: value for name, value in named.items() if value},
            carried.WHOLE: True,
        }


def is_manifest(file: BucketFile) -> bool:
    """Whether a file is taken for the manifest of a machine, which is a matter of its name."""
    return file.name.lower().endswith(ENDING)


def named(file: BucketFile) -> BucketFile:
    """The manifest of an export: its name may be left without its ending, or be a folder alone."""
    name = file.name
    if _name(file).lower() == ENDING:
        # Of no name at all its disks' names would not begin with it.
        name = name[: -len(ENDING)]
    if not name or name.endswith("/"):
        name += _DEFAULT_STEM
    found = BucketFile(file.bucket, name)
    return found if is_manifest(found) else BucketFile(file.bucket, name + ENDING)


def object_of(file: BucketFile, number: int, form: str) -> BucketFile:
    """The object of a disk.

    :param file: the manifest
    :param number: of the disk, from 0
    """
    return BucketFile(file.bucket, f"{_stem(file.name)}-disk{number + 1}.{FORMATS[form]}")


def beside(file: BucketFile, disk: ManifestDisk) -> BucketFile:
    """The object of a disk that a manifest names."""
    folder = file.name[: len(file.name) - len(_name(file))]
    return BucketFile(file.bucket, folder + disk.object)


def decoded(data: bytes, file: BucketFile) -> Mapping[str, Any]:
    """The JSON in a file that is said to be a manifest, of :data:`MAX_SIZE` at most; to be checked by :data:`SCHEMA`.

    :raises ManifestRefused: if it is none
    :raises ManifestVersionUnknown: if it is one of another version
    """
    try:
        told = json.loads(
            data.decode("utf-8"),
            object_pairs_hook=_once,
            parse_constant=_no_number,
            parse_float=_no_number,
        )
    except (ValueError, RecursionError):
        _refuse(file, "it is no JSON, or says something twice")
    if not isinstance(told, dict) or _IS_MANIFEST not in told:
        _refuse(file, f"it is JSON without '{_IS_MANIFEST}'")
    version = told[_IS_MANIFEST]
    if type(version) is not int:
        _refuse(file, "its version is no number")
    if version != VERSION:
        raise ManifestVersionUnknown(file=file, version=str(version)[:_SHOWN], known=VERSION)
    return told


def _disk(number: int, told: Mapping[str, Any], file: BucketFile) -> ManifestDisk:
    """A disk, if it may be there.

    :raises ManifestRefused: if not
    """
    name, form = told["object"], told["format"]
    behind = name.removeprefix(_stem(_name(file)))
    if behind == name or not _BEHIND_STEM.fullmatch(behind):
        stem = _stem(_name(file))
        _refuse(
            file,
            f"disk {number} is {name[:_SHOWN]!a}, and the disks of '{_name(file)}' lie beside it and begin with '{stem}-'",
        )
    role = (_DATA, -1) if number else (_SYSTEM, 0)
    if (told["role"], told["boot_index"]) != role:
        _refuse(file, f"disk {number} has to be the {role[0]} disk, with boot_index {role[1]}")
    if told["size"] > told["volume_size"] * GIB:
        _refuse(file, f"the data of disk {number} does not fit into its volume")
    digest = told["digest"]
    if (digest is None) is not (form == SEALED):
        _refuse(file, f"disk {number} needs the digest of its data, unless it is sealed")
    if digest and len(digest["value"]) != HASHES[digest["algorithm"]]:
        _refuse(file, f"the digest of disk {number} is none of {digest['algorithm']}")
    return ManifestDisk(
        name,
        form,
        told["file_size"],
        told["size"],
        told["volume_size"],
        told["volume_type"],
        told["delete_on_termination"],
        (digest["algorithm"], digest["value"]) if digest else None,
    )


def _name(file: BucketFile) -> str:
    return file.name.rpartition("/")[2]


def _stem(name: str) -> str:
    return name[: -len(ENDING)]


def _is_plain(text: str) -> bool:
    return text.isprintable() and free_text.is_storable(text)


def _plain(text: str) -> str:
    """What an import takes of a text that somebody has chosen: a blank of another script, say, is a blank."""
    shown = "".join(each if each.isprintable() else " " for each in text).strip()[:_LONGEST]
    return shown if _is_plain(shown) else ""


def _once(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    """An object, none of whose fields is there twice."""
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("twice")
    return found


def _no_number(text: str) -> NoReturn:
    raise ValueError(f"{text[:_SHOWN]} is no number of a manifest")


def _refuse(file: BucketFile, reason: str) -> NoReturn:
    raise ManifestRefused(file=file, reason=reason)
