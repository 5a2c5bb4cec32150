# SPDX-License-Identifier: Apache-2.0
"""What a file is, by the bytes that files of its format have: all of them are looked at, not the first.

A file that is two things at once is refused: whoever looks at it next may see the other one.
"""

import dataclasses

from ims_glance.formats.readers import vhd
from ims_glance.formats.refusals import CONVERT, FileRefused, FormatNotRead
from ims_glance.formats.source import Source, is_open_ended, read

RAW = "raw"
_LOOKED_AT = 64 << 10


@dataclasses.dataclass(frozen=True)
class Magic:
    """Bytes at a place, which files of a format have."""

    format: str
    offset: int
    magic: bytes


MAGICS = (
    Magic("qcow", 0, b"QFI\xfb\0\0\0\x01"),
    Magic("qcow2", 0, b"QFI\xfb"),
    Magic("vmdk", 0, b"KDMV"),
    Magic("vhd", 0, b"conectix"),
    Magic("vhdx", 0, b"vhdxfile"),
    Magic("vdi", 0x40, b"\x7f\x10\xda\xbe"),
    Magic("qed", 0, b"QED\0"),
    Magic("zvhd", 0, b"stream"),
    Magic("zvhd2", 0, b"z2strm"),
    Magic("gz", 0, b"\x1f\x8b\x08"),
    Magic("zst", 0, b"\x28\xb5\x2f\xfd"),
    Magic("ova", 257, b"ustar"),
    Magic("iso", 32769, b"CD001"),
)

_UNPACK = "Unpack it, and upload the disk that is in it."
NOT_READ = {
    b"# Disk DescriptorFile": (
        "it is the description of a VMDK whose data are in other files",
        "Make one file of it: 'qemu-img convert -O vmdk -o subformat=streamOptimized'.",
    ),
    b"COWD": ("it is a VMDK of an ESX host, whose description is in another file", CONVERT),
    b"\xbe\xba\xfe\xca\0\0\0\0": ("it is a VMDK of the kind SESparse, as for snapshots", CONVERT),
    b"WithoutFreeSpace": ("it is a disk of Parallels", CONVERT),
    b"WithouFreSpacExt": ("it is a disk of Parallels", CONVERT),
    b"\xfd7zXZ\0": ("it is compressed by xz", _UNPACK),
    b"BZh": ("it is compressed by bzip2", _UNPACK),
    b"PK\x03\x04": ("it is a ZIP archive", _UNPACK),
    b"7z\xbc\xaf\x27\x1c": ("it is an archive of 7-Zip", _UNPACK),
    b"Rar!\x1a\x07": ("it is an archive of RAR", _UNPACK),
    # Where one is taken, it is known before (ims_glance.crypto.sealed_file).
    b"IMS-SEALED ": (
        "it is a sealed image, which is no disk before it is opened",
        "Import it by itself, uncompressed.",
    ),
    b"MSWIM\0\0\0": ("it is a WIM file, which has files and is no disk", "Upload a disk."),
}
"""What would pass for a raw disk, and is none."""

# Names that promise a structure; what lacks it is damaged, and no raw disk.
_PROMISES = {
    "qcow2": {"qcow2", "qcow"},
    "qcow": {"qcow2", "qcow"},
    "vmdk": {"vmdk"},
    "vhd": {"vhd"},
    "vhdx": {"vhdx"},
    "vdi": {"vdi"},
    "qed": {"qed"},
    "zvhd": {"zvhd"},
    "zvhd2": {"zvhd2"},
    "ova": {"ova"},
    "iso": {"iso"},
    "gz": {"gz"},
    "zst": {"zst"},
    # A map of a raw disk, which IMS wants beside it, or the digests of an archive.
    "mf": {"mf"},
}


def look(source: Source) -> str:
    """The format that a file seems to be of; ``raw`` if it is of none.

    :raises FileRefused: if it is of several, or of one that is not read here
    """
    if is_open_ended(source):
        head = source.read(0, _LOOKED_AT)
    else:
        head = read(source, 0, min(_LOOKED_AT, source.size), "its beginning")
    for magic, (reason, advice) in NOT_READ.items():
        if head.startswith(magic):
            raise FormatNotRead(reason, advice)
    formats = [each.format for each in MAGICS if head.startswith(each.magic, each.offset)]
    if formats[:2] == ["qcow", "qcow2"]:
        del formats[1]
    if "vhd" not in formats and vhd.has_footer(source):
        formats.append("vhd")
    if len(formats) > 1:
        names = " and ".join(formats)
        raise FileRefused(f"it is {names} at once, so that nobody can say what is in it")
    return formats[0] if formats else RAW


def check_name(name: str, formats: set[str]) -> None:
    """See that a file whose name promises a format is not taken for a raw disk.

    :param name: of the file; one without a known ending promises nothing
    :param formats: what it was found to be
    :raises FileRefused: if it is a raw disk
    """
    ending = name.rsplit(".", 1)[-1].lower()
    if RAW in formats and not formats & _PROMISES.get(ending, formats):
        raise FileRefused(
            f"its name ends in '.{ending}', and its content is not of that format",
            "Upload it once more, complete; if it is a raw disk, give it a name that ends in '.raw'.",
        )
