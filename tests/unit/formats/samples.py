# SPDX-License-Identifier: Apache-2.0
"""A small file of each format and kind, for what is tried on all of them."""

import functools
import gzip
from collections.abc import Callable

import zstandard

from tests.unit.formats import zvhd_files
from tests.unit.formats.archives import ova
from tests.unit.formats.files import disk, made
from tests.unit.formats.readers.test_raw import iso

SIZE = 66_048
# Of zvhd and zvhd2, which have 2 MiB; whoever reads these samples puts it into the layout.
BLOCK = 16_384

# Name -> what makes the file of a raw disk.
SAMPLES: dict[str, Callable[[bytes], bytes]] = {
    "raw": bytes,
    "iso": lambda raw: iso(),
    "qcow2": lambda raw: made(raw, "qcow2", "cluster_size=512"),
    "qcow2 packed": lambda raw: made(
        raw, "qcow2", "cluster_size=4096", "compression_type=zstd", packed=True
    ),
    "vhd": lambda raw: made(raw, "vpc", "force_size=on"),
    "vhd fixed": lambda raw: made(raw, "vpc", "subformat=fixed", "force_size=on"),
    "vmdk": lambda raw: made(raw, "vmdk"),
    "vmdk stream": lambda raw: made(raw, "vmdk", "subformat=streamOptimized"),
    "vdi": lambda raw: made(raw, "vdi"),
    "vhdx": lambda raw: made(raw, "vhdx", "block_size=1M"),
    "qed": lambda raw: made(raw, "qed", "cluster_size=4096", "table_size=2"),
    "qcow": lambda raw: made(raw, "qcow"),
    "qcow packed": lambda raw: made(raw, "qcow", packed=True),
    "gz": lambda raw: gzip.compress(made(raw, "qcow2", "cluster_size=4096")),
    "zst": lambda raw: zstandard.compress(made(raw, "qcow2", "cluster_size=4096")),
    "ova": lambda raw: ova({"a.qcow2": made(raw, "qcow2", "cluster_size=4096")}, has_digests=False),
    "zvhd": lambda raw: zvhd_files.zvhd(raw, BLOCK),
    "zvhd2": lambda raw: zvhd_files.zvhd2(raw, BLOCK),
}


@functools.cache
def sample(name: str, size: int = SIZE) -> bytes:
    """A file of a disk of *size* bytes."""
    return SAMPLES[name](disk(size))
