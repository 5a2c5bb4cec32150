# SPDX-License-Identifier: Apache-2.0
"""The text in a VMDK that says what it consists of: "The Descriptor File" of "Virtual Disk Format 5.0".

It may name other files, those of the host among them. So only what is known is let through: one extent,
which is this file.
"""

import re

from ims_glance.formats.refusals import FileRefused, FormatNotRead, quoted

SPARSE, STREAM = "monolithicsparse", "streamoptimized"
"""The kinds of VMDK that are one file."""

MAX_SIZE = 1 << 15
"""Bytes of a descriptor; they have less than a thousand."""

_FIELD = re.compile(r'([a-z][\w.]*)\s*=\s*"?([^"]*)"?')
_EXTENT = re.compile(r'(rw|rdonly)\s+(\d{1,19})\s+(\w+)\s+"([^"/\\]*)"(\s+0)?')
_NO_PARENT = "ffffffff"
_ONE_FILE = "Make one file of it: 'qemu-img convert -O vmdk -o subformat=streamOptimized' where its files are."
_PARENT = ("parentfilenamehint", "parentcid")


def kind(data: bytes, capacity: int) -> str:
    """Which kind of VMDK it is: :data:`SPARSE` or :data:`STREAM`.

    :param data: the descriptor, up to the zeros behind it
    :param capacity: of the disk, in sectors, as the header has it
    :raises FileRefused: if it names other files, or has what is not known
    """
    fields, extents = _lines(data)
    created = fields.get("createtype", "")
    if created not in (SPARSE, STREAM):
        raise FormatNotRead(
            f"it is a VMDK of the kind {quoted(created)}, not in one file", _ONE_FILE
        )
    if "parentfilenamehint" in fields or fields.get("parentcid", _NO_PARENT) != _NO_PARENT:
        raise FileRefused("it holds only what differs from another disk", _ONE_FILE)
    if len(extents) != 1:
        raise FileRefused(f"it consists of {len(extents)} extents instead of one", _ONE_FILE)
    extent = _EXTENT.fullmatch(extents[0])
    if extent is None or extent[3] != "sparse":
        raise FileRefused(f"its extent {quoted(extents[0])} is not in this file", _ONE_FILE)
    if int(extent[2]) != capacity:
        raise FileRefused("its descriptor and its header tell different sizes of the disk")
    return created


def _lines(data: bytes) -> tuple[dict[str, str], list[str]]:
    """Fields and extents, in lower case."""
    text = data.split(b"\0", 1)[0]
    if not text.isascii():
        # A name of a file may have any letters; they tell nothing here.
        text = bytes(byte if byte < 128 else 63 for byte in text)
    fields: dict[str, str] = {}
    extents = []
    for each in text.decode("ascii").lower().splitlines():
        line = each.strip()
        if not line or line.startswith("#"):
            continue
        field = _FIELD.fullmatch(line)
        if field is None:
            extents.append(line)
        elif field[1] in fields and field[1] in (*_PARENT, "createtype"):
            raise FileRefused(f"its descriptor has two lines {quoted(field[1])}")
        else:
            fields[field[1]] = field[2].strip()
    return fields, extents
