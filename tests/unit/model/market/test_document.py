# SPDX-License-Identifier: Apache-2.0
"""A product's text: what it may be, and what it lacks."""

import hashlib
from typing import Any

import jsonschema
import pytest

from ims_glance.model.market import document
from tests.unit.api.ims.market_world import CERTIFICATE, encoded, png, whole


def checked(given, known=None):
    return document.checked(document.merged({}, given), known or {}, 64)


def test_a_whole_one_lacks_nothing():
    jsonschema.validate(whole(), document.SCHEMA)
    uploads = checked(whole())
    assert document.missing(uploads.document) == []
    digest = hashlib.sha256(png()).hexdigest()
    assert uploads.files[digest] == png()
    assert set(uploads.files.values()) == {png(), CERTIFICATE}
    assert uploads.document["basic"]["logo"] == {
        "name": "logo.png", "digest": digest, "size": len(png()), "media_type": "image/png",
    }  # fmt: skip
    # What it has already need not be sent again.
    again = document.checked(uploads.document, uploads.document, 64)
    assert (again.document, again.files) == (uploads.document, {})


@pytest.mark.parametrize("place", [place for _step, place, _what in document._WANTED])
def test_it_says_what_it_lacks(place):
    draft = whole()
    *parents, name = place.split(".")
    inside = draft
    for each in parents:
        inside = inside[each]
    del inside[name]
    (lacking,) = document.missing(checked(draft).document)
    assert lacking["field"] == place
    assert lacking["step"] in ("access", "basic", "business")


def test_what_is_free_has_no_price():
    assert document.missing(whole(pricing={"model": "free"})) == []
    assert [each["field"] for each in document.missing(whole(pricing={"model": "once"}))] == [
        "business.pricing.text"
    ]
    assert len(document.missing({})) == len(document._WANTED)


def test_a_region_is_named_once():
    uploads = checked(whole(regions=["RegionTwo", "RegionOne", "RegionTwo"]))
    assert uploads.document["business"]["regions"] == ["RegionTwo", "RegionOne"]
    assert uploads.document["business"]["support_terms"] == "By mail."
    others: list[dict[str, Any]] = [{}, {"regions": []}, {"support_terms": "By mail."}]
    for business in others:
        assert checked({"business": business}).document.get("business", {}) == business


def test_fields_replace_others_one_by_one():
    known = {
        "name": "a",
        "basic": {"introduction": "x", "keywords": ["k"]},
        "version": {"name": "1"},
    }
    given = {"basic": {"keywords": None, "category": "media"}, "version": None}
    assert document.merged(known, given) == {
        "name": "a",
        "basic": {"introduction": "x", "category": "media"},
    }
    assert document.merged(known, {"note": "not kept here"}) == known


@pytest.mark.parametrize("access_type", [*document.OTHER_TYPES, "x"])
def test_other_goods_are_not_sold(access_type):
    with pytest.raises(document.AccessTypeUnknown, match="'image' is") as refused:
        checked({"access_type": access_type})
    assert refused.value.code == "IMG.0105"


@pytest.mark.parametrize(
    ("name", "what"),
    [
        ("Only 9$", "price"),
        ("Free Router", "price"),
        ("Router 1.2", "version"),
        ("Router v3", "version"),
        ("Router +49 30 1234567", "telephone number"),
    ],
)
def test_names_say_nothing_that_has_its_field(name, what):
    with pytest.raises(document.ProductNameWrong, match=what):
        document.check_product_name(name)


@pytest.mark.parametrize("name", ["Router", "Router 2030", "Freedom", "7 Zip", "Caf\u00e9-Server"])
def test_other_names_are_fine(name):
    document.check_product_name(name)


@pytest.mark.parametrize(
    "text", ["\0", "\U0001f600", "\ud800"], ids=["NUL", "beyond the basic plane", "half a pair"]
)
def test_texts_can_be_kept(text):
    for given in ({"note": None, "name": text}, {"basic": {"attributes": {text: "x"}}}):
        with pytest.raises(document.ProductTextWrong, match="cannot be kept"):
            checked(given)
    checked({"basic": {"description": "Two\r\nlines,\tone tab."}})


def test_files_are_looked_at():
    with pytest.raises(document.ProductTextWrong, match="not Base64"):
        checked({"basic": {"logo": {"name": "l", "content": "\u00e9"}}})
    with pytest.raises(document.ProductTextWrong, match="'content'"):
        checked({"basic": {"certificates": [{"name": "c", "digest": "0" * 64}]}})
    large = {"name": "c", "content": encoded(b"%PDF-" + b"x" * 65536)}
    with pytest.raises(document.CertificatesTooLarge, match="64 are the most"):
        checked({"basic": {"certificates": [large]}})


def test_what_is_there_already_is_what_it_was():
    """Nobody says that a certificate is small, or a logo, or that a logo is something else."""
    known = checked(whole()).document
    (certificate,), logo = known["basic"]["certificates"], known["basic"]["logo"]
    lie = {"size": 0, "media_type": "text/html"}
    found = checked({"basic": {"logo": {**logo, **lie}}}, known).document
    assert found["basic"]["logo"] == logo
    named = {"name": "another name", "digest": certificate["digest"]}
    for given in (named, {**named, **lie}):
        found = checked({"basic": {"certificates": [given]}}, known).document
        (kept,) = found["basic"]["certificates"]
        assert (kept["name"], kept["size"]) == ("another name", certificate["size"])
        with pytest.raises(document.ProductTextWrong, match="'content'"):
            checked({"basic": {"logo": given}}, known)


def test_an_agreement_is_known_by_its_digest():
    assert document.agreement_digest("x") == hashlib.sha256(b"x").hexdigest()
