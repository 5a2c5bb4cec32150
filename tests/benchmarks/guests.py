# SPDX-License-Identifier: Apache-2.0
"""Systems made ready: processor time of a Debian that needs cloud-init and a new initrd, and of one that has both.

All of it without virtualization (TCG), as where KVM does not work, and without a cloud: the machine, what serves the disk
to it, and what is written to the scratch, until the system is ready. Root is needed for it: the systems are made of Debian's
packages.
"""

import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from oslo_config import cfg

from ims_glance import conf as ims_conf
from ims_glance import formats, guests
from ims_glance.model.guest.wishes import Wishes
from tests.benchmarks.files import OpenedFile
from tests.benchmarks.harness import Figure, note
from tests.cloud import small_debian

_CLOUD_INIT = "cloud-init"
_INITRD = ("etc/initramfs-tools/modules", "etc/initramfs-tools/conf.d/ide")
_TURNS = 3
_LOOK = 0.3
# As the operator's folder has them: distribution and its version.
_PACKAGES = "packages/debian/12"


def prepared() -> list[Figure]:
    """Processor time of each.

    Their disks are made in ``$IMS_BENCHMARK_DISKS``, or below the working directory, and stay there.
    """
    folder = Path(os.environ.get("IMS_BENCHMARK_DISKS") or "benchmark-disks")
    bare, ready = _bare(folder), _ready(folder)
    return [
        Figure(
            "a Debian made ready that needs cloud-init and a new initrd, s of the processor (TCG)",
            "≤ 200",
            _measured(bare, folder / "packages", {"cloud-init": "done", "virtio": "done"}),
        ),
        Figure(
            "one that has both",
            "≤ 70",
            _measured(ready, None, {"cloud-init": "not needed", "virtio": "not needed"}),
        ),
    ]


def _measured(disk: Path, packages: Path | None, wanted: dict[str, str]) -> str:
    took = []
    for turn in range(_TURNS):
        words: list[str | Path] = [sys.executable, "-m", __name__, disk, packages or ""]
        with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as process:
            used = _used(process)
            assert process.stdout is not None
            said = process.stdout.read()
        assert process.returncode == 0
        steps = dict(line.split(": ") for line in said.splitlines())
        assert wanted.items() <= steps.items(), steps
        took.append(used)
        note(f"  {turn}: {took[-1]:.0f} s, {steps}")
    return f"{sorted(took)[_TURNS // 2]:.0f}"


def _used(process: subprocess.Popen[str]) -> float:
    """Seconds of the processor that a process takes until its end, and all that it starts.

    They are looked at again and again: what is killed in a sandbox is counted by nobody.
    """
    used: dict[int, int] = {}
    while process.poll() is None:
        for each in [process.pid, *_descendants(process.pid)]:
            with contextlib.suppress(OSError):
                # utime and stime (proc(5)), behind a name that may hold blanks.
                fields = Path(f"/proc/{each}/stat").read_text().rpartition(")")[2].split()
                used[each] = int(fields[11]) + int(fields[12])
        time.sleep(_LOOK)
    return sum(used.values()) / os.sysconf("SC_CLK_TCK")


def _descendants(process: int) -> Iterator[int]:
    with contextlib.suppress(OSError):
        for thread in Path(f"/proc/{process}/task").iterdir():
            for child in map(int, (thread / "children").read_text().split()):
                yield child
                yield from _descendants(child)


def _bare(folder: Path) -> Path:
    """Without cloud-init, and with an initrd that knows IDE alone; its packages are beside it."""
    disk = folder / "guest-bare.raw"
    if not disk.exists():
        names = [name for name in small_debian.PACKAGES if name != _CLOUD_INIT]
        files = {path: text for path, text in small_debian.FILES.items() if "cloud" not in path}
        _make(disk, names, files, folder / _PACKAGES)
    return disk


def _ready(folder: Path) -> Path:
    """The disk of one with both; what else it has is as the other's."""
    disk = folder / "guest-ready.raw"
    if not disk.exists():
        left_out = (*_INITRD, "etc/cloud/cloud-init.disabled")
        files = {path: text for path, text in small_debian.FILES.items() if path not in left_out}
        _make(disk, small_debian.PACKAGES, files, None)
    return disk


def _make(
    disk: Path, names: list[str] | tuple[str, ...], files: dict[str, str], packages: Path | None
) -> None:
    disk.parent.mkdir(parents=True, exist_ok=True)
    unfinished = disk.with_suffix(".unfinished")
    with tempfile.TemporaryDirectory(dir=disk.parent) as temporary:
        root = Path(temporary, "root")
        small_debian.install(root, names)
        if packages is not None:
            _fetch(root, packages)
        small_debian.disk(root, unfinished, files)
    unfinished.rename(disk)


def _fetch(root: Path, packages: Path) -> None:
    """cloud-init, and what it needs that a system has not, by this machine's apt."""
    shutil.rmtree(packages, ignore_errors=True)
    (packages / "partial").mkdir(parents=True)
    options = {
        "Dir::State::status": root / "var/lib/dpkg/status",
        "Dir::Cache::archives": packages,
        "APT::Sandbox::User": "root",
        "APT::Install-Recommends": "false",
    }
    given = [f"--option={name}={value}" for name, value in options.items()]
    command = ["apt-get", "--quiet=2", "--assume-yes", "--download-only", *given]
    subprocess.run([*command, "install", _CLOUD_INIT], check=True, stdout=subprocess.DEVNULL)
    (packages / "lock").unlink(missing_ok=True)
    (packages / "partial").rmdir()


def _main(disk: str, packages: str) -> None:
    conf = cfg.ConfigOpts()
    ims_conf.register_opts(conf)
    conf([], default_config_files=[])
    conf.set_override("accelerator", "tcg", "ims_guests")
    source = OpenedFile(Path(disk))
    found = formats.recognise(source)
    wishes = Wishes(is_config=True, package_dir=packages or None)
    with guests.opened(source, found, conf, writable=True) as opened:
        report = guests.examine(opened, conf, wishes, lambda: None)
    for step in report.steps:
        print(f"{step.name}: {step.state}")


if __name__ == "__main__":
    _main(*sys.argv[1:])
