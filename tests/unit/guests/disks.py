# SPDX-License-Identifier: Apache-2.0
"""Small disks, and the options with which they are opened."""

import contextlib
import time
from collections.abc import Iterator
from pathlib import Path

from oslo_config import cfg

from ims_glance import formats, guests
from ims_glance.conf import ims_guests
from ims_glance.formats.source import Source

MARKER = b"a word of the owner"


def guest_conf(scratch: Path, **options: object) -> cfg.ConfigOpts:
    """Options of guests alone."""
    conf = cfg.ConfigOpts()
    conf([], project="glance")
    ims_guests.register_opts(conf)
    for name, value in {"scratch_dir": str(scratch), "accelerator": "tcg", **options}.items():
        conf.set_override(name, value, group=ims_guests.GROUP)
    return conf


@contextlib.contextmanager
def opened_disk(
    source: Source, conf: cfg.ConfigOpts, *, writable: bool = False
) -> Iterator[guests.GuestDisk]:
    """The disk in a file that was recognised before."""
    found = formats.recognise(source)
    with guests.opened(source, found, conf, writable=writable) as disk:
        yield disk


def content(disk: guests.GuestDisk) -> bytes:
    """All that is on a disk now."""
    return b"".join(chunk if isinstance(chunk, bytes) else bytes(chunk) for chunk in disk.chunks())


def running(pid):
    """Whether there is such a process, and it has not ended."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def family(pid):
    """A process and all below it."""
    found = [pid]
    for children in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in children.read_text().split():
            found += family(int(child))
    return found


def gone(pids):
    """Wait until none of the processes is there."""
    pids = [*pids]
    for _ in range(600):
        if not any(running(pid) for pid in pids):
            return True
        time.sleep(0.05)
    return False
