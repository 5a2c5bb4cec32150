# SPDX-License-Identifier: Apache-2.0
"""``show_version`` in front of Glance's own list of versions."""

import pytest
import webob
from glance.api import versions as glance_versions
from webob.dec import wsgify

from ims_glance.api.front.versions import Versions


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
