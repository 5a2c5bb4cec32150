# SPDX-License-Identifier: Apache-2.0
"""What reviewers see and decide."""

import base64

import pytest

from ims_glance import exceptions
from ims_glance.api.ims.operations.market_review import (
    OwnProduct,
    UninspectedRefused,
    UninspectedUnexplained,
)
from ims_glance.db.market.rows import VersionNotFound
from ims_glance.db.market.scans import VersionNotInspected
from ims_glance.model.market.product import VersionStateWrong
from ims_glance.model.market.scan.report import Scanned, ScanReport
from tests.unit.api.ims.market_world import (
    BUYER,
    CERTIFICATE,
    REVIEWER,
    SELLER,
    MarketWorld,
)


@pytest.fixture
def world(tmp_path):
    return MarketWorld(tmp_path)


def test_a_reviewer_sees_all_that_was_handed_in(world):
    submitted = world.submitted()
    listed = world.call("list_reviews", None, REVIEWER)
    (row,) = listed["reviews"]
    assert (row["id"], row["product_name"]) == (submitted["submission_id"], "Quick Database")
    assert (row["seller_project_id"], row["state"]) == (SELLER, "in review")
    query = {"files": "true"}
    shown = world.call("show_review", None, REVIEWER, query, version_id=row["id"])
    (certificate,) = shown["document"]["basic"]["certificates"]
    assert base64.b64decode(certificate["content"]) == CERTIFICATE
    assert (shown["note"], shown["source"]["platform"]) == ("SECRET-NOTE", "Ubuntu")
    assert shown["copies"][0]["digest"] == "digest"
    assert shown["history"][0]["user_id"] == f"user of {SELLER}"
    plain = world.call("show_review", None, REVIEWER, version_id=row["id"])
    assert "content" not in plain["document"]["basic"]["logo"]


def test_what_is_approved_is_listed(world):
    submitted = world.submitted()
    shown = world.call(
        "approve_version", {"reasons": "fine"}, REVIEWER, version_id=submitted["submission_id"]
    )
    assert (shown["state"], shown["product_state"]) == ("listed", "listed")
    assert shown["reviews"][0]["reasons"] == "fine"
    assert world.call("list_reviews", None, REVIEWER)["reviews"] == []
    (found,) = world.call("list_products", None, BUYER)["products"]
    assert found["id"] == submitted["id"]


@pytest.fixture
def unseen(world):
    """Id of a version that nobody could look into."""
    version_id = world.submitted()["submission_id"]
    version = world.market.versions.get_any(version_id)
    scanned = Scanned(notes=("There is no system that could be looked into.",))
    world.market.scans.keep(version, scanned, ScanReport.of(scanned), "")
    return version_id


def test_who_approves_what_nobody_could_look_into_says_so_and_why(world, unseen):
    shown = world.call("show_review", None, REVIEWER, version_id=unseen)
    assert [each["severity"] for each in shown["scan"]["findings"]] == ["not inspected"]
    said = {"reasons": "booted it"}
    with pytest.raises(VersionNotInspected, match="no system that could be looked into"):
        world.call("approve_version", said, REVIEWER, version_id=unseen)
    for reasons in ({}, {"reasons": " "}, {"reasons": None}):
        body = {"uninspected": True, **reasons}
        with pytest.raises(UninspectedUnexplained):
            world.call("approve_version", body, REVIEWER, version_id=unseen)
    body = {"uninspected": True, **said}
    shown = world.call("approve_version", body, REVIEWER, version_id=unseen)
    assert shown["product_state"] == "listed"
    assert shown["reviews"][0]["reasons"] == "Approved as not inspected: booted it"
    assert shown["history"][-1]["user_id"] == f"user of {REVIEWER}"


def test_where_the_operator_refuses_it_nobody_approves_it(world, unseen):
    world.conf.set_override("uninspected", "refuse", "ims_market")
    for body, refusal in (
        ({}, VersionNotInspected),
        ({"uninspected": False}, VersionNotInspected),
        ({"uninspected": True, "reasons": "booted it"}, UninspectedRefused),
    ):
        with pytest.raises(refusal):
            world.call("approve_version", body, REVIEWER, version_id=unseen)
    shown = world.call("show_review", None, REVIEWER, version_id=unseen)
    assert (shown["state"], shown["reviews"]) == ("in review", [])


def test_what_is_rejected_says_why(world):
    submitted = world.submitted()
    version_id = submitted["submission_id"]
    with pytest.raises(exceptions.Invalid):
        world.call("reject_version", {"reasons": ""}, REVIEWER, version_id=version_id)
    world.call("reject_version", {"reasons": "no guide"}, REVIEWER, version_id=version_id)
    shown = world.own(submitted)
    assert (shown["state"], shown["reviews"][0]["reasons"]) == ("rejected", "no guide")
    # Its seller does not learn who it was.
    assert "user of" not in str(shown)
    with pytest.raises(VersionStateWrong):
        world.call("approve_version", {}, REVIEWER, version_id=version_id)


@pytest.mark.parametrize("reasons", ["half \ud800", "nothing\0"], ids=ascii)
@pytest.mark.parametrize("decision", ["approve_version", "reject_version"])
def test_reasons_that_no_database_keeps_are_refused(world, decision, reasons):
    version_id = world.submitted()["submission_id"]
    with pytest.raises(exceptions.Invalid, match="'reasons': it has characters") as refused:
        world.call(decision, {"reasons": reasons}, REVIEWER, version_id=version_id)
    assert refused.value.code == "IMG.0016"
    shown = world.call("show_review", None, REVIEWER, version_id=version_id)
    assert (shown["state"], shown["reviews"]) == ("in review", [])


def test_what_was_submitted_is_what_is_listed(world):
    """A seller may go on writing; what was reviewed is what buyers see."""
    product = world.listed()
    again = world.call("add_product_version", {"name": "V2.0"}, product_id=product["id"])
    world.call("update_product", {"name": "Evil"}, product_id=product["id"])
    world.call("approve_version", {}, REVIEWER, version_id=again["submission_id"])
    (found,) = world.call("list_products", None, BUYER)["products"]
    assert (found["name"], found["version"]) == ("Quick Database", "V2.0")


def test_nobody_reviews_what_their_own_project_sells(world):
    submitted = world.submitted()
    for name, body in (("approve_version", {}), ("reject_version", {"reasons": "no"})):
        with pytest.raises(OwnProduct):
            world.call(name, body, SELLER, version_id=submitted["submission_id"])


def test_pages_and_versions_that_are_not_there(world):
    versions = [world.submitted()["submission_id"] for _number in range(2)]
    page = world.call("list_reviews", None, REVIEWER, {"limit": "1"})
    assert page["page_info"]["next_marker"] == versions[0]
    query = {"limit": "1", "marker": versions[0]}
    (row,) = world.call("list_reviews", None, REVIEWER, query)["reviews"]
    assert row["id"] == versions[1]
    for given in ("x", "0" * 32):
        with pytest.raises(VersionNotFound):
            world.call("show_review", None, REVIEWER, version_id=given)
        with pytest.raises(VersionNotFound):
            world.call("list_reviews", None, REVIEWER, {"marker": given})
