# SPDX-License-Identifier: Apache-2.0
"""What buyers see, and find a product by."""

import json

from ims_glance.model.market import document, publication
from ims_glance.model.market.product import ProductVersion
from tests.unit.api.ims.market_world import whole

SOURCE = {"os_type": "Linux", "platform": "Ubuntu", "os_version": "Ubuntu 24.04", "secret": "x"}


def published(**changes):
    uploads = document.checked(document.merged({}, {**whole(), **changes}), {}, 64)
    version = ProductVersion(
        "v", "p", "sellers", "V1.0", "image", source=SOURCE, document=uploads.document
    )
    return publication.published(version)


def test_nothing_gets_out_that_is_not_named():
    shown = published()
    said = json.dumps(shown)
    for secret in ("SECRET", "certificates", "image_id", "secret", "note"):
        assert secret not in said.replace("release_notes", "")
    assert shown["agreement_digest"] == document.agreement_digest("Be kind.")
    assert shown["version"] == {
        "name": "V1.0", "release_notes": "The first one.", "os_type": "Linux",
        "platform": "Ubuntu", "os_version": "Ubuntu 24.04",
    }  # fmt: skip


def test_what_is_in_lists():
    short = publication.summary(published())
    assert (short["name"], short["price_model"], short["price"]) == (
        "Quick Database", "hourly", "1 an hour",
    )  # fmt: skip
    assert short["regions"] == ["RegionOne"]


def test_what_it_is_found_by():
    terms = publication.terms(published())
    assert {
        ("word", "quick"), ("word", "sql"), ("word", "schlussel"), ("os", "linux"),
        ("os", "ubuntu"), ("region", "RegionOne"), ("category", "database"), ("price", "charged"),
    } <= terms  # fmt: skip
    assert not any("secret" in term.lower() for _kind, term in terms)
    free = published(business={**whole()["business"], "pricing": {"model": "free"}})
    assert ("price", "free") in publication.terms(free)
    long = published(basic={**whole()["basic"], "description": " ".join(map(str, range(9999)))})
    assert len(publication.terms(long)) < 400


def test_words_are_found_whatever_their_case_and_accents():
    assert publication.sought("CAF\u00c9  stra\u00dfe, 100%") == ["cafe", "strasse", "100"]
    assert len(publication.sought("a b c d e f g h i j k")) == publication.MAX_SOUGHT
    assert list(publication.words(["x" * 99])) == ["x" * 64]
