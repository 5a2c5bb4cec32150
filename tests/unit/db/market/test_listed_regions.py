# SPDX-License-Identifier: Apache-2.0
"""Where a product is found that is listed in some of its regions."""

from ims_glance.db.market.listing import ProductListing, Wish
from ims_glance.db.market.regions import ProductRegions
from tests.unit.db.market import test_regions as cases


def test_it_is_found_in_the_regions_that_have_it(market):
    listing, version = ProductListing(market.database), cases.copied_here(market)

    def found(region):
        wish = Wish(("database",), (("region", region),))
        return [each["id"] for each in listing.find(wish, 10)]

    market.approve(version)
    assert (found(cases.HERE), found(cases.THERE)) == ([version.product_id], [])
    cases.made(market, ProductRegions(market.database))
    assert (found(cases.HERE), found(cases.THERE)) == ([version.product_id],) * 2
