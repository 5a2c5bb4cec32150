# SPDX-License-Identifier: Apache-2.0
"""The marketplace as resources; what one may choose from is what the service has."""

from ims_glance.client.resources.market import (
    CATEGORIES,
    PRICE_MODELS,
    OfferedProduct,
    SellersProduct,
    SubmittedVersion,
    Subscription,
)
from ims_glance.model.market import document
from tests.unit.client.cloud import handed_in, offered, sold, subscribed


def test_what_one_may_choose_from():
    assert CATEGORIES == document.CATEGORIES
    assert PRICE_MODELS == document.PRICE_MODELS


def test_what_the_service_shows_is_there():
    for kind, shown in (
        (OfferedProduct, offered()),
        (SellersProduct, sold()),
        (SubmittedVersion, handed_in()),
        (Subscription, subscribed()),
    ):
        found = kind.existing(**shown).to_dict()
        assert {name: found[name] for name in shown} == shown
