# SPDX-License-Identifier: Apache-2.0
"""Copies of products in other regions, in the database."""

import functools
import types
from typing import Any

import pytest
from sqlalchemy.dialects import postgresql

from ims_glance.db.market.regions import ProductRegions
from ims_glance.model.market.entitlement import ProductCopyState
from tests.unit.db.market.rows import REVIEWER, SELLER, MarketTables, at_once, refusals

HERE, THERE = "RegionOne", "RegionTwo"
BOTH = {"business": {"regions": [HERE, THERE]}}


@pytest.fixture
def regions(market: MarketTables) -> ProductRegions:
    return ProductRegions(market.database)


def copied_here(market):
    """A version with a copy in this region."""
    document = {"name": "Database", **BOTH}
    version = market.submitted(market.draft(document=document))
    assert market.copies.begun(version.id, HERE, "here")
    assert market.copies.ready(version, HERE, "here", "digest", SELLER)
    return market.versions.get_any(version.id)


def made(market, regions, image_id="there"):
    """A copy in the other region, which is whole."""
    [due] = regions.due(HERE)
    copy = due.copy
    assert regions.started(copy, "job")
    assert regions.found(copy, image_id)
    assert regions.ready(copy, image_id, "digest")
    return copy


def test_a_copy_elsewhere_is_made_of_the_one_here(market, regions):
    version = market.submitted()
    assert regions.due(HERE) == []
    assert market.copies.begun(version.id, HERE, "here")
    assert market.copies.ready(version, HERE, "here", "digest", SELLER)
    [due] = regions.due(HERE)
    assert (due.copy.region, due.source_image_id, due.digest) == (THERE, "here", "digest")


def test_regions_that_are_left_alone_take_no_places(market, regions):
    for _number in range(3):
        copied_here(market)
    assert len(regions.due(HERE, but_not=["RegionThree"])) == 3
    assert regions.due(HERE, but_not=[THERE]) == []


def test_those_that_nobody_has_looked_after_come_first_in_every_database(market, regions):
    """PostgreSQL has NULL behind all times."""
    queries: list[Any] = []
    reading = types.SimpleNamespace(execute=queries.append)
    database: Any = types.SimpleNamespace(read=lambda work: work(reading))
    with pytest.raises(AttributeError):
        ProductRegions(database).due(HERE)
    words = str(queries[0].compile(dialect=postgresql.dialect())).partition("ORDER BY ")[2]
    assert words.startswith("coalesce(market_images.look_at, ")
    later, first = copied_here(market), copied_here(market)
    [copy] = [each.copy for each in regions.due(HERE) if each.copy.version_id == later.id]
    assert regions.told(copy, None, None, 0.0)
    assert [each.copy.version_id for each in regions.due(HERE)] == [first.id, later.id]


def test_one_looks_after_it_at_a_time(market, regions):
    copied_here(market)
    [due] = regions.due(HERE)
    assert regions.claim(due.copy, 60.0)
    assert not regions.claim(due.copy, 60.0)
    assert regions.due(HERE) == []
    assert regions.told(due.copy, "IMG.0099", "away", 0.0)
    [again] = regions.due(HERE)
    assert (again.copy.code, again.copy.reason) == ("IMG.0099", "away")


def test_a_failure_counts_once(market, regions):
    copied_here(market)
    [due] = regions.due(HERE)
    copy = due.copy
    assert regions.started(copy, "job")
    assert regions.failed(copy, "IMG.0057", "no space", 60.0)
    assert not regions.failed(copy, "IMG.0057", "no space", 60.0)
    assert regions.due(HERE) == []
    [row] = [each for each in market.copies.wanted(copy.version_id) if each.region == THERE]
    found = (row.state, row.attempts, row.job_id, row.image_id, row.reason)
    assert found == (ProductCopyState.WANTED, 1, None, None, "no space")


def test_a_product_is_listed_where_it_has_copies(market, regions):
    """And who has it already gets it there when it has one."""
    version = copied_here(market)
    market.approve(version)
    product = market.of(version)
    assert product.published["business"]["regions"] == [HERE]
    assert product.summary["regions"] == [HERE]
    market.subscribe(product)
    assert [each.region for each in market.members.to_do()] == [HERE]
    made(market, regions)
    product = market.of(version)
    assert product.published["business"]["regions"] == [HERE, THERE]
    assert {each.region for each in market.members.to_do()} == {HERE, THERE}
    assert market.entitlements.images("buyers")[product.id] == {HERE: "here", THERE: "there"}


def test_a_copy_that_is_there_before_the_review_is_listed_with_it(market, regions):
    version = copied_here(market)
    made(market, regions)
    assert market.of(version).published is None
    market.approve(version)
    assert market.of(version).published["business"]["regions"] == [HERE, THERE]


def test_the_next_version_keeps_it_listed_where_the_one_before_is(market, regions):
    first = copied_here(market)
    made(market, regions)
    market.approve(first)
    second = market.submitted(market.of(first))
    assert market.copies.begun(second.id, HERE, "here 2")
    assert market.copies.ready(second, HERE, "here 2", "digest", SELLER)
    market.approve(market.versions.get_any(second.id))
    assert market.of(first).published["business"]["regions"] == [HERE, THERE]
    market.subscribe(market.of(first))
    found = market.entitlements.images("buyers")[first.product_id]
    assert found == {HERE: "here 2", THERE: "there"}


@pytest.mark.parametrize("end", ["reject", "take back", "withdraw"])
def test_nobody_goes_on_with_what_is_not_wanted(market, regions, end):
    version = copied_here(market)
    [due] = regions.due(HERE)
    copy = due.copy
    if end == "reject":
        market.versions.reject(version, REVIEWER, "no")
    elif end == "take back":
        market.versions.take_back(version, SELLER)
    else:
        market.approve(version)
        market.entitlements.withdraw(version.product_id, "sellers", SELLER, None)
    assert regions.due(HERE) == []
    assert not regions.claim(copy, 60.0)
    assert not regions.started(copy, "job")
    assert not regions.found(copy, "there")
    assert not regions.failed(copy, "IMG.0057", "no space", 0.0)
    assert not regions.ready(copy, "there", "digest")
    assert regions.busy() == {HERE, THERE}
    [left] = market.copies.unwanted(region=THERE)
    assert left.state is ProductCopyState.UNWANTED


def test_of_a_product_that_is_gone_nothing_is_made(market, regions):
    version = copied_here(market)
    [due] = regions.due(HERE)
    market.versions.reject(version, REVIEWER, "no")
    market.products.delete(version.product_id, "sellers")
    assert not regions.ready(due.copy, "there", "digest")


def test_a_region_is_busy_while_something_is_to_follow(market, regions):
    version = copied_here(market)
    market.approve(version)
    assert regions.busy() == set()
    given = market.subscribe(market.of(version))
    assert regions.busy() == {HERE}
    assert market.members.there("here", "buyers")
    assert regions.busy() == set()
    market.entitlements.unsubscribe(given.id, "buyers")
    assert regions.busy() == {HERE}


def ends(market, version):
    """What becomes of the copies of a version: by region, and whether one that is sold is left."""
    rows = {each.region: each for each in market.copies.wanted(version.id)}
    return rows[THERE].state


def test_of_a_copy_that_gets_ready_and_a_product_that_is_withdrawn_nothing_is_left(market, regions):
    """Whichever comes first."""
    version = copied_here(market)
    market.approve(version)
    product = market.of(version)
    market.subscribe(product)
    [due] = regions.due(HERE)
    assert regions.found(due.copy, "there")
    results = at_once(
        lambda: regions.ready(due.copy, "there", "digest"),
        lambda: market.entitlements.withdraw(product.id, "sellers", SELLER, None),
    )
    assert refusals(results) == []
    assert ends(market, version) is ProductCopyState.UNWANTED
    for copy in market.copies.unwanted():
        market.copies.gone(copy.version_id, copy.region)
    assert market.members.to_do() == []


def test_who_subscribes_as_a_copy_gets_ready_has_it_there(market, regions):
    version = copied_here(market)
    market.approve(version)
    product = market.of(version)
    [due] = regions.due(HERE)
    assert regions.found(due.copy, "there")
    buyers = [f"buyer-{number}" for number in range(3)]
    works = [functools.partial(market.subscribe, product, buyer) for buyer in buyers]
    results = at_once(lambda: regions.ready(due.copy, "there", "digest"), *works)
    assert refusals(results) == []
    wished = {(each.region, each.project_id) for each in market.members.to_do()}
    assert wished == {(r, f"buyer-{n}") for r in (HERE, THERE) for n in range(3)}


def test_who_leaves_as_a_copy_gets_ready_does_not_have_it(market, regions):
    version = copied_here(market)
    market.approve(version)
    given = market.subscribe(market.of(version))
    [due] = regions.due(HERE)
    assert regions.found(due.copy, "there")
    at_once(
        lambda: regions.ready(due.copy, "there", "digest"),
        lambda: market.entitlements.unsubscribe(given.id, "buyers"),
    )
    assert market.entitlements.images("buyers") == {}
    assert {str(each.state) for each in market.members.to_do()} <= {"unwanted"}


def test_of_an_approval_and_a_copy_that_gets_ready_both_list_it_there(market, regions):
    version = copied_here(market)
    [due] = regions.due(HERE)
    assert regions.found(due.copy, "there")
    at_once(lambda: regions.ready(due.copy, "there", "digest"), lambda: market.approve(version))
    assert market.of(version).published["business"]["regions"] == [HERE, THERE]


def test_withdrawn_copies_have_pages(market, regions):
    for _number in range(3):
        product = market.listed()
        market.subscribe(product)
        market.entitlements.withdraw(product.id, "sellers", SELLER, None, after=60.0)
    whole = regions.to_offshelve(HERE)
    first = regions.to_offshelve(HERE, 2)
    assert [*first, *regions.to_offshelve(HERE, 2, first[-1])] == whole
    assert len(whole) == 3


def test_a_withdrawn_product_says_so_while_buyers_have_it(market, regions):
    version = copied_here(market)
    made(market, regions)
    market.approve(version)
    market.subscribe(market.of(version))
    assert regions.to_offshelve(HERE) == []
    market.entitlements.withdraw(version.product_id, "sellers", SELLER, None, after=60.0)
    assert {HERE, THERE} <= regions.busy()
    for region in (HERE, THERE):
        [copy] = regions.to_offshelve(region)
        regions.offshelved(copy)
        assert regions.to_offshelve(region) == []
