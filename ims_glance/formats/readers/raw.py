# SPDX-License-Identifier: Apache-2.0
"""Raw disks, and ISO 9660 (ECMA-119): what is in the file is what is on the disk.

Zeros of a raw disk are told as zeros, so that what was made of a sparse file is sparse again.
"""

from collections.abc import Iterator

from ims_glance.formats.extents import Run, Stored
from ims_glance.formats.found import SECTOR, Bounds, Fact, FormatFound
from ims_glance.formats.refusals import FileCut
from ims_glance.formats.source import Source, is_open_ended, read

_BOOT_MARK = b"\x55\xaa"
_GPT = b"EFI PART"
_LUKS = b"LUKS\xba\xbe"
_VOLUME = 32 << 10
_PRIMARY = 1


def find(source: Source, bounds: Bounds) -> FormatFound:
    """Tell how the disk begins.

    :raises FileRefused: if it is too large
    """
    size = _size(source, bounds)
    head = read(source, 0, min(2 * SECTOR, source.size), "its beginning")
    facts: dict[str, Fact] = {"partitions": "none"}
    if head[SECTOR - 2 : SECTOR] == _BOOT_MARK:
        facts["partitions"] = "gpt" if head[SECTOR:].startswith(_GPT) else "mbr"
    if head.startswith(_LUKS):
        facts["encrypted"] = "LUKS"
    return FormatFound("raw", size, facts)


def find_iso(source: Source, bounds: Bounds) -> FormatFound:
    """Check that all of the volume is there; more may be, as with those that boot from a stick.

    :raises FileRefused: why it is not taken
    """
    size = _size(source, bounds)
    volume = read(source, _VOLUME, 2048, "the volume descriptor")
    blocks = int.from_bytes(volume[80:84], "little")
    held = blocks * int.from_bytes(volume[128:130], "little")
    if volume[0] == _PRIMARY and size is not None and held > size:
        raise FileCut(f"it holds {size} bytes of a volume of {held}")
    label = volume[40:72].decode("ascii", "replace").strip()
    return FormatFound("iso", size, {"label": label} if label.isprintable() and label else {})


def _size(source: Source, bounds: Bounds) -> int | None:
    return None if is_open_ended(source) else bounds.check(source.size)


def runs(source: Source, bounds: Bounds) -> Iterator[Run]:
    """All of the file."""
    yield Stored(0, bounds.check(source.size))
