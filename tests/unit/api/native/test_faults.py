# SPDX-License-Identifier: Apache-2.0
"""Our errors as HTTP answers."""

import pytest
import webob

from ims_glance import exceptions
from ims_glance.api.native import faults
from ims_glance.api.native.image import TooManyTags
from ims_glance.api.native.member import TooManyMembers


def body(error: exceptions.ImsError, accept: str) -> webob.Response:
    request = webob.Request.blank("/", accept=accept)
    return request.get_response(faults.answer(error))


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (exceptions.KeyNotFound(key_id="k"), 400),
        (exceptions.KeyUnusable(key_id="k", reason="r"), 400),
        (exceptions.KeyDenied(key_id="k"), 403),
        (exceptions.ServiceKeyDenied(key_id="k", service_user="u"), 403),
        (exceptions.LocationForbidden(scheme="ims-kms"), 403),
        (exceptions.ImageNotFound(image_id="i"), 404),
        (exceptions.KeyGone(key_id="k", image_id="i"), 409),
        (exceptions.KeyNotChangeable(image_id="i"), 409),
        # As Glance answers for its image_member_quota and image_tag_quota.
        (TooManyMembers(image_id="i", count=128, limit=128), 413),
        (TooManyTags(count=11, limit=10), 413),
        (exceptions.KeyManagerUnavailable(reason="r"), 503),
        (exceptions.ObjectDamaged(object_id="o", reason="r"), 500),
    ],
)
def test_status(error: exceptions.ImsError, status: int) -> None:
    answer = faults.answer(error)
    assert answer.status_int == status
    assert answer.explanation == f"{error.code}: {error}"


def test_every_family_has_an_answer() -> None:
    families = [
        family
        for family in exceptions.ImsError.__subclasses__()
        if family.__subclasses__() and family.__module__ == exceptions.__name__
    ]
    assert len(families) == 5
    for family in families:
        assert faults.answer(family()).status_int < 500 or family is exceptions.Unavailable


def test_forms() -> None:
    error = exceptions.KeyNotFound(key_id="<k>")
    assert (
        body(error, "application/json").json["message"].startswith("IMG.0095: Encryption key <k>")
    )
    assert "IMG.0095: Encryption key &lt;k&gt;" in body(error, "text/html").text
    assert body(error, "text/plain").content_type == "text/plain"


@pytest.mark.parametrize("accept", ["text/html", "application/json", "text/plain"])
def test_quotation_marks_stay_and_markup_does_not(accept: str) -> None:
    error = exceptions.StoreNotEncrypting(image_id="<b>", key_id="k", store="plain", stores="kms")
    shown = body(error, accept).text
    assert "'plain'" in shown
    assert "&#x27;" not in shown
    if accept == "text/html":
        assert "<b>" not in shown


@pytest.mark.parametrize("accept", ["*/*", "text/html", "application/json", "text/plain"])
def test_half_a_character_is_shown_as_it_was_written(accept: str) -> None:
    refused = body(exceptions.KeyNotFound(key_id="x\udc80"), accept)
    assert refused.status_int == 400
    assert "x\\udc80" in (refused.json["message"] if accept == "application/json" else refused.text)
