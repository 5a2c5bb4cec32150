# SPDX-License-Identifier: Apache-2.0
"""What stands for ``ims_glance.guests``: no appliance runs, and every disk holds the same system."""

import contextlib
import dataclasses
from collections.abc import Callable, Iterator
from typing import Any

from ims_glance import formats
from ims_glance.formats import FormatFound, Source
from ims_glance.guests.refusals import GuestsUnavailable
from ims_glance.model.guest.found import Guest
from ims_glance.model.guest.report import Report, StepOutcome, StepState
from ims_glance.model.guest.wishes import Wishes
from ims_glance.model.market.scan.report import GuestPackage, Inventory, Scanned

DEBIAN = Guest(
    "linux",
    "debian",
    "Debian GNU/Linux 12 (bookworm)",
    major=12,
    minor=5,
    arch="x86_64",
    firmware="bios",
    # Not a token: what a system says of itself may look like anything.
    hostname="gAAAAAB" + "x" * 60,
    mountpoints=(("/srv/secret", "/dev/sda1"),),
    has_cloud_init=True,
    has_virtio=False,
)
FOUND = "Debian GNU/Linux 12.0.0 64bit"
CLEAN = Scanned(
    ("Debian GNU/Linux 12 (bookworm) (x86_64)",),
    inventories=(Inventory("debian", 12, 5, None, (GuestPackage("openssl", "3.0.11-1~deb12u1"),)),),
    is_whole=True,
)
MARK = b"prepared"
REPORT = Report(DEBIAN, notes=("It was looked at.",))
PREPARED = Report(DEBIAN, (StepOutcome("virtio", StepState.DONE, "is in the initrd now"),))


@dataclasses.dataclass
class SmallDisk:
    """A disk."""

    data: bytes

    @property
    def size(self) -> int:
        """In bytes."""
        return len(self.data)

    def chunks(self) -> Iterator[bytes | int]:
        """As it is now; zeros as their number."""
        for at in range(0, len(self.data), 1 << 20):
            chunk = self.data[at : at + (1 << 20)]
            yield chunk if any(chunk) else len(chunk)


class SmallGuests:
    """The package.

    :ivar error: raised by :meth:`examine`
    :ivar is_there: whether there is what it needs
    :ivar examined: what was wished, each time
    :ivar open: how many disks are open
    """

    def __init__(self) -> None:
        self.scanned = CLEAN
        self.error: BaseException | None = None
        self.is_there = True
        self.examined: list[Wishes] = []
        self.open = 0
        self.during: Callable[[], None] = lambda: None

    def is_random(self, found: FormatFound) -> bool:
        """Whether it is."""
        return found.outer is None and not found.format.startswith("zvhd")

    def check_there(self, _conf: Any) -> None:
        """See."""
        if not self.is_there:
            raise GuestsUnavailable("there is no libguestfs")

    @contextlib.contextmanager
    def opened(
        self,
        source: Source,
        found: FormatFound,
        _conf: Any,
        *,
        writable: bool,
        check: Callable[[], None],
    ) -> Iterator[SmallDisk]:
        """All of the disk, if it is to be written to; else little is read."""
        self.check_there(_conf)
        check()
        assert not found.disks
        self.open += 1
        try:
            for at in (0, source.size // 2, source.size - 1):
                assert len(source.read(at, 1)) == 1
            read = formats.reader(source, found) if writable else ()
            pieces = [
                bytes(each.length) if isinstance(each, formats.ZeroRun) else each.data
                for each in read
            ]
            yield SmallDisk(b"".join(pieces))
        finally:
            self.open -= 1

    def scan(
        self,
        disk: SmallDisk,
        _conf: Any,
        check: Callable[[], None],
        tell: Callable[[str, int, int], None],
        project_id: str,
    ) -> Scanned:
        """Say what a test has it find."""
        assert project_id == "demo"
        tell("look", 1, 1)
        self.during()
        check()
        if self.error is not None:
            raise self.error
        return self.scanned

    def examine(
        self,
        disk: SmallDisk,
        _conf: Any,
        wishes: Wishes,
        check: Callable[[], None],
        tell: Callable[[str, int, int], None],
        project_id: str,
    ) -> Report:
        """Say what there is; prepared, it is marked."""
        assert project_id == "demo"
        self.examined.append(wishes)
        tell("look", 1, 2)
        self.during()
        check()
        if self.error is not None:
            raise self.error
        if not wishes.is_config:
            return REPORT
        tell("mark", 2, 2)
        disk.data = MARK + disk.data[len(MARK) :]
        return PREPARED
