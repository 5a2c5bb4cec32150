# SPDX-License-Identifier: Apache-2.0
"""Who moves a product takes its row first."""

import pytest

from ims_glance.db.market.rows import cut, move, take
from ims_glance.db.schema import MARKET_PRODUCTS
from ims_glance.model.market.product import ProductAction, ProductState, ProductStateWrong
from tests.unit.db.market.rows import SELLER


def test_a_row_is_taken_only_if_it_is_as_expected(market):
    product = market.draft()

    def write(connection):
        first = take(connection, product.id)
        again = take(connection, product.id, MARKET_PRODUCTS.c.project_id == "sellers")
        other = take(connection, product.id, MARKET_PRODUCTS.c.project_id == "others")
        return first, again, other, take(connection, "gone")

    first, again, other, gone = market.database.write(write)
    assert (first[1], again[1], other, gone) == (1, 2, None, None)


def test_a_move_that_is_not_in_the_table_changes_nothing(market):
    product = market.draft()

    def write(connection):
        taken = take(connection, product.id)
        assert taken is not None
        move(connection, taken, ProductAction.APPROVE, SELLER)

    with pytest.raises(ProductStateWrong, match="is draft; to approve it, it has to be submitted"):
        market.database.write(write)
    assert market.again(product).state is ProductState.DRAFT
    assert market.products.history(product.id) == []


def test_reasons_are_cut():
    assert [cut(each) for each in (None, "", "x" * 9999)] == [None, "", "x" * 2000]
