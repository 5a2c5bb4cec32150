# SPDX-License-Identifier: Apache-2.0
"""The marketplace: how products are found, and what is sent."""

import pytest
from openstack import exceptions

from ims_glance.client import errors
from tests.unit.client.cloud import (
    PROJECT,
    handed_in,
    offered,
    offered_whole,
    sold,
    subscribed,
)

MARKET = f"/v1/{PROJECT}/market"
OWN, ONE, VERSION = f"{MARKET}/seller/products", "a" * 32, "e" * 32


def page(name, *rows):
    return {name: list(rows), "page_info": {"next_marker": None, "current_count": len(rows)}}


def test_one_is_found_by_name_and_id(cloud, ims):
    twins = [sold(each, name="twin") for each in ("1" * 32, "2" * 32)]
    cloud.ims("GET", OWN, page("products", sold(), *twins))
    for wanted in ("database", ONE, ONE.upper()):
        assert ims.find_own_product(wanted).id == ONE
    with pytest.raises(exceptions.NotFoundException, match="'none'"):
        ims.find_own_product("none")
    with pytest.raises(exceptions.DuplicateResource, match="1, 2"):
        ims.find_own_product("twin")


def test_what_sellers_send(cloud, ims):
    cloud.ims("POST", OWN, sold(), 201)
    cloud.ims("GET", f"{OWN}/{ONE}", sold())
    cloud.ims("PUT", f"{OWN}/{ONE}", sold())
    cloud.ims("DELETE", f"{OWN}/{ONE}", None, 204)
    for action in ("submit", "versions", "withdraw", "restrict"):
        cloud.ims("POST", f"{OWN}/{ONE}/{action}", sold(state="submitted"))
    made = ims.create_product({"name": "database"})
    assert ims.get_own_product(made, files=True).note == "mine"
    assert cloud.sent("GET")[-1].query == {"files": "true"}
    ims.update_product(made, {"note": None})
    ims.submit_product(made)
    ims.submit_product(made, validate_only=True)
    ims.add_product_version(made, name="V2.0", image_id="i", release_notes=None)
    ims.withdraw_product(made, "old", 30)
    ims.restrict_product(ONE)
    assert [each.body for each in cloud.sent("POST")] == [
        {"name": "database"},
        {},
        {"validate_only": True},
        {"name": "V2.0", "image_id": "i", "release_notes": None},
        {"why": "old", "after_days": 30},
        {},
    ]
    ims.delete_product(made)
    assert cloud.only("DELETE").path.endswith(ONE)


def test_what_reviewers_send(cloud, ims):
    reviews = f"{MARKET}/reviews"
    cloud.ims("GET", reviews, page("reviews", handed_in()))
    cloud.ims("GET", f"{reviews}/{VERSION}", handed_in(document={"name": "database"}))
    for action in ("approve", "reject"):
        cloud.ims("POST", f"{reviews}/{VERSION}/{action}", handed_in())
    (found,) = ims.submitted_versions()
    assert ims.get_submitted_version(found.id).document == {"name": "database"}
    ims.approve_version(found.id)
    ims.reject_version(found.id, "no")
    assert [each.body for each in cloud.sent("POST")] == [{}, {"reasons": "no"}]


def test_what_buyers_send(cloud, ims):
    cloud.ims("GET", f"{MARKET}/products", page("products", offered()))
    cloud.ims("GET", f"{MARKET}/products/{ONE}", offered_whole())
    cloud.ims("POST", f"{MARKET}/subscriptions", subscribed(), 201)
    cloud.ims("GET", f"{MARKET}/subscriptions", {"subscriptions": [subscribed()]})
    cloud.ims("DELETE", f"{MARKET}/subscriptions/{'5' * 32}", None, 204)
    (found,) = ims.products(search="data", os=None, price="free")
    query = cloud.sent("GET")[-1].query
    assert {name: query[name] for name in ("search", "price")} == {
        "search": "data",
        "price": "free",
    }
    assert "os" not in query
    assert (found.platform, found.regions) == ("Ubuntu", ["RegionOne"])
    for wanted in ("database", ONE):
        assert ims.find_product(wanted).basic["agreement"] == "Be kind."
    made = ims.subscribe(found, "d" * 64, "small")
    assert cloud.only("POST").body == {
        "product_id": ONE, "agreement_digest": "d" * 64, "sku": "small",
    }  # fmt: skip
    (same,) = ims.subscriptions()
    assert same.images == made.images
    ims.unsubscribe(made)
    assert cloud.only("DELETE").path.endswith("5" * 32)


def test_a_refusal_has_its_code(cloud, ims):
    cloud.refuse("POST", f"{MARKET}/subscriptions", 400, "IMG.0035", "Another text.")
    with pytest.raises(errors.ServiceRefused, match=r"IMG\.0035"):
        ims.subscribe(ONE, "d" * 64)
