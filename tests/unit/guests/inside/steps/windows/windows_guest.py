# SPDX-License-Identifier: Apache-2.0
"""A Windows whose hives are dictionaries."""

from typing import Any

from ims_glance.guests.inside.steps.step import Work
from ims_glance.guests.inside.tree import Tree
from ims_glance.model.guest.found import Guest
from ims_glance.model.guest.wishes import Wishes
from tests.unit.guests.inside.memory_guest import MemoryGuest, MemoryHive

GUEST = Guest(
    "windows", "windows", "Windows Server 2019 Standard", "win2k19", 10, 0, "x86_64",
    has_cloud_init=False, has_virtio=False, systemroot="/Windows", control_set="ControlSet001",
)  # fmt: skip
CONFIG = "/Windows/System32/config"


class WindowsGuest(MemoryHive, MemoryGuest):
    """Two hives, and the files that are always there."""

    def __init__(self, system: dict[str, Any], software: dict[str, Any] | None = None) -> None:
        MemoryHive.__init__(self, {})
        MemoryGuest.__init__(
            self,
            {
                f"{CONFIG}/SYSTEM": "old system",
                f"{CONFIG}/SOFTWARE": "old software",
                "/Windows/System32/drivers/disk.sys": "",
            },
        )
        self.hives = {"SYSTEM": system, "SOFTWARE": software or {}}

    def hivex_open(self, filename: str, write: bool = False, unsafe: bool = False) -> None:
        self.keys = self.hives[filename.rpartition("/")[2]]


def work(g: WindowsGuest, guest: Guest = GUEST, *, is_dry: bool = False, **wishes: Any) -> Work:
    """What a step has to work with."""
    return Work(Tree(g, is_dry=is_dry), guest, Wishes(not is_dry, **wishes))
