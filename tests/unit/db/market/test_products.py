# SPDX-License-Identifier: Apache-2.0
"""Products as their seller has them, in the database."""

import dataclasses

import pytest

from ims_glance.db.market.products import TooManyDrafts
from ims_glance.db.market.rows import ProductChanged, ProductNotFound
from ims_glance.model.market.product import ProductState, ProductStateWrong
from tests.unit.db.market.rows import REVIEWER, SELLER, at_once, refusals


def test_a_draft_is_its_project_s(market):
    product = market.draft()
    assert (product.state, product.revision, product.published) == (ProductState.DRAFT, 0, None)
    with pytest.raises(ProductNotFound):
        market.products.get(product.id, "others")
    assert market.products.by_code(product.product_code) == product
    assert market.products.by_code("none") is None
    assert market.products.file(product.id, "d" * 64) == b"logo"
    assert market.products.file(product.id, "e" * 64) is None


def test_lists_have_pages(market):
    products = [market.draft() for _number in range(5)]
    market.draft(project_id="others")
    newest = [each.id for each in reversed(products)]
    first = market.products.find("sellers", 2)
    assert [each.id for each in first] == newest[:2]
    rest = market.products.find("sellers", 9, first[-1].id)
    assert [each.id for each in rest] == newest[2:]


def test_of_two_changes_at_once_one_is_refused(market):
    product = market.draft()

    def change(name):
        return lambda: market.products.change(product, {"name": name}, {}).name

    results = at_once(change("one"), change("two"))
    assert refusals(results) == [ProductChanged.__name__]
    assert market.again(product).name in results
    assert market.again(product).revision == 1


def test_a_project_has_so_many_drafts(market):
    product = market.draft()
    with pytest.raises(TooManyDrafts):
        market.products.create(product, {}, 1)
    market.products.delete(product.id, "sellers")
    market.products.create(product, {}, 1)
    # One that is listed is no draft any more.
    market.listed(product)
    other = dataclasses.replace(product, id="f" * 32, product_code="f" * 32)
    market.products.create(other, {}, 1)


def test_what_is_handed_in_is_neither_changed_nor_deleted(market):
    version = market.submitted()
    product = market.of(version)
    with pytest.raises(ProductStateWrong, match="to change it"):
        market.products.change(product, {"name": "other"}, {})
    with pytest.raises(ProductStateWrong, match="to delete it"):
        market.products.delete(product.id, "sellers")
    with pytest.raises(ProductNotFound):
        market.products.delete(product.id, "others")


def test_nothing_is_left_of_a_draft(market):
    version = market.in_review()
    market.versions.reject(version, REVIEWER, "no")
    assert [each.decision for each in market.products.reviews(version.product_id)] == ["reject"]
    market.products.delete(version.product_id, "sellers")
    for table in ("products", "versions", "changes", "reviews", "files"):
        query = f"SELECT count(*) FROM market_{table}"
        count = market.database.read(lambda each, query=query: each.exec_driver_sql(query).scalar())
        assert count == 0, table
    # The copies that there are still have to be deleted.
    assert len(market.copies.unwanted()) == 2


def test_each_change_of_state_is_recorded(market):
    version = market.submitted()
    market.versions.take_back(version, SELLER, "a mistake")
    history = market.products.history(version.product_id)
    assert [(each.action, each.from_state, each.to_state, each.why) for each in history] == [
        ("submit", "draft", "submitted", None),
        ("take back", "submitted", "draft", "a mistake"),
    ]
    assert {each.user_id for each in history} == {"seller"}
    assert all(each.changed_at for each in history)


def test_a_certificate_that_is_replaced_is_kept_as_long_as_a_version_has_it(market):
    """What was reviewed stays to be seen; what nobody ever saw goes."""
    first, second, third = (letter * 64 for letter in "123")

    def with_file(product, digest):
        document = {"name": "Database", "basic": {"certificates": [{"digest": digest}]}}
        values = {"document": document}
        return market.products.change(product, values, {digest: digest.encode()})

    def kept(product):
        return [
            market.products.file(product.id, each) is not None for each in (first, second, third)
        ]

    product = with_file(market.draft(), first)
    version = market.in_review(product)
    market.versions.reject(version, REVIEWER, "no")
    product = with_file(market.again(product), second)
    assert kept(product) == [True, True, False]
    product = with_file(product, third)
    assert kept(product) == [True, False, True]
