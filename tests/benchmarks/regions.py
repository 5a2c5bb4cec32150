# SPDX-License-Identifier: Apache-2.0
"""Copies in other regions: bytes over the link, of servers' disks that were made of Debian's packages.

Bytes are exact, so they are counted where they are made, without a cloud: what a sender writes, and what the
receiver told it before of the older version.
"""

import os
from collections.abc import Iterator
from pathlib import Path

from ims_glance.transfer import writer
from ims_glance.transfer.frames import PIECE
from ims_glance.transfer.held import NOTHING, Held, piece_prefix
from tests.benchmarks import server_images
from tests.benchmarks.harness import Figure, note

_CHUNK = 1 << 20
_MB = 1_000_000
# Name of the figure, the disk that is sent, the older version of it that is there, a qcow2 or not, MB.
_PAIRS = (
    ("first time, server of 4 GiB raw", "first", None, False, 320),
    ("the same upgraded in place and trimmed", "trimmed", "first", False, 220),
    ("the same upgraded in place, as qcow2", "upgraded", "first", True, 460),
    ("a day's use of it, as qcow2", "used", "upgraded", True, 225),
)


def stream() -> list[Figure]:
    """MB over the link for each pair, the hashes that the receiver sends included.

    The disks are made in ``$IMS_BENCHMARK_DISKS``, or below the working directory, and stay there.
    """
    disks = server_images.make(Path(os.environ.get("IMS_BENCHMARK_DISKS") or "benchmark-disks"))
    figures = []
    for name, new, old, is_qcow2, must in _PAIRS:
        sent, told = _sent(
            *(
                server_images.as_qcow2(disks[each]) if each and is_qcow2 else disks.get(each or "")
                for each in (new, old)
            )
        )
        note(f"  {name}: {sent} bytes, after {told} bytes of hashes")
        measured = f"{(sent + told) / _MB:.1f}"
        figures.append(Figure(f"{name}: MB over the link", f"≤ {must}", measured))
    return figures


def _sent(new: Path | None, old: Path | None) -> tuple[int, int]:
    """Bytes of the stream of a disk, and of the hashes of the version that is there."""
    assert new is not None
    packed = b"" if old is None else _hashes(old)
    held = Held.of(packed) if packed else NOTHING
    size = new.stat().st_size
    return sum(map(len, writer.write(_chunks(new, _CHUNK), 0, held, size))), len(packed)


def _hashes(disk: Path) -> bytes:
    zeros = bytes(PIECE)
    pieces = (piece for piece in _chunks(disk, PIECE) if piece != zeros[: len(piece)])
    return b"".join(sorted({piece_prefix(piece) for piece in pieces}))


def _chunks(disk: Path, size: int) -> Iterator[bytes]:
    with disk.open("rb") as opened:
        while chunk := opened.read(size):
            yield chunk
