# SPDX-License-Identifier: Apache-2.0
"""What stands between the members of a tar archive, and at its end: POSIX.1-2008, "ustar Interchange Format"."""

import struct

BLOCK = 512
END = bytes(2 * BLOCK)
# name, mode, owner, group, size, time, checksum, kind, link, magic, owner's and group's name, device, prefix
_HEADER = struct.Struct("100s8s8s8s12s12s8s1s100s8s32s32s8s8s155s12x")
_CHECKSUM = slice(148, 156)
_FILE, _MAGIC = b"0", b"ustar\x0000"
_NO_NUMBER = b"0000000\0"
# As many as eleven octal digits can say; larger ones as GNU writes them, which all know that read OVAs.
_USTAR_MOST = (1 << 33) - 1
_BINARY = 1 << 95


def header(name: str, size: int, when: int) -> bytes:
    """What stands before a member: one block.

    :param name: of at most 100 bytes, in ASCII
    :param size: of the member, in bytes
    :param when: its time, in seconds since 1970
    """
    made = _HEADER.pack(
        name.encode("ascii"),
        b"0000644\0",
        _NO_NUMBER,
        _NO_NUMBER,
        _long(size),
        _long(when),
        b" " * 8,
        _FILE,
        b"",
        _MAGIC,
        b"",
        b"",
        b"",
        b"",
        b"",
    )
    checksum = b"%06o\0 " % sum(made)
    return made[: _CHECKSUM.start] + checksum + made[_CHECKSUM.stop :]


def member(name: str, data: bytes, when: int) -> bytes:
    """A small member, with all that belongs to it."""
    return header(name, len(data), when) + data + bytes(-len(data) % BLOCK)


def _long(number: int) -> bytes:
    if number <= _USTAR_MOST:
        return b"%011o\0" % number
    return (_BINARY | number).to_bytes(12, "big")
