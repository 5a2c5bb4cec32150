# SPDX-License-Identifier: Apache-2.0
"""Files of strangers for tests: made by ``qemu-img``, and read from memory."""

import functools
import random
import struct
import subprocess
import tempfile
from collections.abc import Iterable
from pathlib import Path

import pytest

from ims_glance import formats
from ims_glance.formats.extents import Extent, Run, ZeroRun
from ims_glance.formats.refusals import FileRefused
from ims_glance.formats.source import PIECE

MIB = 1 << 20


class InMemory:
    """A source that counts how it is read.

    :ivar reads: how often
    :ivar got: bytes that were read
    """

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.reads = 0
        self.got = 0

    @property
    def size(self) -> int:
        return len(self.data)

    def read(self, offset: int, length: int) -> bytes:
        assert offset >= 0
        assert 0 < length <= PIECE
        self.reads += 1
        self.got += length
        return self.data[offset : offset + length]


class Sparse(InMemory):
    """A beginning, and zeros behind it that take no memory."""

    def __init__(self, data: bytes, size: int) -> None:
        super().__init__(data)
        self._size = size

    @property
    def size(self) -> int:
        return self._size

    def read(self, offset: int, length: int) -> bytes:
        data = super().read(offset, length)
        return data.ljust(min(length, self._size - offset), b"\0")


@functools.cache
def disk(size: int = 3 * MIB + 1536, seed: int = 1) -> bytes:
    """A raw disk: a boot sector, holes, data that can be compressed and data that cannot, and a last sector."""
    chance = random.Random(seed)
    data = bytearray(size)
    for _ in range(8):
        start = chance.randrange(size)
        length = min(chance.randrange(1, 90_000), size - start)
        text = chance.randbytes(64) * (length // 64 + 1)
        data[start : start + length] = chance.choice([chance.randbytes(length), text[:length]])
    data[:512] = chance.randbytes(510) + b"\x55\xaa"
    data[-512:] = chance.randbytes(512)
    return bytes(data)


@functools.cache
def made(raw: bytes, form: str, *options: str, packed: bool = False) -> bytes:
    """The file that ``qemu-img convert`` makes of a raw disk.

    :param form: QEMU's name of the format
    :param options: of the format, ``cluster_size=4096`` say
    :param packed: with compressed clusters
    """
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder, "disk.raw"), Path(folder, "disk")
        source.write_bytes(raw)
        chosen = [word for option in options for word in ("-o", option)]
        flags = ["-c"] if packed else []
        command = ["qemu-img", "convert", "-f", "raw", "-O", form, *flags, *chosen]
        done = subprocess.run([*command, source, target], check=False, capture_output=True)
        # QEMU 7.2 says 1 and nothing else after it has packed the first qcow, which is then whole.
        assert done.returncode == (form == "qcow" and packed), done.stderr
        return target.read_bytes()


def qemu_reads(data: bytes, form: str) -> bytes:
    """The raw disk that ``qemu-img`` reads from a file."""
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder, "disk"), Path(folder, "disk.raw")
        source.write_bytes(data)
        command = ["qemu-img", "convert", "-f", form, "-O", "raw", str(source), str(target)]
        subprocess.run(command, check=True, capture_output=True)
        return target.read_bytes()


def joined(extents: Iterable[Extent], size: int | None = None) -> bytes:
    """The disk that extents tell, which follow each other without a gap."""
    out = bytearray()
    for extent in extents:
        assert extent.offset == len(out)
        assert extent.length > 0
        if isinstance(extent, ZeroRun):
            out += bytes(extent.length)
        else:
            assert extent.length <= PIECE
            out += extent.data
    assert size is None or len(out) == size
    return bytes(out)


def opened(data: bytes, name: str | None = None) -> bytes:
    """The disk of a file, as this package reads it."""
    source = InMemory(data)
    found = formats.recognise(source, name)
    return joined(formats.reader(source, found), found.virtual_size)


def opened_disks(data: bytes) -> list[bytes]:
    """The disks of an archive, as this package reads them."""
    source = InMemory(data)
    found = formats.recognise(source)
    return [
        joined(formats.reader(source, found, number), disk.found.virtual_size)
        for number, disk in enumerate(found.disks)
    ]


def drained(runs: Iterable[Run]) -> None:
    """Read all that a format tells."""
    for _ in runs:
        pass


def refused(data: bytes, why: str, name: str | None = None) -> FileRefused:
    """See that a file is refused before, or while, it is read, for that reason."""
    with pytest.raises(FileRefused, match=why) as caught:
        opened(data, name)
    assert str(caught.value).endswith((".", "'"))
    return caught.value


def patched(data: bytes, offset: int, form: str, *values: int | bytes) -> bytes:
    """The file with other fields at a place."""
    changed = bytearray(data)
    struct.pack_into(form, changed, offset, *values)
    return bytes(changed)
