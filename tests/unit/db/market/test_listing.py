# SPDX-License-Identifier: Apache-2.0
"""Listed products as buyers look for them, in the database."""

import dataclasses

import pytest

from ims_glance.db.market.listing import ProductListing, Wish
from ims_glance.db.market.rows import ProductNotFound
from tests.unit.db.market.rows import PUBLICATION, REVIEWER, SELLER


@pytest.fixture
def listing(market):
    return ProductListing(market.database)


def listed(market, *terms):
    version = market.in_review()
    publication = dataclasses.replace(PUBLICATION, terms=terms)
    market.versions.approve(version, REVIEWER, publication, None)
    return version.product_id


def ids(found):
    return [each["id"] for each in found]


def test_what_fits_all_wishes_the_newest_first(market, listing):
    first = listed(market, ("word", "database"), ("os", "linux"))
    second = listed(market, ("word", "data"), ("os", "windows"), ("word", "100"))
    market.draft()
    assert ids(listing.find(Wish(), 9)) == [second, first]
    assert ids(listing.find(Wish(("data",)), 9)) == [second, first]
    assert ids(listing.find(Wish(("data",)), 1)) == [second]
    assert ids(listing.find(Wish(("data",)), 9, second)) == [first]
    assert ids(listing.find(Wish(("datab",)), 9)) == [first]
    assert ids(listing.find(Wish(("data",), (("os", "windows"),)), 9)) == [second]
    assert listing.find(Wish(("data",), (("os", "linux"), ("os", "windows"))), 9) == []
    assert listing.find(Wish(("%",)), 9) == listing.find(Wish(("d_ta",)), 9) == []


def test_what_is_not_listed_is_for_those_who_have_it(market, listing):
    product = market.listed()
    assert listing.get(product.id, "others").id == product.id
    market.subscribe(product)
    market.entitlements.restrict(product.id, "sellers", SELLER, None)
    assert listing.find(Wish(), 9) == []
    assert listing.get(product.id, "buyers").id == product.id
    for product_id, project_id in ((product.id, "others"), (market.draft().id, "sellers")):
        with pytest.raises(ProductNotFound):
            listing.get(product_id, project_id)


def test_a_later_version_is_found_by_its_own_words(market, listing):
    product = market.listed()
    version = market.in_review(product)
    new = dataclasses.replace(PUBLICATION, terms=[("word", "new")])
    market.versions.approve(version, REVIEWER, new, None)
    assert listing.find(Wish(("database",)), 9) == []
    assert ids(listing.find(Wish(("new",)), 9)) == [product.id]


def test_a_page_is_found_by_indexes(market, listing):
    """Whatever it is looked for by: no table is read from its beginning to its end."""
    plans: list[str] = []

    def explain(work):
        def run(connection):
            class Asked:
                def execute(self, query):
                    compiled = query.compile(
                        connection.engine, compile_kwargs={"literal_binds": True}
                    )
                    plans.extend(
                        row[3]
                        for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {compiled}")
                    )
                    return connection.execute(query)

                def scalar(self, query):
                    return connection.scalar(query)

            return work(Asked())

        return market.database.write(run)

    product_id = listed(market, ("word", "data"), ("os", "linux"))
    listing._database = type("Database", (), {"read": staticmethod(explain)})()
    wish = Wish((), (("os", "linux"), ("region", "RegionOne")))
    for asked in (Wish(), wish):
        listing.find(asked, 50)
        listing.find(asked, 50, product_id)
    assert plans
    assert not [plan for plan in plans if plan.startswith("SCAN market_")], plans
