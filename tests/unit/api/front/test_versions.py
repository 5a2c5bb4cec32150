# SPDX-License-Identifier: Apache-2.0
"""``show_version`` in front of Glance's own list of versions."""

from typing import Any

import pytest
import webob
from glance.api import versions as glance_versions
from glance.api.middleware.version_negotiation import VersionNegotiationFilter
from webob.dec import wsgify

from ims_glance.api.front.signature import Signature
from ims_glance.api.front.versions import Versions
from tests.unit.api.front import sdk_requests
from tests.unit.api.front.test_signature import Credentials


@wsgify
def native(request):
    if request.path_info == "/":
        return glance_versions.Controller()
    return webob.Response(f"{request.method} {request.path_info} by Glance", status=302)


def _ask(path, method="GET"):
    return webob.Request.blank(path, method=method).get_response(Versions(native))


@pytest.mark.parametrize("version", ["v2.0", "v2.1", "v2.9"])
def test_one_version(version):
    answer = _ask(f"/{version}")
    assert (answer.status_int, answer.content_type) == (300, "application/json")
    (found,) = answer.json["versions"]
    assert found["id"] == version
    assert found["links"][0]["href"] == "http://localhost/v2/"


def test_the_current_version():
    (found,) = _ask("/v2").json["versions"]
    assert found["status"] == "CURRENT"


def test_head():
    answer = _ask("/v2", "HEAD")
    assert (answer.status_int, answer.body) == (300, b"")


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "/v2.99"), ("GET", "/v2/"), ("GET", "/v2/images"), ("POST", "/v2"), ("GET", "/v1")],
)
def test_everything_else_is_for_glance(method, path):
    answer = _ask(path, method)
    assert answer.status_int == 302
    assert answer.text == f"{method} {path} by Glance"


def test_the_list_is_not_touched():
    assert len(_ask("/").json["versions"]) > 1


def test_a_prefix_in_front_is_kept():
    request = webob.Request.blank("/v2", environ={"SCRIPT_NAME": "/image"})
    (found,) = request.get_response(Versions(native)).json["versions"]
    assert found["links"][0]["href"] == "http://localhost/image/v2/"


def _behind_filters():
    """What Glance has in front of its versions, and the filter of signatures before that."""
    credentials: Any = Credentials()
    return Signature(VersionNegotiationFilter(native), credentials)


@pytest.mark.parametrize("path", ["/v2", "/v2.9"])
@pytest.mark.parametrize("accept", ["*/*", "application/vnd.openstack.images-v2"])
def test_whatever_is_sent_along(path, accept):
    """Huawei's SDK signs all that it asks; the signature is one of the path that was asked."""
    environ = sdk_requests.signed("GET", path, Accept=accept)
    answer = webob.Request(environ).get_response(Versions(_behind_filters()))
    assert answer.status_int == 300
    assert len(answer.json["versions"]) == 1


@pytest.mark.parametrize("name", ["X-Auth-Token", "X-Security-Token"])
def test_a_token_that_is_none_is_none_of_its_business(name):
    request = webob.Request.blank("/v2", headers={"X-Auth-Token": "a", name: "b"})
    assert request.get_response(Versions(_behind_filters())).status_int == 300


@pytest.mark.parametrize(
    ("status", "body"),
    [(401, b'{"error": {}}'), (300, b"<html>"), (300, b"[]"), (300, b"{}"), (200, b"OK")],
)
def test_what_is_no_list_is_left_to_glance(status, body):
    @wsgify
    def other(request):
        return webob.Response(body, status=status if request.path_info == "/" else 404)

    assert webob.Request.blank("/v2").get_response(Versions(other)).status_int == 404
