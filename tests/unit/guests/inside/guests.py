# SPDX-License-Identifier: Apache-2.0
"""Guests for the tests of steps."""

import platform
from typing import Any

from ims_glance.guests.inside.steps.step import Work
from ims_glance.guests.inside.tree import Tree
from ims_glance.model.guest.found import Guest
from ims_glance.model.guest.wishes import Wishes
from tests.unit.guests.inside.memory_guest import MemoryGuest

KERNEL = "6.1.0-56-amd64"
DEBIAN = Guest(
    "linux", "debian", major=12, arch=platform.machine(), package_format="deb", kernels=(KERNEL,)
)


def work(g: MemoryGuest, guest: Guest = DEBIAN, *, is_dry: bool = False, **wishes: Any) -> Work:
    """What a step has to work with."""
    return Work(Tree(g, is_dry=is_dry), guest, Wishes(not is_dry, **wishes))


def nothing(arguments: list[str]) -> str:
    """What a program says that succeeds."""
    return ""


def failing(arguments: list[str]) -> str:
    """What a program says that fails."""
    raise RuntimeError(f"{arguments[0]}: it broke")
