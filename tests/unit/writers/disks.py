# SPDX-License-Identifier: Apache-2.0
"""Disks to be written, what writes them, and what ``qemu-img`` reads."""

import functools
import random
import subprocess
from collections.abc import Iterator
from pathlib import Path

from ims_glance.writers import factory
from ims_glance.writers.base import MIB, Buffer

SECTOR = 512
QEMU = {"raw": "raw", "qcow2": "qcow2", "vhd": "vpc", "vmdk": "vmdk"}
"""What ``qemu-img`` calls the formats that it reads."""


def _zeros(size: int) -> bytes:
    return bytes(size)


def _noise(size: int) -> bytes:
    return random.Random(size).randbytes(size)


def _text(size: int) -> bytes:
    return (b"one line\n" * (size // 9 + 1))[:size]


def _sparse(size: int) -> bytes:
    """Mostly zeros, with data at both ends and in places that are no multiples of anything."""
    made = random.Random(size)
    disk = bytearray(size)
    for at in (0, size // 5, size // 3 + 1, size // 2 + 511, size - 3000):
        disk[at : at + 3000] = made.randbytes(3000)
    return bytes(disk[:size])


@functools.cache
def disks() -> dict[str, bytes]:
    """Small disks by name, of sizes that are multiples of a sector, a cluster, a block, or of none."""
    return {
        "a sector": _noise(SECTOR),
        "less than a sector": _text(100),
        "a cluster": _text(1 << 16),
        "a byte more than a cluster": _noise((1 << 16) + 1),
        "zeros": _zeros(5 * MIB + SECTOR),
        "noise": _noise(2 * MIB + SECTOR),
        "sparse": _sparse(9 * MIB + 4096),
        "zeros at the end": _text(3 * MIB) + _zeros(3 * MIB),
        "an odd size": _zeros(2 * MIB) + _text(2 * MIB + 777),
    }


def far(size: int) -> dict[int, bytes]:
    """Data of a disk whose tables are far from each other: what there is by its place."""
    return {0: _noise(70_000), size // 2 - 5: _text(100_000), size - 700: _noise(700)}


def pieces(disk: bytes, seed: int = 0) -> Iterator[bytes | int]:
    """A disk in odd pieces; some of those that are zero as their length."""
    made = random.Random(seed)
    at = 0
    while at < len(disk):
        piece = disk[at : at + made.choice((1, 511, 4096, 65_536, 100_000, 1 << 20, 3 << 20))]
        at += len(piece)
        yield len(piece) if made.random() < 0.5 and not any(piece) else piece


def write(name: str, disk: bytes, seed: int = 0, **more) -> bytes:
    """A disk in a format."""
    writer = factory.writer(name, len(disk), **more)
    written: list[Buffer] = []
    for piece in pieces(disk, seed):
        written += writer.skip(piece) if isinstance(piece, int) else writer.feed(piece)
    written += writer.finish()
    file = writer.head() + b"".join(written)
    assert len(file) == writer.offset
    return file


def write_far(name: str, size: int) -> bytes:
    """The disk of :func:`far` in a format."""
    writer = factory.writer(name, size)
    written: list[Buffer] = []
    for at, content in far(size).items():
        written += [*writer.skip(at - writer.position), *writer.feed(content)]
    written += writer.finish()
    return writer.head() + b"".join(written)


def qemu_img(*arguments: str | Path) -> str:
    """What ``qemu-img`` prints."""
    done = subprocess.run(
        ["qemu-img", *map(str, arguments)], capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def compare(name: str, file: bytes, disk: bytes, folder: Path) -> None:
    """Have ``qemu-img`` read a file and compare it with the disk.

    The last sector of a raw disk is completed with zeros, as it does.
    """
    (folder / "disk").write_bytes(disk)
    (folder / "file").write_bytes(file)
    said = qemu_img("compare", "-f", "raw", "-F", QEMU[name], folder / "disk", folder / "file")
    assert said == "Images are identical.\n"


def compare_far(name: str, size: int, folder: Path) -> None:
    """Write the disk of :func:`far`, and compare."""
    with (folder / "disk").open("wb") as opened:
        for at, content in far(size).items():
            opened.seek(at)
            opened.write(content)
        opened.truncate(size)
    (folder / "file").write_bytes(write_far(name, size))
    said = qemu_img("compare", "-f", "raw", "-F", QEMU[name], folder / "disk", folder / "file")
    assert said == "Images are identical.\n"
