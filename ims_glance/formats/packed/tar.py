# SPDX-License-Identifier: Apache-2.0
"""The members of a tar archive and where they are: POSIX.1-2008 "pax", with GNU's long names and sizes.

An archive of disks has plain files with plain names. Whatever else tar can hold is refused, not passed over.
"""

import dataclasses
import re
from collections.abc import Iterator

from ims_glance.formats.extents import is_zero
from ims_glance.formats.refusals import FileCut, FileRefused, quoted
from ims_glance.formats.source import PIECE, Source, read

BLOCK = 512
_MOST_MEMBERS = 256
_MOST_TEXT = 64 << 10
# What archives are filled up with behind their end; tar itself writes 10 KiB at once.
_MOST_PADDING = 1 << 20
_FILE = (b"0", b"\0")
_PAX, _PAX_GLOBAL, _GNU_NAME = b"x", b"g", b"L"
_KINDS = {
    b"1": "a hard link",
    b"2": "a symbolic link",
    b"3": "a device",
    b"4": "a device",
    b"5": "a folder",
    b"6": "a pipe",
    b"S": "a sparse file",
}
_NAME = re.compile(r"[^/\\\x00-\x1f\x7f]{1,200}")
_PAX_RECORD = re.compile(rb"(\d{1,6}) ([^=\n]{1,100})=")


@dataclasses.dataclass(frozen=True)
class TarMember:
    """A file in an archive.

    :ivar offset: of its first byte in the archive
    """

    name: str
    offset: int
    size: int


def members(source: Source) -> list[TarMember]:
    """All members, in the order of the archive.

    :raises FileRefused: if one is no plain file, is at another place, or is there twice
    """
    found: dict[str, TarMember] = {}
    for member in _members(source):
        if member.name.lower() in found:
            raise FileRefused(f"{quoted(member.name)} is in the archive twice")
        if len(found) == _MOST_MEMBERS:
            raise FileRefused(f"the archive has more than {_MOST_MEMBERS} files")
        found[member.name.lower()] = member
    return list(found.values())


def _members(source: Source) -> Iterator[TarMember]:
    at = 0
    told: dict[str, str] = {}
    # Each step is a header of 512 bytes at least; those without a file are bounded as well.
    for _ in range(4 * _MOST_MEMBERS):
        header = read(source, at, BLOCK, "a header of the archive")
        if is_zero(header):
            _check_behind(source, at)
            return
        _check_header(header)
        size = int(told.get("size", 0)) or _number(header[124:136])
        kind = header[156:157]
        at += BLOCK
        if size > source.size - at:
            raise FileCut(f"a file at byte {at} of the archive is not there as a whole")
        if kind in _FILE:
            yield TarMember(_name(told.get("path") or _told_name(header)), at, size)
            told = {}
        else:
            told |= _more(source, kind, at, size)
        at += -(-size // BLOCK) * BLOCK
    raise FileRefused("the archive has more headers than files")


def _check_behind(source: Source, at: int) -> None:
    left = source.size - at
    if left > _MOST_PADDING:
        raise FileRefused("the archive has data behind its end")
    if left < 2 * BLOCK or not is_zero(read(source, at, min(left, PIECE), "its end")):
        raise FileRefused("the archive has no end mark, or data behind it")


def _check_header(header: bytes) -> None:
    summed = sum(header[:148]) + 8 * ord(" ") + sum(header[156:])
    if header[257:262] != b"ustar" or _number(header[148:156]) != summed:
        raise FileRefused("a header of the archive is damaged")


def _number(field: bytes) -> int:
    """A number in octal digits, or as GNU writes larger ones."""
    if field[0] == 0x80:
        return int.from_bytes(field[1:], "big")
    digits = field.split(b"\0", 1)[0].strip()
    if not re.fullmatch(rb"[0-7]{0,12}", digits):
        raise FileRefused("a number in the archive is damaged")
    return int(digits or b"0", 8)


def _told_name(header: bytes) -> str:
    name, prefix = (part.split(b"\0", 1)[0] for part in (header[:100], header[345:500]))
    # GNU has other things where POSIX has the first part of a path.
    if header[257:263] == b"ustar\0" and prefix:
        name = prefix + b"/" + name
    return name.decode("utf-8", "replace")


def _name(name: str) -> str:
    plain = name.removeprefix("./")
    if plain in (".", "..") or not _NAME.fullmatch(plain):
        raise FileRefused(
            f"the archive has a file with the name {quoted(name)}, which is no plain one"
        )
    return plain


def _more(source: Source, kind: bytes, at: int, size: int) -> dict[str, str]:
    """What a header without a file tells of the next one."""
    if kind not in (_PAX, _PAX_GLOBAL, _GNU_NAME):
        raise FileRefused(f"the archive has {_KINDS.get(kind, 'something')} in it, not only files")
    if not 0 < size <= _MOST_TEXT:
        raise FileRefused("a header of the archive is too long")
    data = read(source, at, size, "a header of the archive")
    if kind == _GNU_NAME:
        return {"path": data.rstrip(b"\0").decode("utf-8", "replace")}
    told = _pax(data)
    if any(key.startswith("GNU.sparse") for key in told) or (
        kind == _PAX_GLOBAL and "size" in told
    ):
        raise FileRefused("the archive has a sparse file in it")
    if kind == _PAX_GLOBAL:
        return {}
    if not re.fullmatch(r"\d{1,18}", told.get("size", "0")):
        raise FileRefused("a number in the archive is damaged")
    return {key: told[key] for key in ("path", "size") if key in told}


def _pax(data: bytes) -> dict[str, str]:
    """Records of a pax header: length, a space, the key, ``=``, the value, a line end."""
    told = {}
    at = 0
    while at < len(data) and data[at]:
        record = _PAX_RECORD.match(data, at)
        end = at + int(record[1]) if record else 0
        if not record or not record.end() < end <= len(data) or data[end - 1 : end] != b"\n":
            raise FileRefused("a header of the archive is damaged")
        told[record[2].decode("utf-8", "replace")] = data[record.end() : end - 1].decode(
            "utf-8", "replace"
        )
        at = end
    return told
