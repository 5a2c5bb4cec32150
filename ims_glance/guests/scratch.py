# SPDX-License-Identifier: Apache-2.0
"""The file that a disk's changes are in, or all of a disk that cannot be read in any order.

It is a qcow2 in LUKS, whose password is made here and told over a connection. The file has no name in its
folder, so it is gone when this process and QEMU's are, however they end.
"""

import contextlib
import errno
import os
import secrets
import socket
import tempfile
from collections.abc import Callable, Iterator

from oslo_config import cfg
from oslo_utils import units

from ims_glance.guests import sealing
from ims_glance.guests.daemon import Daemon, DaemonRefused, Node, client_node
from ims_glance.guests.disk_client import DiskFault
from ims_glance.guests.refusals import GuestRefused, GuestsUnavailable, ScratchFull
from ims_glance.guests.sandbox import NOBODY

SECTOR = 512

# Room for the last clusters and their tables.
_SPARE = 4 * units.Mi


def folder_of(conf: cfg.ConfigOpts) -> str:
    """The folder of scratch files, which is there.

    :raises GuestsUnavailable: if it is not, and cannot be made
    """
    folder = str(conf.ims_guests.scratch_dir)
    try:
        os.makedirs(folder, exist_ok=True)
    except OSError as error:
        raise GuestsUnavailable(
            f"its scratch folder: {error}", "[ims_guests] scratch_dir"
        ) from error
    return folder


def in_sectors(size: int) -> int:
    """Bytes of the device that a disk of so many bytes is."""
    return -(-size // SECTOR) * SECTOR


class Scratch:
    """The file that a disk's changes are in."""

    def __init__(self, conf: cfg.ConfigOpts) -> None:
        self.limit = conf.ims_guests.scratch_gib * units.Gi
        self._file = tempfile.TemporaryFile(dir=folder_of(conf))  # noqa: SIM115 - closed by close()
        if os.geteuid() == 0:
            # Its user opens it anew.
            os.fchown(self._file.fileno(), NOBODY, NOBODY)

    @property
    def node(self) -> Node:
        """The file as a block device of QEMU. What is lost with the machine is lost with the job, too."""
        return {
            "driver": "file",
            "node-name": "scratch-file",
            "filename": f"/proc/self/fd/{self.fileno}",
            "locking": "off",
            "cache": {"no-flush": True},
        }

    @property
    def fileno(self) -> int:
        """Of the open file."""
        return self._file.fileno()

    def begin(self, head: bytes) -> None:
        """Write what the file begins with."""
        try:
            self._file.write(head)
            self._file.flush()
        except OSError as error:
            raise self.full() from error

    def check(self) -> None:
        """See that there is room.

        :raises ScratchFull: if there is none, or so little that what is written next may fail
        """
        if os.fstat(self.fileno).st_size > self.limit - _SPARE:
            raise self.full()
        state = os.fstatvfs(self.fileno)
        if state.f_bavail * state.f_frsize < _SPARE:
            raise self.full()

    def full(self) -> ScratchFull:
        """That there is no room."""
        state = os.fstatvfs(self.fileno)
        free = state.f_bavail * state.f_frsize // units.Mi
        used = os.fstat(self.fileno).st_blocks * SECTOR // units.Mi
        return ScratchFull(
            f"it has {used} MiB of {self.limit // units.Mi}, and {free} MiB of that place are free"
        )

    def close(self) -> None:
        """Nothing is left of it."""
        self._file.close()

    @contextlib.contextmanager
    def faults(self) -> Iterator[None]:
        """Have what cannot be written to it be told as what it is.

        :raises ScratchFull: if there is no room
        :raises GuestRefused: if something else is the matter
        """
        try:
            yield
        except (DaemonRefused, DiskFault) as fault:
            if getattr(fault, "errno", 0) in (errno.ENOSPC, errno.EFBIG):
                raise self.full() from fault
            self.check()
            raise GuestRefused(f"what is written to the disk has no place ({fault})") from fault


def sealed(
    stack: contextlib.ExitStack,
    conf: cfg.ConfigOpts,
    size: int,
    below: socket.socket | None,
    check: Callable[[], None],
) -> tuple[Scratch, Daemon]:
    """A disk in a scratch file, served for writing until the stack is left.

    :param size: of the disk, in bytes
    :param below: a connection to the disk whose changes it is to have, which is closed; else it is empty
    :raises ScratchFull: if there is no room for its head
    """
    scratch = Scratch(conf)
    stack.callback(scratch.close)
    scratch.check()
    password = secrets.token_hex(32)
    scratch.begin(sealing.head(password.encode()))
    nodes, handed = [scratch.node], [scratch.fileno]
    if below:
        nodes.append(client_node("below", below))
        handed.append(below.fileno())
    with scratch.faults():
        daemon = Daemon(
            folder_of(conf),
            nodes,
            handed,
            file_size=scratch.limit,
            sees_itself=True,
            check=check,
        )
        stack.enter_context(daemon)
        if below:
            below.close()
        daemon.add_secret("password", password)
        luks = {"driver": "luks", "node-name": "sealed", "key-secret": "password"}
        daemon.add({**luks, "file": "scratch-file", "discard": "unmap"})
        daemon.create({"driver": "qcow2", "file": "sealed", "size": in_sectors(size)})
        backing = "below" if below else None
        qcow2 = {"driver": "qcow2", "node-name": "scratch", "file": "sealed", "backing": backing}
        daemon.add({**qcow2, "discard": "unmap"})
        daemon.serve("scratch", writable=True)
    return scratch, daemon
