# SPDX-License-Identifier: Apache-2.0
"""Which API a request is for, under which prefix, and the request id on every answer."""

import pytest
import webob

from ims_glance.api.front import dispatch


def _app(name):
    def serve(environ, start_response):
        body = f"{name} {environ.get('SCRIPT_NAME')} {environ['PATH_INFO']}"
        headers = {"x-openstack-request-id": "req-1"} if environ.get("HTTP_X_IN") else {}
        return webob.Response(text=body, headers=headers, content_type="text/plain")(
            environ, start_response
        )

    return serve


@pytest.fixture
def root():
    return dispatch.Doors(_app("native"), _app("ims"), ["/image", "/a/b/"])


def _serve(root, path, **headers):
    request = webob.Request.blank("/")
    request.environ["PATH_INFO"] = path
    request.headers.update(headers)
    return request.get_response(root)


@pytest.mark.parametrize(
    "path",
    [
        "/v1/cloudimages", "/v1/p/jobs/j", "/v2/cloudimages", "/v2/cloudimages/i",
        "/v2.1/cloudimages/action", "/v2/p/images/i/tags", "/v2/p/images/i/tags/k",
        "/v2/p/images/tags", "/v2/p/images/resource_instances/action", "//v2//cloudimages",
        "/v2/cloudimages/a\nb", "/v2/images/images/i/tags", "/v3/projects", "/v3/projects/",
    ],
)  # fmt: skip
@pytest.mark.parametrize("prefix", ["", "/image", "/a/b"])
def test_the_ims_api(root, path, prefix):
    assert _serve(root, prefix + path).text.startswith(f"ims {prefix} /v")


@pytest.mark.parametrize(
    "path",
    [
        "/v2/images", "/v2/images/i", "/v2/images/i/tags/t", "/v2/images/i/file",
        "/v2/images/tags/x", "/v2/schemas/image", "/", "/healthcheck", "/v2/cloudimagesX", "/v3/x",
        "/v3", "/v3/projects/p",
        "/imageX/v2/cloudimages", "/v2.2/cloudimages",
    ],
)  # fmt: skip
def test_the_image_api(root, path):
    assert _serve(root, path).text == f"native  {path}"


@pytest.mark.parametrize(
    ("path", "inside"), [("/image", "/"), ("/image/", "/"), ("/image/v2/", "/v2/")]
)
def test_a_prefix_by_itself(root, path, inside):
    assert _serve(root, path).text == f"native /image {inside}"


def test_the_request_id_under_both_names(root):
    answer = _serve(root, "/v2/images", **{"X-In": "1"})
    assert answer.headers["X-Request-Id"] == answer.headers["x-openstack-request-id"] == "req-1"
    made = _serve(root, "/v2/images")
    assert made.headers["X-Request-Id"].startswith("req-")
    assert made.headers["X-Request-Id"] == made.headers["x-openstack-request-id"]


@pytest.mark.parametrize("path", ["/v2/images/\xff", "/v1/\xe3x", "/image/v2/images/\xed\xa0\x80"])
def test_a_path_that_is_not_utf_8(root, path):
    answer = _serve(root, path)
    assert (answer.status_int, answer.json["error"]["code"]) == (400, "IMG.0017")
    assert answer.headers["x-request-id"].startswith("req-")


@pytest.mark.parametrize("path", ["/v1/cloudimages/tags", "/v2/images"])
def test_a_request_id_that_is_too_long(path):
    root = dispatch.Doors(_app("native"), _app("ims"), request_id_length=9)
    assert _serve(root, path, **{"X-Openstack-Request-Id": "a" * 9}).status_int == 200
    answer = _serve(root, path, **{"X-Openstack-Request-Id": "a" * 10})
    assert (answer.status_int, answer.json["error"]["code"]) == (431, "IMG.0016")
