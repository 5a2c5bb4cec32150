# SPDX-License-Identifier: Apache-2.0
"""Refusals of the filters behind, in the words of IMS."""

import pytest
import webob

from ims_glance.api.front import refusals


def _through(response):
    return webob.Request.blank("/v1/x").get_response(refusals.filter_factory({})(response))


@pytest.mark.parametrize(
    ("status", "code"), [(401, "IMG.0087"), (503, "IMG.0014"), (500, "IMG.0061"), (431, "IMG.0061")]
)
@pytest.mark.parametrize("body", [b"<h1>No</h1>", b'{"message": "no"}', b""])
def test_others_refusals_are_reworded(status, code, body):
    answer = _through(webob.Response(status=status, body=body, headers={"X-Kept": "1"}))
    assert (answer.status_int, answer.json["error"]["code"]) == (status, code)
    assert (answer.content_type, answer.headers["X-Kept"]) == ("application/json", "1")


def test_our_own_stay():
    body = {"error": {"code": "IMG.0001", "message": "m"}}
    assert _through(webob.Response(status=401, json_body=body)).json == body


def test_answers_stay():
    assert _through(webob.Response(status=200, text="fine")).text == "fine"
