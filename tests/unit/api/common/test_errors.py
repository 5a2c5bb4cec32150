# SPDX-License-Identifier: Apache-2.0
"""Refusals in the words of IMS, ours and Glance's."""

import pytest
import webob

from ims_glance import exceptions
from ims_glance.api.common import errors
from ims_glance.clouds import rest


@pytest.mark.parametrize(
    ("family", "status"),
    [
        (exceptions.Invalid, 400),
        (exceptions.Conflict, 400),
        (exceptions.Forbidden, 403),
        (exceptions.NotFound, 404),
        (exceptions.Unavailable, 503),
        (exceptions.ImsError, 500),
    ],
)
def test_answers(family, status):
    answer = errors.answer(family())
    assert answer.status_int == status
    assert answer.json == {"error": {"code": family.code, "message": str(family())}}
    assert answer.content_type == "application/json"


def _glance(status, message):
    return webob.Response(status=status, json_body={"message": message, "code": str(status)})


@pytest.mark.parametrize(
    ("status", "family", "code"),
    [
        (400, exceptions.Invalid, "IMG.0016"),
        (403, exceptions.Forbidden, "IMG.0026"),
        (404, exceptions.NotFound, "IMG.0027"),
        (409, exceptions.Conflict, "IMG.0035"),
        (413, exceptions.Conflict, "IMG.0035"),
        (415, exceptions.Invalid, "IMG.0016"),
        (418, exceptions.Unavailable, "IMG.0014"),
        (500, exceptions.Unavailable, "IMG.0014"),
    ],
)
def test_from_glance(status, family, code):
    error = errors.from_glance(_glance(status, "It is so.<br /><br />\n\n\n"))
    assert isinstance(error, family)
    assert error.code == code
    assert str(error) == "It is so." or status >= 500


def test_the_guard_s_own_keep_their_codes():
    error = errors.from_glance(_glance(409, "IMG.0088: Too many.<br />"))
    assert (error.code, str(error)) == ("IMG.0088", "Too many.")
    assert errors.Contradicts.code == "IMG.0035"


def test_what_is_damaged_will_not_be_better_later():
    error = errors.from_glance(
        _glance(500, "It erred.<br />\nIMG.0057: The stored data is damaged.")
    )
    assert isinstance(error, exceptions.Conflict)
    assert (error.code, str(error)) == ("IMG.0057", "The stored data is damaged.")
    other = errors.from_glance(_glance(500, "IMG.0099: of whatever"))
    assert (type(other), other.code) == (errors.Away, "IMG.0014")
    assert "whatever" not in str(other)


@pytest.mark.parametrize(
    "response",
    [
        webob.Response(status=400, text="<h1>No</h1>", content_type="text/html"),
        webob.Response(status=400, body=b"{", content_type="application/json", charset="utf-8"),
        webob.Response(status=400, json_body=[]),
        webob.Response(status=500, body=b"\xff", content_type="application/octet-stream"),
    ],
)
def test_other_forms(response):
    assert str(errors.from_glance(response))


@pytest.mark.parametrize(("status", "answered"), [(400, 400), (403, 403), (404, 404), (409, 400)])
def test_what_neighbours_refuse(status, answered):
    error = rest.Refused(status, "IMG.0016", "Compute", "no such thing")
    assert errors.answer(error).status_int == answered
