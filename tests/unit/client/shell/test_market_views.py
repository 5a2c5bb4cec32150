# SPDX-License-Identifier: Apache-2.0
"""The marketplace as columns."""

from ims_glance.client.resources.market import (
    OfferedProduct,
    SellersProduct,
    SubmittedVersion,
    Subscription,
)
from ims_glance.client.shell import market_views
from tests.unit.client.cloud import handed_in, offered, offered_whole, sold, subscribed


def shown(columns):
    names, values = columns
    return {
        name: value.human_readable() if hasattr(value, "human_readable") else value
        for name, value in zip(names, values, strict=True)
    }


def test_lists():
    for names, row in (
        (market_views.OWN, market_views.own_row(SellersProduct.existing(**sold()))),
        (market_views.OFFERED, market_views.offered_row(OfferedProduct.existing(**offered()))),
        (market_views.REVIEWS, market_views.review_row(SubmittedVersion.existing(**handed_in()))),
        (
            market_views.SUBSCRIPTIONS,
            market_views.subscription_row(Subscription.existing(**subscribed())),
        ),
    ):
        assert len(names) == len(row)


def test_what_a_seller_reads():
    found = shown(market_views.own(SellersProduct.existing(**sold())))
    assert found["missing"] == "step=basic, field=basic.logo, what=a logo"
    assert found["history"] == "at=now, action=submit, from=draft, to=submitted"
    assert (found["price_model"], found["regions"]) == ("free", "RegionOne")
    copy = {"region": "RegionTwo", "state": "wanted", "attempts": 1, "reason": "away"}
    version = {"name": "V1", "copies": [copy]}
    waiting = shown(market_views.own(SellersProduct.existing(**{**sold(), "versions": [version]})))
    assert waiting["copies"] == "version=V1, region=RegionTwo, state=wanted, reason=away"
    shown(market_views.own(SellersProduct.existing(id="a")))


def test_what_a_buyer_reads():
    found = shown(market_views.offered(OfferedProduct.existing(**offered_whole())))
    assert (found["agreement"], found["agreement_digest"]) == ("Be kind.", "d" * 64)
    assert (found["ports"], found["login"], found["attributes"]) == ("port=22", "u", "engine=quick")
    shown(market_views.offered(OfferedProduct.existing(id="a")))
    subscription = shown(market_views.subscription(Subscription.existing(**subscribed())))
    assert subscription["images"].startswith("region=RegionOne, image_id=")


def test_what_a_reviewer_reads():
    document = {
        "basic": {"certificates": [{"name": "c", "content": "x"}], "usage_guide": {"text": "t"}},
        "business": {"regions": ["RegionOne"]},
    }
    found = shown(
        market_views.review(SubmittedVersion.existing(**handed_in(document=document, note="n")))
    )
    assert (found["certificates"], found["note"]) == ("name=c", "n")
    shown(market_views.review(SubmittedVersion.existing(id="a")))
