# SPDX-License-Identifier: Apache-2.0
"""A membership follows what is recorded, whatever changes meanwhile."""

from typing import Any

import pytest

from ims_glance.model.market import membership
from ims_glance.model.market.entitlement import ProductMember, ProductMemberState


class World:
    """What there is, what is wished, and wishes that come before something is recorded."""

    def __init__(self, wished: bool, *late: bool) -> None:
        self.is_there, self.wished, self.late, self.is_open = not wished, wished, list(late), True

    def add(self, _image_id: str, _project_id: str) -> None:
        self.is_there = True

    def remove(self, _image_id: str, _project_id: str) -> None:
        self.is_there = False

    def there(self, *_: str) -> bool:
        return self._recorded(is_there=True)

    def removed(self, *_: str) -> bool:
        return self._recorded(is_there=False)

    def _recorded(self, *, is_there: bool) -> bool:
        if self.late:
            self.wished = self.late.pop(0)
        self.is_open = self.wished is not is_there
        return not self.is_open


def member(wished: bool, **values: Any) -> ProductMember:
    state = ProductMemberState.WANTED if wished else ProductMemberState.UNWANTED
    named = {"image_id": "i", "project_id": "p", "region": "here", "product_id": "x", **values}
    return ProductMember(**named, state=state)


@pytest.mark.parametrize("wished", [True, False])
@pytest.mark.parametrize("late", [(), (True,), (False,), (False, True), (True, False)])
def test_in_the_end_there_is_what_is_wished(wished: bool, late: tuple[bool, ...]) -> None:
    world = World(wished, *late)
    assert membership.follow(member(wished), world, world)
    assert (world.is_there, world.is_open) == (world.wished, False)


def test_who_cannot_decide_is_left_for_the_next_time() -> None:
    world = World(True, False, True, False)
    assert not membership.follow(member(wished=True), world, world)
