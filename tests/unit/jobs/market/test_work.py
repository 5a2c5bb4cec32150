# SPDX-License-Identifier: Apache-2.0
"""Workers make what there is of the marketplace follow what is recorded, whenever they can."""

import threading
from typing import Any

import pytest

from ims_glance.db.market.regions import ProductRegions
from ims_glance.jobs.market import work as work_module
from ims_glance.jobs.market.work import MarketWork
from tests.unit.db.market.rows import SELLER, MarketTables
from tests.unit.flows.direct_cloud import MARKET, DirectCloud, DirectIdentity

HERE, THERE = "RegionOne", "RegionTwo"


@pytest.fixture
def cloud(tables: Any) -> DirectCloud:
    tables.conf.set_override("enabled", True, "ims_market")
    tables.conf.set_override("project", MARKET, "ims_market")
    return DirectCloud()


@pytest.fixture
def market(tables: Any) -> MarketTables:
    return MarketTables(tables.database)


@pytest.fixture
def work(tables: Any, cloud: DirectCloud) -> MarketWork:
    identity = DirectIdentity(tables.conf, cloud)
    return MarketWork(tables.conf, tables.database, identity, threading.Event())


def sold(market: MarketTables, cloud: DirectCloud, code: str = "c" * 32) -> tuple[Any, str]:
    """A product that is listed, and the id of its image."""
    version = market.submitted(market.draft(product_code=code), regions=[HERE])
    image_id = cloud.make(b"sold", visibility="shared", owner=MARKET, __imagetype="market")
    assert market.copies.begun(version.id, HERE, image_id)
    assert market.copies.ready(version, HERE, image_id, "digest", SELLER)
    market.approve(market.versions.get_any(version.id))
    return market.of(version), image_id


def test_whoever_agreed_to_it_has_it(market: Any, cloud: DirectCloud, work: MarketWork) -> None:
    product, image_id = sold(market, cloud)
    given = [market.subscribe(product, f"buyer-{number}") for number in range(3)]
    work.look()
    assert cloud.members[image_id].keys() == {"buyer-0", "buyer-1", "buyer-2"}
    market.entitlements.unsubscribe(given[1].id, "buyer-1")
    work.look()
    work.look()
    assert cloud.members[image_id].keys() == {"buyer-0", "buyer-2"}
    assert market.members.to_do() == []


def test_what_was_done_before_is_done(market: Any, cloud: DirectCloud, work: MarketWork) -> None:
    """Another worker died before it could record it, or is at it just now."""
    product, image_id = sold(market, cloud)
    given = market.subscribe(product, "buyer")
    cloud.members[image_id] = {"buyer": "accepted"}
    work.look()
    assert market.members.to_do() == []
    market.entitlements.unsubscribe(given.id, "buyer")
    cloud.members[image_id] = {}
    work.look()
    assert market.members.to_do() == []


def test_who_agrees_again_meanwhile_has_it(
    market: Any, cloud: DirectCloud, work: MarketWork, monkeypatch: pytest.MonkeyPatch
) -> None:
    product, image_id = sold(market, cloud)
    market.entitlements.unsubscribe(market.subscribe(product, "buyer").id, "buyer")
    removed = work._members.removed

    def late(*named: str) -> bool:
        monkeypatch.setattr(work._members, "removed", removed)
        market.subscribe(product, "buyer")
        return removed(*named)

    market.subscribe(product, "other")
    work.look()
    again = market.subscribe(product, "buyer")
    work.look()
    market.entitlements.unsubscribe(again.id, "buyer")
    monkeypatch.setattr(work._members, "removed", late)
    work.look()
    assert "buyer" in cloud.members[image_id]
    assert market.members.to_do() == []


def test_an_image_that_is_refused_delays_no_other(
    market: Any, cloud: DirectCloud, work: MarketWork
) -> None:
    product, image_id = sold(market, cloud)
    other, other_id = sold(market, cloud, "d" * 32)
    market.subscribe(product, "buyer")
    market.subscribe(other, "buyer")
    cloud.failures[f"POST /v2/images/{image_id}/members"] = [403]
    work.look()
    assert image_id not in cloud.members
    assert cloud.members[other_id].keys() == {"buyer"}
    work.look()
    assert cloud.members[image_id].keys() == {"buyer"}


def test_copies_that_nobody_wants_are_deleted(
    market: Any, cloud: DirectCloud, work: MarketWork
) -> None:
    version = market.submitted(regions=[HERE])
    image_id = cloud.make(b"sold", owner=MARKET)
    assert market.copies.begun(version.id, HERE, image_id)
    work.look()
    assert image_id in cloud.images
    market.versions.take_back(version, SELLER)
    work.look()
    assert image_id not in cloud.images
    assert market.copies.unwanted() == []


def test_a_copy_that_is_in_use_delays_no_other(
    market: Any, cloud: DirectCloud, work: MarketWork
) -> None:
    """As Ceph has it while a volume is a clone of it."""
    made = []
    for code in "cd":
        version = market.submitted(market.draft(product_code=code * 32), regions=[HERE])
        made.append((version.id, cloud.make(b"sold", owner=MARKET)))
        assert market.copies.begun(version.id, HERE, made[-1][1])
        market.versions.take_back(version, SELLER)
    (_, first), (_, second) = sorted(made)
    cloud.failures[f"DELETE /v2/images/{first}"] = [409]
    work.look()
    assert (first in cloud.images, second in cloud.images) == (True, False)
    work.look()
    assert first not in cloud.images
    assert market.copies.unwanted() == []


def test_any_number_of_copies_in_use_delays_no_other(
    market: Any, cloud: DirectCloud, work: MarketWork, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those that were withdrawn long ago come first in the table."""
    monkeypatch.setattr(work_module, "_COPIES", 2)
    made = []
    for number in range(6):
        version = market.submitted(market.draft(product_code=f"{number:032x}"), regions=[HERE])
        made.append(cloud.make(b"sold", owner=MARKET))
        assert market.copies.begun(version.id, HERE, made[-1])
        market.versions.take_back(version, SELLER)
    stuck = made[:-1]
    for image_id in stuck:
        cloud.failures[f"DELETE /v2/images/{image_id}"] = [409]
    for _page in range(3):
        work.look()
    assert cloud.images.keys() == set(stuck)
    # And after the last one it is the turn of the first one again.
    for _page in range(6):
        work.look()
    assert cloud.images == {}
    assert market.copies.unwanted() == []


def test_withdrawn_products_are_taken_from_all(
    market: Any, cloud: DirectCloud, work: MarketWork
) -> None:
    product, image_id = sold(market, cloud)
    for number in range(20):
        market.subscribe(product, f"buyer-{number}")
    work.look()
    market.entitlements.withdraw(product.id, product.project_id, SELLER, None)
    work.look()
    assert image_id not in cloud.images
    assert market.members.to_do() == []


def test_nothing_is_asked_where_nothing_is_sold(
    tables: Any, market: Any, cloud: DirectCloud, work: MarketWork
) -> None:
    product, _image_id = sold(market, cloud)
    market.subscribe(product)
    tables.conf.set_override("enabled", False, "ims_market")
    work.look()
    tables.conf.set_override("enabled", True, "ims_market")
    tables.conf.set_override("project", None, "ims_market")
    work.look()
    assert cloud.requests == []


def test_who_has_it_for_a_while_sees_that_it_is_withdrawn(
    market: Any, cloud: DirectCloud, work: MarketWork
) -> None:
    product, image_id = sold(market, cloud)
    market.subscribe(product)
    work.look()
    market.entitlements.withdraw(product.id, product.project_id, SELLER, None, after=60.0)
    for _twice in range(2):
        work.look()
    assert cloud.images[image_id]["__is_offshelved"] == "true"
    assert [each for each in cloud.requests if each.startswith("PATCH")] == [
        f"PATCH /v2/images/{image_id}"
    ]
    assert cloud.members[image_id].keys() == {"buyers"}


def test_a_withdrawn_copy_that_is_gone_delays_no_other(
    market: Any, cloud: DirectCloud, work: MarketWork, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those that refuse it are asked again, and the others that wait have their turn."""
    monkeypatch.setattr(work_module, "_COPIES", 2)
    made = []
    for number in range(5):
        product, image_id = sold(market, cloud, f"{number:032x}")
        made.append(image_id)
        market.subscribe(product)
        market.entitlements.withdraw(product.id, product.project_id, SELLER, None, after=60.0)
    gone, refusing, *others = made
    del cloud.images[gone]
    cloud.failures[f"PATCH /v2/images/{refusing}"] = [403]
    work.look()
    work.look()
    assert [cloud.images[each]["__is_offshelved"] for each in others[:2]] == ["true", "true"]
    assert "__is_offshelved" not in cloud.images[refusing]
    for _page in range(3):
        work.look()
    assert {each: cloud.images[each]["__is_offshelved"] for each in (refusing, *others)} == {
        each: "true" for each in (refusing, *others)
    }
    assert [each.image_id for each in ProductRegions(market.database).to_offshelve(HERE)] == [gone]


def test_all_buyers_lose_what_is_withdrawn_by_one_request(
    market: Any, cloud: DirectCloud, work: MarketWork
) -> None:
    product, image_id = sold(market, cloud)
    for number in range(30):
        market.subscribe(product, f"buyer-{number}")
    work.look()
    market.entitlements.withdraw(product.id, "sellers", SELLER, None)
    # Its store does not let it go yet: then one after the other loses it.
    cloud.failures[f"DELETE /v2/images/{image_id}"] = [409]
    cloud.failures[f"DELETE /v2/images/{image_id}/members/.*"] = [403]
    asked = len(cloud.requests)
    work.look()
    assert len(cloud.requests) - asked >= 31
    assert len(cloud.members[image_id]) == 1
    asked = len(cloud.requests)
    work.look()
    assert not [each for each in cloud.requests[asked:] if "/members/" in each]
    assert image_id not in cloud.images
    assert market.members.to_do() == []
