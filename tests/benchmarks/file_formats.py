# SPDX-License-Identifier: Apache-2.0
"""A disk in every format that is read, as ``qemu-img`` writes it, and in every one that is written.

The same bytes have to come out. The disk is that of the pocket cloud's own guest; the cloud itself is not needed.
"""

import hashlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path

from oslo_utils import units
from pocket_cloud import guest
from pocket_cloud.cloud import Cloud

from ims_glance import formats
from ims_glance.formats import ZeroRun
from ims_glance.writers import factory
from tests.benchmarks import exports
from tests.benchmarks.files import OpenedFile
from tests.benchmarks.harness import Figure, note

_ZEROS = bytes(1 << 20)
# Name of the file -> what makes it of "$1".
_READ = {
    "disk.raw": 'cp --sparse=always "$1" "$2"',
    "disk.qcow2": 'qemu-img convert -O qcow2 "$1" "$2"',
    "packed.qcow2": 'qemu-img convert -c -O qcow2 "$1" "$2"',
    "zstd.qcow2": 'qemu-img convert -c -O qcow2 -o compression_type=zstd "$1" "$2"',
    "disk.qcow": 'qemu-img convert -O qcow "$1" "$2"',
    "disk.qed": 'qemu-img convert -O qed "$1" "$2"',
    "disk.vdi": 'qemu-img convert -O vdi "$1" "$2"',
    "disk.vhdx": 'qemu-img convert -O vhdx "$1" "$2"',
    "disk.vhd": 'qemu-img convert -O vpc -o force_size=on "$1" "$2"',
    "fixed.vhd": 'qemu-img convert -O vpc -o subformat=fixed,force_size=on "$1" "$2"',
    "disk.vmdk": 'qemu-img convert -O vmdk "$1" "$2"',
    "stream.vmdk": 'qemu-img convert -O vmdk -o subformat=streamOptimized "$1" "$2"',
    "disk.raw.gz": 'gzip -1 -c "$1" > "$2"',
    "disk.raw.zst": 'zstd -q -1 -c "$1" > "$2"',
}
_QEMU = {"raw": "raw", "qcow2": "qcow2", "vhd": "vpc", "vmdk": "vmdk"}


def identical() -> list[Figure]:
    """How many formats give back the disk, of those that are read, and of those that are written."""
    with tempfile.TemporaryDirectory() as folder:
        disk = Path(folder, "disk")
        shutil.copyfile(guest.build(Cloud.from_environment()), disk)
        # A zvhd has whole GiB.
        os.truncate(disk, units.Gi)
        with disk.open("rb") as opened:
            wanted = hashlib.file_digest(opened, "sha256").hexdigest()
        read = _count(_READ, lambda name: _is_read(disk, _made(disk, Path(folder, name)), wanted))
        written = _count(
            factory.WRITERS,
            lambda name: _is_written(disk, Path(folder, f"out.{name}"), name, wanted),
        )
    return [
        Figure("formats read identical", "all", read),
        Figure("formats written, and read back identical, by qemu-img as well", "all", written),
    ]


def _count(names: Iterable[str], is_right: Callable[[str], bool]) -> str:
    found = {name: is_right(name) for name in names}
    note(f"  {found}")
    return f"{sum(found.values())} of {len(found)}"


def _made(disk: Path, path: Path) -> Path:
    command = ["sh", "-ec", _READ[path.name].replace("qemu-img convert", "qemu-img convert -f raw")]
    subprocess.run([*command, "sh", disk, path], check=True)
    return path


def _is_read(disk: Path, path: Path, wanted: str) -> bool:
    """Whether a file gives back the disk; it is deleted."""
    hasher = hashlib.sha256()
    with OpenedFile(path) as source:
        found = formats.recognise(source, path.name)
        for extent in formats.reader(source, found):
            if not isinstance(extent, ZeroRun):
                hasher.update(extent.data)
                continue
            for at in range(0, extent.length, len(_ZEROS)):
                hasher.update(memoryview(_ZEROS)[: extent.length - at])
    path.unlink()
    is_size = found.virtual_size in (None, disk.stat().st_size)
    return is_size and hasher.hexdigest() == wanted


def _is_written(disk: Path, path: Path, form: str, wanted: str) -> bool:
    exports.write(form, disk, path)
    is_same = True
    if form in _QEMU:
        options = ("-f", "raw", "-F", _QEMU[form])
        command: list[str | Path] = ["qemu-img", "compare", *options, disk, path]
        is_same = subprocess.run(command, check=False, stdout=subprocess.DEVNULL).returncode == 0
    return _is_read(disk, path, wanted) and is_same
