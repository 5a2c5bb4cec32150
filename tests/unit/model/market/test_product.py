# SPDX-License-Identifier: Apache-2.0
"""What may be done to a product, state by state."""

import itertools

import pytest

from ims_glance.model.market.product import (
    PRODUCTS,
    VERSIONS,
    ProductAction,
    ProductState,
    ProductStateWrong,
    VersionState,
    VersionStateWrong,
    is_id,
    next_state,
    next_version_state,
)

ON_SALE = "listed>listed restricted>restricted"
# Written as one reads them; what is not here is refused.
EXPECTED_PRODUCTS = {
    "change": f"draft>draft rejected>rejected {ON_SALE}",
    "delete": "draft>draft rejected>rejected",
    "submit": f"draft>submitted rejected>submitted {ON_SALE}",
    "take back": f"submitted>draft {ON_SALE}",
    "copied": f"submitted>submitted {ON_SALE}",
    "fail": f"submitted>draft {ON_SALE}",
    "approve": f"submitted>listed {ON_SALE}",
    "reject": f"submitted>rejected {ON_SALE}",
    "restrict": "listed>restricted",
    "withdraw": "listed>withdrawn restricted>withdrawn",
}
EXPECTED_VERSIONS = {
    "take back": "copying>taken back,in review>taken back",
    "copied": "copying>in review",
    "fail": "copying>failed",
    "approve": "in review>listed",
    "reject": "in review>rejected",
    "withdraw": "listed>withdrawn",
}


def pairs(text, separator):
    return dict(each.split(">") for each in text.split(separator)) if text else {}


@pytest.mark.parametrize(("action", "state"), list(itertools.product(ProductAction, ProductState)))
def test_a_product_goes_where_the_table_says(action, state):
    expected = pairs(EXPECTED_PRODUCTS[action], " ").get(state)
    if expected is None:
        with pytest.raises(ProductStateWrong, match=f"is {state}; to {action} it"):
            next_state("p", state, action)
    else:
        assert next_state("p", state, action) == expected


@pytest.mark.parametrize(("action", "state"), list(itertools.product(VERSIONS, VersionState)))
def test_a_version_goes_where_the_table_says(action, state):
    expected = pairs(EXPECTED_VERSIONS.get(action, ""), ",").get(state)
    if expected is None:
        with pytest.raises(VersionStateWrong, match=f"is {state}; to {action} it"):
            next_version_state("v", state, action)
    else:
        assert next_version_state("v", state, action) == expected


def test_every_state_is_reached_and_withdrawn_ends_all():
    reached = {after for moves in PRODUCTS.values() for after in moves.values()}
    assert reached == set(ProductState)
    assert all(ProductState.WITHDRAWN not in moves for moves in PRODUCTS.values())
    assert {after for moves in VERSIONS.values() for after in moves.values()} == set(
        VersionState
    ) - {VersionState.COPYING}


def test_what_looks_like_an_id():
    assert is_id("0" * 32)
    assert not any(is_id(text) for text in ("", "0" * 31, "0" * 33, "G" * 32, "0" * 32 + "\n"))
