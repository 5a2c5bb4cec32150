# SPDX-License-Identifier: Apache-2.0
"""The marketplace as handlers use it."""

import types

import pytest

from ims_glance.api.common.market import (
    CopiesNotMade,
    HomeNotOffered,
    Market,
    NoMarketImages,
    ProductIncomplete,
    RegionNotOffered,
    actor_of,
)
from ims_glance.model.market.product import Actor, ProductVersion
from tests.unit.api.ims.market_world import SELLER, MarketWorld

CONTEXT = types.SimpleNamespace(user_id="u", project_id="p")


def test_it_is_offered_here_and_where_the_operator_says(tables):
    market = Market(tables.conf, NoMarketImages())
    assert market.regions == ["RegionOne"]
    tables.conf.set_override("region_name", "Here", "ims_service")
    tables.conf.set_override("regions", ["There", "Here"], "ims_market")
    assert market.regions == ["Here", "There"]
    assert (market.drafts, market.certificates_kib) == (20, 8192)


def test_a_draft_is_looked_at_before_it_is_recorded(tmp_path):
    world = MarketWorld(tmp_path)
    product = world.call("create_product", {"name": "Database"})
    found = world.market.products.get(product["id"], SELLER)
    for work in (world.market.check, world.market.submit):
        with pytest.raises(ProductIncomplete, match="a description"):
            work(CONTEXT, found)
    assert world.market.versions.of_product(product["id"]) == []


@pytest.mark.parametrize(
    ("regions", "refusal", "said"),
    [
        (["RegionOne", "Moon"], RegionNotOffered, "'Moon'"),
        (["RegionTwo"], HomeNotOffered, "'RegionOne'"),
    ],
)
def test_it_is_offered_where_it_can_be(tmp_path, regions, refusal, said):
    world = MarketWorld(tmp_path)
    business = {"regions": regions, "pricing": {"model": "free"}, "support_terms": "By mail."}
    found = world.market.products.get(world.draft(business=business)["id"], SELLER)
    with pytest.raises(refusal, match=said):
        world.market.check(CONTEXT, found)


def test_who_asks():
    assert actor_of(CONTEXT) == Actor("u", "p")


def test_without_copies_all_is_refused():
    images = NoMarketImages()
    with pytest.raises(CopiesNotMade):
        images.check_source(CONTEXT, "image")
    with pytest.raises(CopiesNotMade):
        images.copy(CONTEXT, ProductVersion("v", "p", "s", "V1", "i"))
    images.settle()
