# SPDX-License-Identifier: Apache-2.0
import inspect

import pytest

from ims_glance.guests.inside.handle import GuestFS
from tests.unit.guests.inside.memory_guest import MemoryGuest, MemoryHive

USED = {name: each for name, each in vars(GuestFS).items() if callable(each) and name[0] != "_"}


@pytest.mark.parametrize("name", sorted(USED))
def test_the_small_guest_answers_what_is_asked_of_the_library(name: str) -> None:
    """With the same names of arguments, so that no test passes with a call that the library refuses."""
    asked = ("inspect_", "part_", "list_", "pread_device")
    if name.startswith(asked):
        return
    small = MemoryHive if name.startswith("hivex_") else MemoryGuest
    wanted = [
        p for p in inspect.signature(USED[name]).parameters.values() if p.default is not p.empty
    ]
    has = inspect.signature(getattr(small, name)).parameters
    assert {each.name for each in wanted} <= set(has)
    assert len(has) == len(inspect.signature(USED[name]).parameters)
