# SPDX-License-Identifier: Apache-2.0
"""Refusals as exceptions."""

import json

import pytest
import requests
from openstack import exceptions

from ims_glance.client import errors


def answer(status, body, **headers):
    response = requests.Response()
    response.status_code = status
    response.reason = "Because"
    response._content = (body if isinstance(body, str) else json.dumps(body)).encode()
    response.headers.update(headers)
    return response


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, exceptions.BadRequestException),
        (403, exceptions.ForbiddenException),
        (404, exceptions.NotFoundException),
        (409, exceptions.ConflictException),
        (503, exceptions.HttpException),
    ],
)
def test_they_are_what_openstacksdk_raises(status, kind):
    body = {"error": {"code": "IMG.0027", "message": "There is no such image."}}
    error = errors.of(answer(status, body, **{"x-openstack-request-id": "req-1"}))
    assert isinstance(error, kind)
    assert (error.code, error.status_code, error.request_id) == ("IMG.0027", status, "req-1")
    assert str(error) == f"IMG.0027: There is no such image. (HTTP {status}, request req-1)"


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ({"message": "IMG.0090: Not now.", "code": "409 Conflict"}, "IMG.0090: Not now."),
        (
            "<head><title>403 Forbidden</title></head><h1>403 No</h1>IMG.0094: It is\n public.<br />",
            "IMG.0094: It is public.",
        ),
        ({"error": {"code": 401, "message": "No token."}}, "No token."),
        ({"error": "odd"}, "odd"),
        ({"code": "IMG.0014"}, "IMG.0014: Because"),
        (["a list"], "['a list']"),
        ("", "Because"),
        ("<p>Bad Gateway</p>", "Bad Gateway"),
    ],
)
def test_every_form_of_refusal_is_read(body, text):
    assert str(errors.of(answer(409, body))) == f"{text} (HTTP 409)"


def test_the_other_header_of_the_request_id():
    error = errors.of(answer(500, "", **{"X-Request-Id": "req-2"}))
    assert error.request_id == "req-2"


def test_a_glance_without_the_api():
    error = errors.of(answer(300, {"versions": []}))
    assert str(error) == "The Image service of this cloud has no IMS API (HTTP 300)"
