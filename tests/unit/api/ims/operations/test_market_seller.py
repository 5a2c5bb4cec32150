# SPDX-License-Identifier: Apache-2.0
"""Products as sellers have them: drafts, submissions, what comes of them."""

import base64
from typing import Any

import pytest

from ims_glance import exceptions
from ims_glance.api.common.market import NoMarketImages
from ims_glance.api.ims.operations.market_seller import MarketClosed, checked_id, paged
from ims_glance.db.market.rows import ProductNotFound
from tests.unit.api.ims.market_world import (
    BUYER,
    CERTIFICATE,
    IMAGE,
    OTHER_SELLER,
    REVIEWER,
    SELLER,
    MarketWorld,
    encoded,
    png,
    whole,
)


@pytest.fixture
def world(tmp_path):
    return MarketWorld(tmp_path)


def refusal(work):
    with pytest.raises(exceptions.ImsError) as refused:
        work()
    return refused.value


def test_a_draft_may_be_incomplete_and_says_what_it_lacks(world):
    made = world.call("create_product", {"name": "Quick Database"})
    assert (made["state"], made["access_type"]) == ("draft", "image")
    steps = [each["step"] for each in made["missing"]]
    assert steps == sorted(steps, key=["access", "basic", "business"].index)
    fields = {each["field"] for each in made["missing"]}
    assert {"version.image_id", "basic.logo", "business.regions"} <= fields
    refused = refusal(lambda: world.submitted(made))
    assert "a logo of 120 x 120 pixels (basic.logo)" in str(refused)
    assert world.own(made)["state"] == "draft"


def test_what_is_sent_again_is_the_same(world):
    product = world.draft()
    shown = world.own(product, files="true")
    assert base64.b64decode(shown["basic"]["logo"]["content"]) == png()
    (certificate,) = shown["basic"]["certificates"]
    assert base64.b64decode(certificate["content"]) == CERTIFICATE
    body = {name: shown[name] for name in ("name", "note", "version", "basic", "business")}
    again = world.call("create_product", body)
    same = world.own(again, files="true")
    assert {name: same[name] for name in body} == body
    assert again["product_code"] != product["product_code"]
    assert "content" not in product["basic"]["logo"]


def test_what_is_given_replaces_what_was_there(world):
    product = world.draft()
    body: dict[str, Any] = {"basic": {"introduction": "Better", "keywords": None}, "note": None}
    changed = world.call("update_product", body, product_id=product["id"])
    assert changed["basic"]["introduction"] == "Better"
    assert "keywords" not in changed["basic"]
    assert changed["basic"]["logo"] == product["basic"]["logo"]
    assert (changed["note"], changed["business"]) == (None, product["business"])
    other = {"basic": {"logo": {"name": "other.png", "digest": "0" * 64}}}
    refused = refusal(lambda: world.call("update_product", other, product_id=product["id"]))
    assert "give its 'content'" in str(refused)


def test_lists_have_pages(world):
    products = [world.draft()["id"] for _number in range(3)]
    first = world.call("list_own_products", query={"limit": "2"})
    assert [each["id"] for each in first["products"]] == products[:0:-1]
    query = {"limit": "2", "marker": first["page_info"]["next_marker"]}
    rest = world.call("list_own_products", query=query)
    assert [each["id"] for each in rest["products"]] == products[:1]
    assert rest["page_info"] == {"next_marker": None, "current_count": 1}
    with pytest.raises(ProductNotFound):
        world.call("list_own_products", query={"marker": "x"})


def test_a_draft_is_deleted(world):
    product = world.draft()
    world.call("delete_product", product_id=product["id"])
    with pytest.raises(ProductNotFound):
        world.own(product)


def test_no_more_drafts_than_allowed(world):
    world.conf.set_override("drafts", 1, "ims_market")
    product = world.draft()
    assert refusal(world.draft).code == "IMG.0060"
    world.listed(product)
    world.draft()


def test_it_is_only_said_what_would_be_refused(world):
    product = world.draft()
    body = {"validate_only": True}
    shown = world.call("submit_product", body, product_id=product["id"])
    assert (shown["problems"], shown["state"], shown["scan_job_id"]) == ([], "draft", "5" * 32)
    assert world.images.scanned == [IMAGE]
    world.images.refusal = exceptions.ImageNotFound(image_id=IMAGE)
    shown = world.call("submit_product", body, product_id=product["id"])
    assert [each["code"] for each in shown["problems"]] == ["IMG.0027"]
    assert shown["scan_job_id"] is None
    assert world.own(product)["history"] == []


def test_it_is_copied_and_reviewed(world):
    world.images.copies_at_once = False
    submitted = world.submitted()
    (version,) = submitted["versions"]
    assert (submitted["state"], version["state"]) == ("submitted", "copying")
    assert (version["job_id"], version["id"]) == ("j" * 32, submitted["submission_id"])
    waits = {"attempts": 0, "error_code": None, "reason": None}
    assert version["copies"] == [{"region": "RegionOne", "state": "wanted", **waits}]
    assert submitted["history"][0]["action"] == "submit"
    refused = refusal(lambda: world.submitted(submitted))
    assert "copied or reviewed" in str(refused)


def test_a_copy_that_cannot_begin_leaves_a_draft(world):
    world.images.copy_refusal = exceptions.Unavailable()
    product = world.draft()
    with pytest.raises(exceptions.Unavailable):
        world.submitted(product)
    shown = world.own(product)
    assert (shown["state"], shown["submission_id"]) == ("draft", None)
    assert shown["versions"][0]["error_code"] == "IMG.0014"


def test_a_region_where_nothing_is_offered(world):
    product = world.draft(business=whole(regions=["Mars"])["business"])
    refused = refusal(lambda: world.submitted(product))
    assert (refused.code, "RegionOne, RegionTwo" in str(refused)) == ("IMG.0058", True)


def test_what_is_submitted_is_taken_back(world):
    submitted = world.submitted()
    taken = world.call("withdraw_product", {"why": "wrong file"}, product_id=submitted["id"])
    assert (taken["state"], taken["submission_id"]) == ("draft", None)
    assert taken["history"][-1]["why"] == "wrong file"
    refused = refusal(lambda: world.call("withdraw_product", {}, product_id=submitted["id"]))
    assert "nothing to withdraw" in str(refused)


def test_another_version_is_submitted(world):
    product = world.listed()
    body = {"name": "V2.0", "release_notes": None}
    again = world.call("add_product_version", body, product_id=product["id"])
    assert again["state"] == "listed"
    assert [each["name"] for each in again["versions"]] == ["V1.0", "V2.0"]
    assert again["version"] == {"name": "V2.0", "image_id": IMAGE}
    # Buyers see what was approved, until this one is.
    shown = world.call("show_product", None, BUYER, product_id=product["id"])
    assert shown["version"]["name"] == "V1.0"
    world.call("approve_version", {}, REVIEWER, version_id=again["submission_id"])
    shown = world.call("show_product", None, BUYER, product_id=product["id"])
    assert shown["version"]["name"] == "V2.0"
    assert [each["name"] for each in shown["versions"]] == ["V1.0", "V2.0"]


def test_it_is_restricted_and_withdrawn(world):
    product = world.listed()
    world.subscribe(product)
    restricted = world.call("restrict_product", {"why": "old"}, product_id=product["id"])
    assert (restricted["state"], restricted["history"][-1]["why"]) == ("restricted", "old")
    body = {"why": "gone", "after_days": 30}
    withdrawn = world.call("withdraw_product", body, product_id=product["id"])
    assert withdrawn["state"] == "withdrawn"
    assert withdrawn["withdrawn_from"] > withdrawn["updated_at"]
    (subscription,) = world.call("list_subscriptions", None, BUYER)["subscriptions"]
    assert (subscription["state"], bool(subscription["until"])) == ("active", True)


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"access_type": "SaaS"}, "IMG.0105"),
        ({"name": "Database 9.99$"}, "IMG.0003"),
        ({"name": "Database V2.1"}, "IMG.0003"),
        ({"name": "Call 030 123 45 67"}, "IMG.0003"),
        ({"name": ""}, "IMG.0016"),
        ({"other": 1}, "IMG.0016"),
        ({"basic": {"logo": {"name": "l", "content": "?"}}}, "IMG.0016"),
        ({"basic": {"logo": {"name": "l", "content": encoded(png(121))}}}, "IMG.0016"),
        ({"basic": {"certificates": [{"name": "c", "content": encoded(b"MZ")}]}}, "IMG.0016"),
        ({"basic": {"specifications": [{"sku": "a"}, {"sku": "a"}]}}, "IMG.0016"),
        ({"basic": {"description": "\U0001f600"}}, "IMG.0016"),
        ({"version": {"image_id": "x"}}, "IMG.0016"),
    ],
)
def test_refusals(world, body, code):
    assert refusal(lambda: world.call("create_product", body)).code == code


@pytest.mark.parametrize("text", ["half \ud800", "nothing\0", "bell\x07"], ids=ascii)
def test_what_no_database_keeps_is_refused(world, text):
    for name in ("create_product", "update_product"):
        product = world.draft()
        refused = refusal(lambda: world.call(name, {"note": text}, product_id=product["id"]))  # noqa: B023
        assert (refused.code, str(refused)) == (
            "IMG.0016", "'note': it has characters that cannot be kept.",
        )  # fmt: skip
        assert world.own(product)["note"] == "SECRET-NOTE"
    submitted, listed = world.submitted(), world.listed()
    for name, product in (
        ("withdraw_product", submitted), ("withdraw_product", listed), ("restrict_product", listed),
    ):  # fmt: skip
        refused = refusal(lambda: world.call(name, {"why": text}, product_id=product["id"]))  # noqa: B023
        assert (refused.code, str(refused)) == (
            "IMG.0016", "'why': it has characters that cannot be kept.",
        )  # fmt: skip
        assert world.own(product)["state"] == product["state"]


def test_what_is_recorded_may_have_lines(world):
    product = world.draft(note="one\r\ntwo\tthree")
    assert product["note"] == "one\r\ntwo\tthree"
    assert world.call("update_product", {"note": None}, product_id=product["id"])["note"] is None


def test_certificates_have_a_limit(world):
    world.conf.set_override("certificates_kib", 1, "ims_market")
    file = {"name": "c", "content": encoded(b"%PDF-" + b"x" * 2000)}
    refused = refusal(lambda: world.call("create_product", {"basic": {"certificates": [file]}}))
    assert "[ims_market] certificates_kib" in str(refused)


def test_products_are_their_project_s(world):
    product = world.listed()
    for name in (
        "show_own_product", "update_product", "delete_product", "submit_product",
        "add_product_version", "withdraw_product", "restrict_product",
    ):  # fmt: skip
        with pytest.raises(ProductNotFound):
            world.call(name, {}, OTHER_SELLER, product_id=product["id"])
        with pytest.raises(ProductNotFound):
            world.call(name, {}, SELLER, product_id="x")


def test_without_copies_nothing_is_submitted(world):
    product = world.draft()
    world.market.images = NoMarketImages()
    refused = refusal(lambda: world.submitted(product))
    assert (refused.code, world.own(product)["state"]) == ("IMG.0105", "draft")


def test_there_is_no_market(world):
    object.__setattr__(world.service, "market", None)
    with pytest.raises(MarketClosed):
        world.draft()


def test_pages_and_ids():
    rows = [{"id": "1"}, {"id": "2"}]
    assert paged(rows, 1)["page_info"] == {"next_marker": "1", "current_count": 1}
    assert paged(rows, 2)["page_info"]["next_marker"] is None
    with pytest.raises(ProductNotFound):
        checked_id("x" * 99)
