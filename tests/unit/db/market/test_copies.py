# SPDX-License-Identifier: Apache-2.0
"""The service's copies of products' images, in the database."""

from ims_glance.model.market.entitlement import ProductCopyState
from ims_glance.model.market.product import ProductState, VersionState
from tests.unit.db.market.rows import REGIONS, SELLER


def test_an_image_is_recorded_before_it_is_made(market):
    version = market.submitted()
    assert [each.region for each in market.copies.wanted(version.id)] == list(REGIONS)
    assert market.copies.begun(version.id, "RegionOne", "image")
    found = market.copies.of_image("image")
    assert (found.version_id, found.state) == (version.id, ProductCopyState.WANTED)
    assert market.copies.of_image("other") is None
    assert market.versions.get_any(version.id).state is VersionState.COPYING
    # Copies in other regions are made of it while it is reviewed.
    for _twice in range(2):
        assert market.copies.ready(version, "RegionOne", "image", "digest", SELLER)
    assert market.versions.get_any(version.id).state is VersionState.IN_REVIEW


def test_what_is_taken_back_is_not_copied_any_more(market):
    version = market.submitted()
    assert market.copies.begun(version.id, "RegionOne", "image")
    market.versions.take_back(version, SELLER)
    assert not market.copies.begun(version.id, "RegionTwo", "other")
    assert not market.copies.ready(version, "RegionOne", "image", "digest", SELLER)
    assert {each.image_id for each in market.copies.unwanted()} == {"image", None}
    assert [each.image_id for each in market.copies.unwanted(region="RegionOne")] == ["image"]
    for region in REGIONS:
        market.copies.gone(version.id, region)
    assert market.copies.unwanted() == []


def test_a_copy_that_fails_gives_the_version_back_once(market):
    version = market.submitted()
    for _twice in range(2):
        market.copies.failed(version, "RegionTwo", "IMG.0057", "no space", SELLER)
    found = market.versions.get_any(version.id)
    assert (found.state, found.code, found.reason) == (VersionState.FAILED, "IMG.0057", "no space")
    product = market.of(version)
    assert (product.state, product.submission_id) == (ProductState.DRAFT, None)
    assert len(market.copies.unwanted()) == 2
    market.products.delete(product.id, "sellers")
    market.copies.failed(version, "RegionTwo", "IMG.0057", "no space", SELLER)
    assert not market.copies.ready(version, "RegionOne", "image", "digest", SELLER)


def test_the_members_of_a_deleted_copy_are_none(market):
    product = market.listed()
    market.subscribe(product)
    market.entitlements.withdraw(product.id, "sellers", SELLER, None)
    for copy in market.copies.unwanted():
        market.copies.gone(copy.version_id, copy.region)
        market.copies.gone(copy.version_id, copy.region)
    assert market.members.to_do() == []


def test_unwanted_copies_have_pages(market):
    for _number in range(2):
        market.versions.take_back(market.submitted(), SELLER)
    whole = market.copies.unwanted()
    first = market.copies.unwanted(3)
    rest = market.copies.unwanted(3, after=first[-1])
    assert [*first, *rest] == whole
    assert [(each.region, len(rest)) for each in rest] == [("RegionTwo", 1)]
