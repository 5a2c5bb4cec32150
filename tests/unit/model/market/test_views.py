# SPDX-License-Identifier: Apache-2.0
"""Who sees what of a product."""

import dataclasses
import datetime

from ims_glance.model.market import views
from ims_glance.model.market.entitlement import ProductCopy
from ims_glance.model.market.product import (
    Product,
    ProductChange,
    ProductReview,
    ProductState,
    ProductVersion,
    VersionState,
)

NOW = datetime.datetime(2030, 1, 1)
PRODUCT = Product(
    "p", "code", "sellers", "seller", ProductState.LISTED, "image", "Database",
    {"name": "Draft", "basic": {"certificates": ["c"]}}, note="note",
    published={"name": "Database"}, listed_at=NOW, withdrawn_from=0.0,
)  # fmt: skip
VERSION = ProductVersion("v", "p", "sellers", "V1", "i", VersionState.LISTED, changed_at=NOW)
COPY = ProductCopy("v", "p", "RegionOne", image_id="copy")
CHANGE = ProductChange("approve", "submitted", "listed", "reviewer", "v", "fine", NOW)
REVIEW = ProductReview("v", "reviewer", "approve", "fine", NOW)


def test_a_seller_does_not_learn_who_reviewed_nor_where_copies_are():
    shown = views.own_whole(PRODUCT, [VERSION], {"v": [COPY]}, [CHANGE], [REVIEW])
    assert (shown["note"], shown["basic"]) == ("note", {"certificates": ["c"]})
    assert shown["withdrawn_from"] == "1970-01-01T00:00:00.000Z"
    waits = {"attempts": 0, "error_code": None, "reason": None}
    assert shown["versions"][0]["copies"] == [{"region": "RegionOne", "state": "wanted", **waits}]
    assert "reviewer" not in str(shown)


def test_a_reviewer_learns_who_did_what():
    shown = views.submission_whole(VERSION, PRODUCT, [COPY], [CHANGE], [REVIEW])
    assert shown["history"][0]["user_id"] == shown["reviews"][0]["user_id"] == "reviewer"
    assert shown["copies"][0]["image_id"] == "copy"


def test_a_buyer_sees_what_is_published_and_no_draft():
    rejected = ProductVersion("w", "p", "sellers", "V2", "i", VersionState.REJECTED)
    shown = views.offered_whole(PRODUCT, [VERSION, rejected], [REVIEW], None)
    assert (shown["name"], [each["name"] for each in shown["versions"]]) == ("Database", ["V1"])
    assert not {"note", "document", "basic"} & set(shown)
    row = {"id": "p", "product_code": "c", "summary": {"name": "D"}, "agreement": "a"}
    assert views.offered({**row, "listed_at": NOW})["name"] == "D"


def test_a_buyer_sees_when_a_version_was_listed_also_once_it_is_withdrawn():
    later = NOW + datetime.timedelta(days=30)
    withdrawn = dataclasses.replace(VERSION, state=VersionState.WITHDRAWN, changed_at=later)
    reviews = [dataclasses.replace(REVIEW, decision="reject", decided_at=later), REVIEW]
    shown = views.offered_whole(PRODUCT, [withdrawn], reviews, None)
    assert shown["versions"][0]["listed_at"] == "2030-01-01T00:00:00.000Z"
    # Its seller sees since when it is as it is.
    own = views.own_whole(PRODUCT, [withdrawn], {}, [], reviews)
    assert own["versions"][0]["changed_at"] == "2030-01-31T00:00:00.000Z"
