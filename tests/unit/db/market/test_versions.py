# SPDX-License-Identifier: Apache-2.0
"""Versions that are handed in, copied, reviewed and listed, in the database."""

import functools

import pytest

from ims_glance.db.market.rows import ProductChanged, ProductNotFound, VersionNotFound
from ims_glance.db.market.versions import Publication
from ims_glance.model.market.entitlement import ProductCopyState
from ims_glance.model.market.product import (
    ProductState,
    ProductStateWrong,
    SubmissionUnderWay,
    VersionState,
    VersionStateWrong,
)
from tests.unit.db.market.rows import (
    AGREEMENT,
    PUBLICATION,
    REGIONS,
    REVIEWER,
    SELLER,
    at_once,
    refusals,
)


def states(market, version):
    product = market.of(version)
    return product.state, market.versions.get_any(version.id).state, product.submission_id


def copies(market, version):
    return [each.state for each in market.copies.wanted(version.id)]


def test_a_draft_becomes_a_listed_product(market):
    version = market.submitted()
    assert states(market, version) == (ProductState.SUBMITTED, VersionState.COPYING, version.id)
    market.versions.set_job(version.id, "j" * 32)
    market.copied(version)
    assert states(market, version) == (ProductState.SUBMITTED, VersionState.IN_REVIEW, version.id)
    (found,) = market.versions.in_review(9)
    assert (found.id, found.job_id, found.document["secret"]) == (
        version.id, "j" * 32, "certificate",
    )  # fmt: skip
    market.versions.approve(version, REVIEWER, PUBLICATION, "well done")
    assert states(market, version) == (ProductState.LISTED, VersionState.LISTED, None)
    product = market.of(version)
    assert (product.published, product.agreement) == ({"name": "Database"}, AGREEMENT)
    assert product.listed_at
    assert market.versions.in_review(9) == []
    (review,) = market.products.reviews(product.id)
    assert (review.user_id, review.decision, review.reasons) == ("reviewer", "approve", "well done")


def test_a_region_that_is_named_twice_has_one_copy(market):
    version = market.submitted(regions=["RegionTwo", "RegionOne", "RegionTwo"])
    assert [each.region for each in market.copies.wanted(version.id)] == list(REGIONS)


def test_one_at_a_time_and_as_it_was_checked(market):
    version = market.submitted()
    product = market.of(version)
    with pytest.raises(SubmissionUnderWay):
        market.versions.submit(product, version, REGIONS, SELLER)
    market.versions.take_back(version, SELLER)
    changed = market.products.change(market.again(product), {"name": "New"}, {})
    with pytest.raises(ProductChanged):
        market.versions.submit(product, version, REGIONS, SELLER)
    market.products.delete(changed.id, "sellers")
    with pytest.raises(ProductNotFound):
        market.versions.submit(changed, version, REGIONS, SELLER)
    with pytest.raises(VersionNotFound):
        market.versions.get_any(version.id)


def test_what_is_rejected_is_handed_in_again(market):
    version = market.in_review()
    market.versions.reject(version, REVIEWER, "no logo")
    assert states(market, version) == (ProductState.REJECTED, VersionState.REJECTED, None)
    assert set(copies(market, version)) == {ProductCopyState.UNWANTED}
    again = market.submitted(market.of(version))
    assert states(market, again) == (ProductState.SUBMITTED, VersionState.COPYING, again.id)
    assert len(market.versions.of_product(version.product_id)) == 2


def test_a_later_version_leaves_the_product_listed(market):
    product = market.listed()
    market.subscribe(product)
    assert len(market.members.to_do()) == 2
    later = market.in_review(product)
    assert states(market, later)[:2] == (ProductState.LISTED, VersionState.IN_REVIEW)
    new = Publication({"name": "New"}, {"name": "New"}, AGREEMENT, "Be kind.", [("word", "new")])
    listed_at = market.again(product).listed_at
    market.versions.approve(later, REVIEWER, new, None)
    found = market.again(product)
    assert (found.state, found.published) == (ProductState.LISTED, {"name": "New"})
    assert found.listed_at == listed_at
    # Who has the product has its new version.
    assert len(market.members.to_do()) == 4


def test_a_copy_that_fails_gives_the_version_back(market):
    version = market.submitted()
    market.versions.fail(version, SELLER, "IMG.0057", "no space")
    assert states(market, version) == (ProductState.DRAFT, VersionState.FAILED, None)
    failed = market.versions.get_any(version.id)
    assert (failed.code, failed.reason) == ("IMG.0057", "no space")
    assert set(copies(market, version)) == {ProductCopyState.UNWANTED}


def test_of_two_reviewers_at_once_one_decides(market):
    for _number in range(4):
        version = market.in_review()
        results = at_once(
            functools.partial(market.versions.approve, version, REVIEWER, PUBLICATION, None),
            functools.partial(market.versions.reject, version, REVIEWER, "no"),
            functools.partial(market.versions.approve, version, REVIEWER, PUBLICATION, None),
        )
        assert len(refusals(results)) == 2
        product, state, submission = states(market, version)
        (review,) = market.products.reviews(version.product_id)
        is_listed = review.decision == "approve"
        assert is_listed is (results[1] is not None)
        assert product is (ProductState.LISTED if is_listed else ProductState.REJECTED)
        assert state is (VersionState.LISTED if is_listed else VersionState.REJECTED)
        assert submission is None
        wanted = ProductCopyState.READY if is_listed else ProductCopyState.UNWANTED
        assert set(copies(market, version)) == {wanted}


def test_taken_back_and_approved_at_once_one_of_both_is_done(market):
    for _number in range(4):
        version = market.in_review()
        taken, approved = at_once(
            functools.partial(market.versions.take_back, version, SELLER),
            functools.partial(market.versions.approve, version, REVIEWER, PUBLICATION, None),
        )
        assert (taken is None) is not (approved is None)
        listed = ProductState.LISTED, VersionState.LISTED, None
        back = ProductState.DRAFT, VersionState.TAKEN_BACK, None
        assert states(market, version) == (back if taken is None else listed)


def test_two_submissions_at_once_are_one(market):
    product = market.draft()
    results = at_once(*(lambda: market.submitted(product) for _number in range(3)))
    assert len(refusals(results)) == 2
    assert len(market.versions.of_product(product.id)) == 1


def test_the_last_two_copies_at_once_send_it_to_the_reviewers(market):
    for _number in range(3):
        version = market.submitted()
        at_once(
            functools.partial(market.copied, version, "RegionOne"),
            functools.partial(market.copied, version, "RegionTwo"),
        )
        assert states(market, version)[1] is VersionState.IN_REVIEW


def test_lists_for_reviewers_have_pages(market):
    versions = [market.in_review() for _number in range(3)]
    first = market.versions.in_review(2)
    rest = market.versions.in_review(2, first[-1].id)
    assert [each.id for each in (*first, *rest)] == [each.id for each in versions]


def test_pages_go_on_after_one_that_was_decided_meanwhile(market):
    """Who approves the last one of a page, and asks for the next one, sees it."""
    versions = [market.in_review() for _number in range(5)]
    first = market.versions.in_review(2)
    market.approve(first[-1])
    second = market.versions.in_review(2, first[-1].id)
    market.versions.reject(second[-1], REVIEWER, "no")
    third = market.versions.in_review(2, second[-1].id)
    found = [each.id for each in (*first, *second, *third)]
    assert found == [each.id for each in versions]


def test_the_oldest_submission_is_the_first_however_long_it_was_copied(market):
    slow, quick = market.submitted(), market.submitted()
    for version in (quick, slow):
        market.copied(version)
    assert [each.id for each in market.versions.in_review(9)] == [slow.id, quick.id]


def test_what_is_not_in_the_table_is_refused(market):
    version = market.submitted()
    for decide in (
        lambda: market.versions.approve(version, REVIEWER, PUBLICATION, None),
        lambda: market.versions.reject(version, REVIEWER, "no"),
    ):
        with pytest.raises(VersionStateWrong, match="is copying"):
            decide()
    market.versions.take_back(version, SELLER)
    with pytest.raises((VersionStateWrong, ProductStateWrong)):
        market.versions.take_back(version, SELLER)


def with_file(market, product, content):
    """The product as its draft names one file."""
    basic = {"certificates": [{"digest": content.decode(), "size": 1}]}
    values = {"document": {"name": "Database", "basic": basic}}
    return market.products.change(market.again(product), values, {content.decode(): content})


def test_files_of_what_was_taken_back_or_failed_are_not_kept_for_ever(market):
    """There may be any number of it; the others are what somebody decided on, or is to."""
    product = with_file(market, market.draft(), b"taken back")
    market.versions.take_back(market.submitted(product), SELLER)
    with_file(market, product, b"failed")
    market.versions.fail(market.submitted(product), SELLER, "IMG.0014", "away")
    with_file(market, product, b"rejected")
    version = market.submitted(product)
    market.copied(version)
    market.versions.reject(version, REVIEWER, "no")
    with_file(market, product, b"draft")
    files = {each: market.products.file(product.id, each) for each in ("taken back", "failed")}
    assert files == {"taken back": None, "failed": None}
    for kept in ("rejected", "draft"):
        assert market.products.file(product.id, kept) == kept.encode()
