# SPDX-License-Identifier: Apache-2.0
"""What projects have of products, in the database."""

import functools

import pytest

from ims_glance.db.market.entitlements import (
    AgreementNotThat,
    NoNewBuyers,
    SubscriptionNotFound,
)
from ims_glance.db.market.rows import ProductNotFound
from ims_glance.model.market.entitlement import EntitlementState, ProductMemberState
from ims_glance.model.market.product import (
    ProductState,
    ProductStateWrong,
    SubmissionUnderWay,
    VersionState,
)
from tests.unit.db.market.rows import SELLER, at_once, refusals


def wishes(market):
    return {each.state for each in market.members.to_do()}


def test_who_agrees_has_the_product(market):
    product = market.listed()
    made = market.subscribe(product, sku="small")
    assert made.product_code == product.product_code
    assert (made.state, made.sku) == (EntitlementState.ACTIVE, "small")
    assert market.entitlements.of_project("buyers") == [made]
    assert market.entitlements.of_project("buyers", product.product_code) == [made]
    assert market.entitlements.of_project("buyers", "other") == []
    assert market.entitlements.of_project("others") == []
    assert set(market.entitlements.images("buyers")[product.id]) == {"RegionOne", "RegionTwo"}
    again = market.subscribe(product, sku="large")
    assert (again.id, again.sku) == (made.id, "large")
    assert len(market.entitlements.all_of_project("buyers")) == 1


def test_the_newest_version_is_shown(market):
    product = market.listed()
    market.subscribe(product)
    first = market.entitlements.images("buyers")[product.id]
    market.listed(product)
    second = market.entitlements.images("buyers")[product.id]
    assert first["RegionOne"] < second["RegionOne"]


def test_nobody_agrees_to_another_text(market):
    product = market.listed()
    with pytest.raises(AgreementNotThat, match="a" * 64):
        market.subscribe(product, agreement="b" * 64)
    assert market.entitlements.of_project("buyers") == []


def test_only_what_is_listed_is_subscribed(market):
    draft, version = market.draft(), market.in_review()
    for product in (draft, market.of(version)):
        with pytest.raises(ProductNotFound):
            market.subscribe(product)
    product = market.listed()
    market.entitlements.withdraw(product.id, "sellers", SELLER, None)
    with pytest.raises(ProductNotFound):
        market.subscribe(product)


def test_a_subscription_is_its_project_s(market):
    product = market.listed()
    made = market.subscribe(product)
    with pytest.raises(SubscriptionNotFound):
        market.entitlements.unsubscribe(made.id, "others")
    for _twice in range(2):
        ended = market.entitlements.unsubscribe(made.id, "buyers")
        assert ended.state is EntitlementState.ENDED
        assert ended.ended_at
    assert market.entitlements.of_project("buyers") == []
    assert market.entitlements.images("buyers") == {}
    assert wishes(market) == {ProductMemberState.UNWANTED}


def test_a_restricted_product_has_no_new_buyers(market):
    product = market.listed()
    made = market.subscribe(product)
    with pytest.raises(ProductNotFound):
        market.entitlements.restrict(product.id, "others", SELLER, None)
    market.entitlements.restrict(product.id, "sellers", SELLER, "too old")
    with pytest.raises(NoNewBuyers):
        market.subscribe(product, "others")
    assert market.subscribe(product).id == made.id
    with pytest.raises(ProductStateWrong):
        market.entitlements.restrict(product.id, "sellers", SELLER, None)
    # Who has it has its later versions.
    market.listed(product)
    assert market.again(product).state is ProductState.RESTRICTED
    assert len(market.members.to_do()) == 4


def test_what_is_withdrawn_nobody_has(market):
    product = market.listed()
    market.subscribe(product)
    market.entitlements.withdraw(product.id, "sellers", SELLER, "recalled")
    assert market.again(product).state is ProductState.WITHDRAWN
    assert market.again(product).withdrawn_from
    (version,) = market.versions.of_product(product.id)
    assert version.state is VersionState.WITHDRAWN
    assert market.entitlements.of_project("buyers") == []
    assert wishes(market) == {ProductMemberState.UNWANTED}
    assert len(market.copies.unwanted()) == 2


def test_the_seller_says_from_when_it_is_withdrawn(market):
    product = market.listed()
    made = market.subscribe(product)
    market.entitlements.withdraw(product.id, "sellers", SELLER, None, after=3600.0)
    with pytest.raises(ProductNotFound):
        market.subscribe(product, "others")
    (still,) = market.entitlements.of_project("buyers")
    assert still.until == market.again(product).withdrawn_from
    assert market.entitlements.images("buyers")
    assert market.copies.unwanted() == []
    assert market.entitlements.end_due() == 0
    market.database.write(
        lambda connection: connection.exec_driver_sql("UPDATE market_entitlements SET until = 1")
    )
    assert market.entitlements.end_due() == 1
    assert market.entitlements.get(made.id, "buyers").state is EntitlementState.ENDED
    assert wishes(market) == {ProductMemberState.UNWANTED}
    assert len(market.copies.unwanted()) == 2
    assert market.entitlements.end_due() == 0


def test_the_last_one_who_leaves_a_withdrawn_product_frees_its_copies(market):
    product = market.listed()
    made = market.subscribe(product)
    market.entitlements.withdraw(product.id, "sellers", SELLER, None, after=3600.0)
    market.entitlements.unsubscribe(made.id, "buyers")
    assert len(market.copies.unwanted()) == 2


def test_what_is_under_way_is_taken_back_first(market):
    product = market.listed()
    version = market.in_review(product)
    with pytest.raises(SubmissionUnderWay):
        market.entitlements.withdraw(product.id, "sellers", SELLER, None)
    market.versions.take_back(version, SELLER)
    market.entitlements.withdraw(product.id, "sellers", SELLER, None)


def test_subscribed_and_restricted_at_once_one_comes_first(market):
    for _number in range(4):
        product = market.listed()
        subscribed, restricted = at_once(
            functools.partial(market.subscribe, product),
            functools.partial(market.entitlements.restrict, product.id, "sellers", SELLER, None),
        )
        assert restricted is None
        has_it = market.entitlements.of_project("buyers", product.product_code)
        assert bool(has_it) is not isinstance(subscribed, NoNewBuyers)
        assert len(market.members.to_do(product_id=product.id)) == (2 if has_it else 0)


def test_subscribed_and_withdrawn_at_once_nobody_has_it(market):
    for _number in range(4):
        product = market.listed()
        _subscribed, withdrawn = at_once(
            functools.partial(market.subscribe, product),
            functools.partial(market.entitlements.withdraw, product.id, "sellers", SELLER, None),
        )
        assert withdrawn is None
        assert market.entitlements.of_project("buyers", product.product_code) == []
        left = {each.state for each in market.members.to_do(product_id=product.id)}
        assert left <= {ProductMemberState.UNWANTED}


def test_subscribed_twice_at_once_there_is_one(market):
    product = market.listed()
    results = at_once(*(lambda: market.subscribe(product) for _number in range(4)))
    assert refusals(results) == []
    assert len({each.id for each in results}) == 1
    assert len(market.entitlements.all_of_project("buyers")) == 1
