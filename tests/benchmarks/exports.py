# SPDX-License-Identifier: Apache-2.0
"""Export: processor time and memory of writing a server's disk as qcow2, beside ``qemu-img convert``.

Both read the same file, with its holes: that of the first server of :mod:`tests.benchmarks.server_images`.
"""

import os
import resource
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from oslo_utils import units

from ims_glance.writers import factory
from tests.benchmarks import server_images
from tests.benchmarks.harness import Figure, in_turns, median_ratio

_CHUNK = 1 << 20
_FORMAT = "qcow2"


def export() -> list[Figure]:
    """Processor time and memory of an export of a server's disk.

    The disks are made in ``$IMS_BENCHMARK_DISKS``, or below the working directory, and stay there.
    """
    disks = Path(os.environ.get("IMS_BENCHMARK_DISKS") or "benchmark-disks")
    disk = server_images.make(disks, "first")["first"]
    memory: list[float] = []
    with tempfile.TemporaryDirectory(dir=disk.parent) as folder:
        ours_file, theirs_file = Path(folder) / "ours", Path(folder) / "theirs"

        def ours(_turn: int) -> float:
            used, mebibytes = _in_child(disk, ours_file)
            memory.append(mebibytes)
            return used

        convert = ("qemu-img", "convert", "-f", "raw", "-O", _FORMAT)
        command: list[str | Path] = [*convert, disk, theirs_file]
        stock, taken = in_turns(lambda _turn: _seconds_of(command), ours)
        options = ("qemu-img", "compare", "-f", "raw", "-F", _FORMAT)
        compare: list[str | Path] = [*options, disk, ours_file]
        subprocess.run(compare, check=True, stdout=subprocess.DEVNULL)
    middle = len(stock) // 2
    return [
        Figure(
            "export of a server of 4 GiB to qcow2, processor time ÷ `qemu-img convert`",
            "≤ 1.5",
            f"{median_ratio(taken, stock):.2f} ({sorted(taken)[middle]:.2f} ÷ "
            f"{sorted(stock)[middle]:.2f} s)",
        ),
        Figure("memory of that above idle, MiB", "≤ 64", f"{max(memory):.0f}"),
    ]


def _seconds_of(command: list[str | Path]) -> float:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return _processor(after) - _processor(before)


def _in_child(disk: Path, target: Path) -> tuple[float, float]:
    """Export in a process of its own: processor time in seconds, and MiB above what it began with."""
    done = subprocess.run(
        [sys.executable, "-m", __name__, disk, target], check=True, capture_output=True, text=True
    )
    used, mebibytes = done.stdout.split()
    return float(used), float(mebibytes)


def write(form: str, disk: Path, target: Path) -> None:
    """Write a disk in a format."""
    writer = factory.writer(form, disk.stat().st_size)
    with target.open("wb", buffering=0) as file:
        file.seek(writer.head_size)
        for chunk in _chunks(disk):
            taken = writer.skip(chunk) if isinstance(chunk, int) else writer.feed(chunk)
            for piece in taken:
                file.write(piece)
        for piece in writer.finish():
            file.write(piece)
        file.seek(0)
        file.write(writer.head())


def _chunks(disk: Path) -> Iterator[bytes | int]:
    """A file's bytes, and the lengths of its holes, as ``qemu-img`` reads it."""
    size, at = disk.stat().st_size, 0
    with disk.open("rb", buffering=0) as opened:
        while at < size:
            try:
                data = os.lseek(opened.fileno(), at, os.SEEK_DATA)
            except OSError:  # there is nothing but a hole any more
                data = size
            if data > at:
                yield data - at
            at = os.lseek(opened.fileno(), data, os.SEEK_HOLE) if data < size else size
            for place in range(data, at, _CHUNK):
                yield os.pread(opened.fileno(), min(_CHUNK, at - place), place)


def _processor(usage: resource.struct_rusage) -> float:
    return usage.ru_utime + usage.ru_stime


def _peak() -> int:
    """The most memory of this process until now, in KiB. (That of its usage is its parent's, too.)"""
    lines = Path("/proc/self/status").read_text().splitlines()
    (line,) = (line for line in lines if line.startswith("VmHWM:"))
    return int(line.split()[1])


def _main(disk: str, target: str) -> None:
    before, idle = resource.getrusage(resource.RUSAGE_SELF), _peak()
    write(_FORMAT, Path(disk), Path(target))
    after = resource.getrusage(resource.RUSAGE_SELF)
    print(_processor(after) - _processor(before), (_peak() - idle) / units.Ki)


if __name__ == "__main__":
    _main(*sys.argv[1:])
