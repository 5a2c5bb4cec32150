# SPDX-License-Identifier: Apache-2.0
"""Which projects are to be members of products' copies, in the database."""

from ims_glance.model.market import membership
from ims_glance.model.market.entitlement import ProductMemberState


def test_wishes_are_seen_to_once(market):
    product = market.listed()
    entitlement = market.subscribe(product)
    market.subscribe(product, "others")
    wishes = market.members.to_do(project_id="buyers", product_id=product.id)
    assert {each.state for each in wishes} == {ProductMemberState.WANTED}
    assert {each.region for each in wishes} == {"RegionOne", "RegionTwo"}
    assert len(market.members.to_do()) == 4
    for wish in wishes:
        assert market.members.there(wish.image_id, "buyers")
        assert not market.members.removed(wish.image_id, "buyers")
        assert market.members.count(wish.image_id) == 2
    market.entitlements.unsubscribe(entitlement.id, "buyers")
    gone = market.members.to_do(project_id="buyers")
    assert {each.state for each in gone} == {ProductMemberState.UNWANTED}
    for wish in gone:
        assert not market.members.there(wish.image_id, "buyers")
        assert market.members.removed(wish.image_id, "buyers")
        assert market.members.count(wish.image_id) == 1


class Door:
    """What is done to memberships."""

    def __init__(self):
        self.done = []

    def add(self, image_id, _project_id):
        self.done.append(("add", image_id))

    def remove(self, image_id, _project_id):
        self.done.append(("remove", image_id))


def test_the_request_and_a_worker_see_to_the_same_wish(market):
    """Whoever records it last takes nothing away, and gives nothing back."""
    product, door = market.listed(), Door()
    entitlement = market.subscribe(product)
    wishes = market.members.to_do()
    for wish in [*wishes, *wishes]:
        assert membership.follow(wish, market.members, door)
    assert door.done == [("add", each.image_id) for each in wishes] * 2
    assert market.members.to_do() == []
    market.entitlements.unsubscribe(entitlement.id, "buyers")
    gone, door = market.members.to_do(), Door()
    for wish in [*gone, *gone]:
        assert membership.follow(wish, market.members, door)
    assert door.done == [("remove", each.image_id) for each in gone] * 2
    assert [market.members.count(each.image_id) for each in gone] == [0, 0]


def test_who_comes_back_before_all_was_taken_away_is_a_member_again(market):
    product = market.listed()
    entitlement = market.subscribe(product)
    first, second = (each.image_id for each in market.members.to_do())
    market.entitlements.unsubscribe(entitlement.id, "buyers")
    assert market.members.removed(first, "buyers")
    again = market.subscribe(product)
    assert again.id != entitlement.id
    assert not market.members.removed(second, "buyers")
    wishes = market.members.to_do()
    assert {each.image_id for each in wishes} == {first, second}
    assert {each.state for each in wishes} == {ProductMemberState.WANTED}
