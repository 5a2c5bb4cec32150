# SPDX-License-Identifier: Apache-2.0
"""What buyers find, see and subscribe to, and what nobody but a seller and the reviewers sees."""

import base64
import json

import pytest

from ims_glance import exceptions
from ims_glance.api.ims.operations.market import SkuUnknown
from ims_glance.db.market.entitlements import AgreementNotThat, NoNewBuyers, SubscriptionNotFound
from ims_glance.db.market.rows import ProductNotFound
from tests.unit.api.ims.market_world import (
    BUYER,
    NOBODY,
    OTHER_BUYER,
    OTHER_SELLER,
    REVIEWER,
    SELLER,
    MarketWorld,
    png,
    whole,
)


@pytest.fixture
def world(tmp_path):
    return MarketWorld(tmp_path)


def found(world, **query):
    listed = world.call("list_products", None, BUYER, query)
    return [each["name"] for each in listed["products"]]


def test_products_are_found_by_what_they_say(world):
    world.listed()
    free = {"pricing": {"model": "free"}, "regions": ["RegionOne", "RegionTwo"]}
    world.listed(world.draft(**whole("Caf\u00e9 Server", **free)))
    world.draft(name="Hidden")
    assert found(world) == ["Caf\u00e9 Server", "Quick Database"]
    assert found(world, search="caf") == found(world, search="CAF\u00c9") == ["Caf\u00e9 Server"]
    assert found(world, search="quick data") == ["Quick Database"]
    assert found(world, search="quick caf") == []
    assert found(world, search="?!") == found(world, search="100%") == []
    assert found(world, price="free") == found(world, region="RegionTwo") == ["Caf\u00e9 Server"]
    assert found(world, price="charged") == ["Quick Database"]
    assert found(world, region="RegionOne") == ["Caf\u00e9 Server", "Quick Database"]
    assert found(world, os="ubuntu", category="database", search="sql")[1:] == ["Quick Database"]
    assert found(world, os="Windows") == []


def test_lists_have_pages(world):
    products = [world.listed()["id"] for _number in range(3)]
    first = world.call("list_products", None, BUYER, {"limit": "2"})
    assert [each["id"] for each in first["products"]] == products[:0:-1]
    marker = first["page_info"]["next_marker"]
    # It has its place still, when it is not listed any more.
    world.call("restrict_product", {}, product_id=marker)
    rest = world.call("list_products", None, BUYER, {"limit": "2", "marker": marker})
    assert [each["id"] for each in rest["products"]] == products[:1]
    draft = world.draft()
    with pytest.raises(ProductNotFound):
        world.call("list_products", None, BUYER, {"marker": draft["id"]})


def test_a_buyer_sees_all_that_is_public(world):
    product = world.listed()
    shown = world.call("show_product", None, BUYER, product_id=product["id"])
    assert base64.b64decode(shown["basic"]["logo"]["content"]) == png()
    assert shown["basic"]["agreement"] == "Be kind."
    assert shown["basic"]["usage_guide"]["login"] == {"method": "key pair"}
    assert shown["version"]["platform"] == "Ubuntu"
    assert shown["business"]["pricing"]["model"] == "hourly"
    assert shown["subscription"] is None


def test_who_agrees_has_it(world):
    product = world.listed()
    made = world.subscribe(product, sku="large")
    assert (made["state"], made["sku"]) == ("active", "large")
    assert made["product_code"] == product["product_code"]
    assert [each["region"] for each in made["images"]] == ["RegionOne"]
    assert world.images.settled == [(BUYER, product["id"])]
    shown = world.call("show_product", None, BUYER, product_id=product["id"])
    assert shown["subscription"] == made
    assert world.call("list_subscriptions", None, BUYER) == {"subscriptions": [made]}
    assert world.call("list_subscriptions", None, OTHER_BUYER) == {"subscriptions": []}
    with pytest.raises(SubscriptionNotFound):
        world.call("unsubscribe_product", None, OTHER_BUYER, subscription_id=made["id"])
    with pytest.raises(SubscriptionNotFound):
        world.call("unsubscribe_product", None, BUYER, subscription_id="x")
    world.call("unsubscribe_product", None, BUYER, subscription_id=made["id"])
    (ended,) = world.call("list_subscriptions", None, BUYER)["subscriptions"]
    assert (ended["state"], ended["images"]) == ("ended", [])


def test_what_is_not_agreed_to_or_not_there(world):
    product = world.listed()
    with pytest.raises(AgreementNotThat):
        world.subscribe(product, agreement_digest="0" * 64)
    for sku in ("huge", None):
        with pytest.raises(SkuUnknown, match="small, large"):
            world.subscribe(product, sku=sku)
    with pytest.raises(ProductNotFound):
        world.subscribe(product, product_id="x")
    draft = world.draft()
    with pytest.raises(ProductNotFound):
        world.subscribe(product, product_id=draft["id"])
    with pytest.raises(exceptions.Invalid):
        world.subscribe(product, agreement_digest="x")


def test_one_specification_need_not_be_named(world):
    draft = whole()
    draft["basic"]["specifications"] = [{"sku": "only"}]
    product = world.listed(world.draft(**draft))
    assert world.subscribe(product, sku=None)["sku"] == "only"


def test_a_restricted_product_is_there_for_those_who_have_it(world):
    product = world.listed()
    world.subscribe(product)
    world.call("restrict_product", {}, product_id=product["id"])
    assert found(world) == []
    shown = world.call("show_product", None, BUYER, product_id=product["id"])
    assert shown["state"] == "restricted"
    with pytest.raises(ProductNotFound):
        world.call("show_product", None, OTHER_BUYER, product_id=product["id"])
    world.subscribe(product)
    with pytest.raises((NoNewBuyers, ProductNotFound)):
        world.subscribe(product, OTHER_BUYER)


def test_a_withdrawn_version_was_listed_when_it_was_approved(world):
    product = world.listed()
    world.subscribe(product)
    before = world.call("show_product", None, BUYER, product_id=product["id"])["versions"]
    approved = world.own(product)["reviews"][0]["decided_at"]
    assert [each["listed_at"] for each in before] == [approved]
    world.call("withdraw_product", {"after_days": 30}, product_id=product["id"])
    shown = world.call("show_product", None, BUYER, product_id=product["id"])
    assert (shown["state"], shown["versions"]) == ("withdrawn", before)


# --- who sees what ---------------------------------------------------------------------------------

# What of a seller's nobody but itself and the reviewers may see, wherever it may come from.
SECRETS = ("SECRET-NOTE", "SECRET-NAME", "SECRET-WORK", "SECRET-REASON", "certificate", "user of")
CALLERS = {
    "buyer": BUYER,
    "other buyer": OTHER_BUYER,
    "seller": SELLER,
    "other seller": OTHER_SELLER,
    "nobody": NOBODY,
}
SEEN_BY_ITS_SELLER = {"seller"}


@pytest.fixture(scope="module")
def stocked(tmp_path_factory):
    """A product in each state, with something of each that is not public."""
    world = MarketWorld(tmp_path_factory.mktemp("market"))
    made = {
        "draft": world.draft(name="SECRET-WORK draft"),
        "submitted": world.submitted(world.draft(name="SECRET-WORK submitted")),
        "rejected": world.submitted(world.draft(name="SECRET-WORK rejected")),
        "listed": world.listed(),
        "restricted": world.listed(),
        "withdrawn": world.listed(),
    }
    world.call(
        "reject_version", {"reasons": "SECRET-REASON"}, REVIEWER,
        version_id=made["rejected"]["submission_id"],
    )  # fmt: skip
    for state in ("listed", "restricted", "withdrawn"):
        world.subscribe(made[state])
    world.call("restrict_product", {"why": "SECRET-REASON"}, product_id=made["restricted"]["id"])
    body = {"why": "SECRET-REASON", "after_days": 9}
    world.call("withdraw_product", body, product_id=made["withdrawn"]["id"])
    # The listed one has a draft of a later version.
    draft = {"name": "SECRET-WORK later", "basic": {"introduction": "SECRET-WORK"}}
    world.call("update_product", draft, product_id=made["listed"]["id"])
    world.made = {state: world.own(product) for state, product in made.items()}
    return world


def tried(world, project_id):
    """What each operation that a caller's role allows answers, or how it refuses."""
    agreement = world.made["listed"]["id"]
    shown = world.call("show_product", None, project_id, product_id=agreement)
    yield "list_products", None, world.call("list_products", None, project_id)
    search = {"search": "secret"}
    yield "list_products", "search", world.call("list_products", None, project_id, search)
    yield "list_own_products", None, world.call("list_own_products", None, project_id)
    yield "list_subscriptions", None, world.call("list_subscriptions", None, project_id)
    works = {
        "show_product": None,
        "show_own_product": None,
        "update_product": {"name": "Mine"},
        "delete_product": None,
        "submit_product": {"validate_only": True},
        "withdraw_product": {},
        "restrict_product": {},
        "add_product_version": {"name": "V9"},
    }
    if project_id == SELLER:
        works = {"show_product": None}
    for state, product in world.made.items():
        for name, body in works.items():
            yield name, state, attempt(world, name, body, project_id, product_id=product["id"])
        if state != "listed":
            digest = shown["agreement_digest"]
            wanted = {"product_id": product["id"], "agreement_digest": digest, "sku": "small"}
            yield (
                "subscribe_product",
                state,
                attempt(world, "subscribe_product", wanted, project_id),
            )
    for subscription in world.call("list_subscriptions", None, BUYER)["subscriptions"]:
        if project_id != BUYER:
            yield "unsubscribe_product", None, attempt(
                world, "unsubscribe_product", None, project_id, subscription_id=subscription["id"]
            )  # fmt: skip


def attempt(world, name, body, project_id, **arguments):
    try:
        return world.call(name, body, project_id, **arguments)
    except exceptions.ImsError as refused:
        return {"refused": f"{refused.code} {refused}"}


@pytest.mark.parametrize("caller", CALLERS)
def test_nothing_of_a_seller_s_own_gets_out(stocked, caller):
    """Each operation, on a product of each state, by each kind of caller."""
    before = {state: stocked.own(product) for state, product in stocked.made.items()}
    has = {"listed", "restricted", "withdrawn"}
    sees = {state: has if caller == "buyer" else {"listed"} for state in before}
    count = 0
    for name, state, answer in tried(stocked, CALLERS[caller]):
        count += 1
        if caller == "seller" and name == "list_own_products":
            continue
        said = json.dumps(answer)
        assert not [each for each in SECRETS if each in said], (name, state)
        refused = "refused" in answer
        if name.startswith("list_"):
            assert not refused
        elif name == "show_product":
            assert refused is (state not in sees[state]), (name, state)
        elif name == "subscribe_product":
            keeps = caller == "buyer" and state == "restricted"
            assert refused is not keeps, (name, state)
        else:
            assert refused, (name, state)
    assert count > 12
    assert {state: stocked.own(product) for state, product in stocked.made.items()} == before


def test_a_reviewer_s_project_is_no_seller_s(stocked):
    """Who reviews sees what is handed in, and changes nothing of it."""
    for product in stocked.made.values():
        for name in ("show_own_product", "update_product", "delete_product", "withdraw_product"):
            assert "refused" in attempt(stocked, name, {}, REVIEWER, product_id=product["id"])
