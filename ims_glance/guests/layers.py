# SPDX-License-Identifier: Apache-2.0
"""The disk in a file as a block device, and what is written to it meanwhile.

::

    the file  <-  ObjectServer  <-  Daemon "format"  <-  Daemon "scratch"  <-  who looks at the disk
                  (this process)    (a sandbox)          (another; if it is written to)

What reads a stranger's file has no scratch and no key. What has them reads nothing but bytes of a disk.
"""

import contextlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from oslo_config import cfg

from ims_glance import formats
from ims_glance.formats.extents import DataPiece, Extent
from ims_glance.formats.found import Bounds, FormatFound
from ims_glance.formats.refusals import FileRefused, quoted
from ims_glance.formats.source import Source
from ims_glance.guests.creators import MadeByWindows
from ims_glance.guests.daemon import Daemon, DaemonRefused, client_node
from ims_glance.guests.disk_client import DiskClient, DiskFault
from ims_glance.guests.reading import ObjectServer
from ims_glance.guests.refusals import GuestRefused
from ims_glance.guests.scratch import Scratch, folder_of, in_sectors, sealed

DRIVERS = {
    "raw": "raw",
    "iso": "raw",
    "qcow2": "qcow2",
    "qcow": "qcow",
    "qed": "qed",
    "vdi": "vdi",
    "vhd": "vpc",
    "vhdx": "vhdx",
    "vmdk": "vmdk",
}
"""QEMU's names of the formats that it reads in any order."""

_WITH_BACKING = ("qcow", "qcow2", "qed", "vmdk")


def is_random(found: FormatFound) -> bool:
    """Whether a disk can be read in any order, where it lies; others are poured into the scratch as a whole."""
    return found.outer is None and found.format in DRIVERS


class GuestDisk:
    """A disk that is served.

    :ivar size: in bytes; the device has up to 511 more, as it consists of sectors
    :ivar socket: path of the Unix socket where NBD is spoken with it, for programs of the same user
    :ivar daemons: what serves it, the last of them at *socket*
    :ivar writable: whether it may be written to; what is written is in the scratch alone
    """

    def __init__(
        self,
        size: int,
        daemons: Sequence[Daemon],
        server: ObjectServer | None,
        scratch: Scratch | None = None,
        *,
        writable: bool = False,
    ) -> None:
        self.size = size
        self.daemons = tuple(daemons)
        self.socket = self.daemons[-1].listening.path
        self.writable = writable
        self._server = server
        self._scratch = scratch

    def check(self) -> None:
        """See that all is well with it.

        :raises ScratchFull: if there is no more room for what is written
        :raises GuestRefused: if what serves it has ended
        """
        if self._server:
            self._server.raise_error()
        if self._scratch:
            self._scratch.check()
        for daemon in self.daemons:
            if not daemon.is_running:
                raise GuestRefused(f"what reads the disk has ended ({quoted(daemon.last_words())})")

    def chunks(self) -> Iterator[bytes | int]:
        """The disk as it is now, from its first byte to its last: data of 1 MiB at most, or so many zeros.

        :raises FileRefused: if the file is damaged, where that is only found by reading
        """
        try:
            with DiskClient(self.socket, self.check) as client:
                for extent in client.extents(self.size):
                    yield extent.data if isinstance(extent, DataPiece) else extent.length
        except DiskFault as fault:
            self.check()
            raise FileRefused(f"QEMU cannot read all of its disk ({fault})") from fault


@contextlib.contextmanager
def opened(
    source: Source,
    found: FormatFound,
    conf: cfg.ConfigOpts,
    *,
    writable: bool,
    check: Callable[[], None] = lambda: None,
) -> Iterator[GuestDisk]:
    """The disk in a file, from ``with`` to its end; nothing of it is left then, nor when this process dies.

    :param source: the file, which nobody else reads meanwhile: it is read in another thread
    :param found: what was recognised there; it is no archive
    :param writable: whether the disk is written to; the file never is
    :param check: called while a disk is poured into the scratch; raises something if there is no use in it
    :raises GuestsUnavailable: if the programs for it are not on this machine
    :raises FileRefused: if QEMU does not read the file
    :raises ScratchFull: if there is no room for a disk that has to be poured
    """
    if is_random(found):
        with _read(source, found, conf, check) as (disk, server):
            if not writable:
                yield disk
                return
            with _written(disk, server, conf, check) as overlay:
                yield overlay
    else:
        with _poured(source, found, conf, writable, check) as disk:
            yield disk


@contextlib.contextmanager
def _read(
    source: Source, found: FormatFound, conf: cfg.ConfigOpts, check: Callable[[], None]
) -> Iterator[tuple[GuestDisk, ObjectServer]]:
    size = int(found.virtual_size or 0)
    driver = DRIVERS[found.format]
    if found.format == "vhd":
        # A fixed one is the disk, and its footer.
        if found.facts["subformat"] == "fixed":
            driver = "raw"
        else:
            source = MadeByWindows(source)
    with contextlib.ExitStack() as stack:
        server = stack.enter_context(ObjectServer(source))
        handed = server.client.fileno()
        node = client_node("file", server.client)
        daemon = stack.enter_context(Daemon(folder_of(conf), [node], [handed], check=check))
        # It is the daemon's: when that ends, so does the server's wait.
        server.client.close()
        try:
            _open(daemon, driver, size)
        except DaemonRefused as refused:
            server.raise_error()
            raise FileRefused(f"QEMU does not read it: {quoted(str(refused))}") from refused
        yield GuestDisk(size, [daemon], server), server


def _open(daemon: Daemon, driver: str, size: int) -> None:
    """Serve the disk, of which exactly *size* bytes are shown, in sectors."""
    node: dict[str, Any] = {
        "driver": driver,
        "node-name": "format",
        "file": "file",
        "read-only": True,
    }
    if driver in _WITH_BACKING:
        node["backing"] = None
    daemon.add(node)
    _show(daemon, "format", size, writable=False)


@contextlib.contextmanager
def _written(
    below: GuestDisk, server: ObjectServer, conf: cfg.ConfigOpts, check: Callable[[], None]
) -> Iterator[GuestDisk]:
    """Changes over a disk that is read."""
    with contextlib.ExitStack() as stack:
        connected = stack.enter_context(below.daemons[-1].listening.connect())
        scratch, daemon = sealed(stack, conf, below.size, connected, check)
        yield GuestDisk(below.size, [*below.daemons, daemon], server, scratch, writable=True)


@contextlib.contextmanager
def _poured(
    source: Source,
    found: FormatFound,
    conf: cfg.ConfigOpts,
    writable: bool,
    check: Callable[[], None],
) -> Iterator[GuestDisk]:
    """All of a disk in the scratch."""
    bounds = Bounds() if found.virtual_size is None else Bounds(virtual_size=found.virtual_size)
    with contextlib.ExitStack() as stack:
        scratch, daemon = sealed(stack, conf, bounds.virtual_size, None, check)
        with scratch.faults(), DiskClient(daemon.listening.path, check) as client:
            size = _pour(formats.reader(source, found, bounds=bounds), client, check)
        daemon.serve_no_more()
        _show(daemon, "scratch", size, writable=writable)
        yield GuestDisk(size, [daemon], None, scratch, writable=writable)


def _pour(extents: Iterable[Extent], client: DiskClient, check: Callable[[], None]) -> int:
    """Write what is on a disk; tell its size."""
    size = 0
    for extent in extents:
        check()
        size = extent.offset + extent.length
        if isinstance(extent, DataPiece):
            client.write(extent.offset, extent.data)
    client.flush()
    return size


def _show(daemon: Daemon, name: str, size: int, *, writable: bool) -> None:
    """Serve the first *size* bytes of a block device, in sectors.

    :raises DaemonRefused: if it has less
    """
    has, wants = daemon.size_of(name), in_sectors(size)
    if has < wants:
        raise DaemonRefused(f"it sees {has} bytes instead of {size}")
    if has > wants:
        cut = {"driver": "raw", "node-name": "disk", "file": name, "size": wants}
        daemon.add({**cut, "read-only": not writable})
        name = "disk"
    daemon.serve(name, writable=writable)
