# SPDX-License-Identifier: Apache-2.0
"""Which requests the guard looks at, compared with what Glance's router makes of them."""

import contextlib
import functools
import inspect
import io
import itertools
from typing import Any
from unittest import mock

import pytest
import webob
from glance import context as glance_context
from glance.api.v2 import router
from glance.common import wsgi
from oslo_config import cfg
from paste import urlmap

from ims_glance import conf as ims_conf
from ims_glance.api.common import quota
from ims_glance.api.common.image import Images
from ims_glance.api.common.image_keys import ImageKeys
from ims_glance.api.native import (
    data,
    guard,
    image,
    member,
    view,
    whole_image,
)
from ims_glance.api.native.call import Limits
from ims_glance.model.image import stores
from ims_glance.store.inner import stock

# Glance's actions that must not pass unseen. An action that another release of Glance adds shows
# up in test_every_action_is_known.
GUARDED = {
    ("images", "index"): view.index,
    ("images", "show"): view.show,
    ("images", "create"): image.create,
    ("images", "update"): whole_image.update,
    ("image_data", "download"): data.download,
    ("image_data", "upload"): data.upload,
    ("images", "import_image"): data.import_,
    ("images", "add_location"): image.add_location,
    ("images", "delete"): whole_image.delete,
    ("image_actions", "deactivate"): whole_image.change_status,
    ("image_actions", "reactivate"): whole_image.change_status,
    ("image_members", "create"): member.add,
    ("image_members", "update"): member.update,
    ("image_members", "delete"): member.remove,
    ("image_tags", "update"): image.add_tag,
    ("image_tags", "delete"): image.remove_tag,
    ("tasks", "create"): image.create_task,
}
# Those that need no rule: they write no data to a store, and change no property of an image.
HARMLESS = {
    ("images", "get_task_info"), ("images", "delete_from_store"), ("images", "get_locations"),
    ("image_data", "stage"),
    ("image_members", "index"), ("image_members", "show"),
    ("tasks", "index"), ("tasks", "get"), ("tasks", "delete"),
}  # fmt: skip


class Resource:
    """Says which action of which of Glance's modules a request has reached."""

    def __init__(self, module: str) -> None:
        self.module = module

    def __call__(self, environ: dict[str, Any], start_response: Any) -> list[bytes]:
        match = environ["wsgiorg.routing_args"][1]
        environ["reached"] = (self.module, match["action"], match.get("image_id"))
        start_response("200 OK", [])
        return []


@pytest.fixture(scope="module")
def router_() -> router.API:
    """Glance's own router, without what lies behind it."""
    with contextlib.ExitStack() as stack:
        stack.enter_context(mock.patch.object(wsgi, "Resource", lambda *_: Resource("reject")))
        patch = functools.partial(mock.patch.object, autospec=True)
        stack.enter_context(patch(router.images, "load_custom_properties", return_value={}))
        for name, module in inspect.getmembers(router, inspect.ismodule):
            if hasattr(module, "create_resource"):
                stack.enter_context(patch(module, "create_resource", return_value=Resource(name)))
        return router.API(wsgi.APIMapper())


@pytest.fixture(scope="module")
def root(router_: router.API) -> urlmap.URLMap:
    """What stands behind the guard: Paste's map with Glance's router in it."""
    app = urlmap.URLMap()
    app["/v2"] = router_
    return app


def environ(method: str, path: str, query: str = "") -> dict[str, Any]:
    made = webob.Request.blank("/").environ
    return {**made, "REQUEST_METHOD": method, "PATH_INFO": path, "QUERY_STRING": query}


def reached(root: urlmap.URLMap, request: dict[str, Any]) -> tuple[str, str, str | None] | None:
    sent = dict(request)
    root(sent, lambda *_: None)
    return sent.get("reached")


PREFIXES = ["/v2", "//v2", "/v2/", "/v2.3", "/V2", "", "/v2/v2", "/x/v2", "/v2\n"]
MIDDLES = ["/images", "//images", "/Images", "/images/", "/images.json", "/ images", "/tasks"]
IDS = ["", "/i", "//i", "/i/", "/I", "/%69", "/i.x", "/i\n", "/ i", "/i;x", "/..", "/\xe4", "/a/b"]
ENDS = [
    "", "/", "\n", "/file", "//file", "/file/", "/file\n", "/file\n\n", "/file.json", "/File",
    "/import", "/locations", "/locations\n", "/stage", "/import/file", "/members", "/members/m",
    "/members/m/n", "/tags", "/tags/t", "/tags/t\n", "/tags/",
]  # fmt: skip
METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "put"]
QUERIES = [
    "", "x=1", "_method=PUT", "_method=put", "_method=GET&_method=PATCH", "_method=PATCH&_method=GET",
    "_method=", "_method", "a_method=PUT", "%5Fmethod=PUT", "_method=%50UT", "x;_method=PUT",
    "_method=PUT%20", "_method=\xff", "_method=%FF&_method=PUT",
]  # fmt: skip


def assert_guarded_as_reached(root: urlmap.URLMap, request: dict[str, Any]) -> bool:
    """Compare guard and Glance; whether it was a request with a rule."""
    there = reached(root, request)
    found = guard.find_route(request)
    expected = GUARDED.get(there[:2]) if there else None
    assert (found[0].rule if found else None) == expected, (request, there)
    if there and found and there[2] is not None:
        assert found[1] == f"/v2/images/{there[2]}"
    return found is not None


def test_spellings_of_paths(root: urlmap.URLMap) -> None:
    guarded = 0
    for parts in itertools.product(PREFIXES, MIDDLES, IDS, ENDS):
        for method in METHODS[:5]:
            guarded += assert_guarded_as_reached(root, environ(method, "".join(parts)))
    assert guarded > 100


def test_methods_and_their_overriding(root: urlmap.URLMap) -> None:
    paths = ["/v2/images", "/v2/images/i", "/v2/images/i/file", "/v2/images/i/import", "/v2/tasks"]
    guarded = 0
    for method, path, query in itertools.product(METHODS, paths, QUERIES):
        guarded += assert_guarded_as_reached(root, environ(method, path, query))
    assert guarded > 50


def test_every_action_is_known(router_: router.API) -> None:
    """What another release of Glance adds has to be looked at."""
    resources = {
        (route._kargs["controller"].module, route._kargs["action"])
        for route in router_.map.matchlist
        if "controller" in route._kargs
    }
    about_images = {module for module, _action in set(GUARDED) | HARMLESS}
    ours = {(module, action) for module, action in resources if module in about_images}
    assert ours == set(GUARDED) | HARMLESS


def make_guard(app: guard.App) -> guard.Guard:
    def no_keys(*_: Any) -> Any:
        raise AssertionError("the key manager was asked")

    no_jobs: Any = no_keys

    enabled = stores.Stores({"plain": "file", "kms": "ims-kms"}, "plain", "kms")
    limits = Limits(cfg.ConfigOpts(), quota.ImageQuota(cfg.ConfigOpts(), Images(app), no_jobs))
    return guard.Guard(app, enabled, ImageKeys(no_keys, "ims/default"), limits)


class Unreadable(io.RawIOBase):
    """A body that must not be read."""

    def readable(self) -> bool:
        return True

    def readinto(self, _buffer: Any) -> int:
        raise AssertionError("the body was read")


@pytest.mark.parametrize("method", ["GET", "HEAD", "DELETE"])
def test_other_requests_are_handed_on_as_they_are(method: str) -> None:
    request = environ(method, "/v2/images/i/file")
    before = dict(request)
    body = iter([b"data"])

    def app(handed: dict[str, Any], _start_response: Any) -> Any:
        assert handed is request
        assert handed == before
        return body

    assert make_guard(app)(request, lambda *_: None) is body


@pytest.mark.parametrize("context", [None, webob.Response(), "x"])
def test_without_a_context_all_is_left_to_glance(context: Any) -> None:
    request = webob.Request.blank("/v2/images/i/file", method="PUT")
    request.body_file = Unreadable()
    if context is not None:
        request.context = context
    seen = []

    def app(handed: dict[str, Any], start_response: Any) -> Any:
        seen.append(handed["PATH_INFO"])
        return webob.Response()(handed, start_response)

    assert request.get_response(make_guard(app)).status_int == 200
    assert seen == ["/v2/images/i/file"]


@pytest.mark.parametrize("status", [500, 503])
@pytest.mark.parametrize(
    ("method", "path"),
    [("PUT", "/v2/images/i/file"), ("DELETE", "/v2/images/i"), ("POST", "/v2/images/i/import")],
)
def test_without_a_look_at_the_image_nothing_is_done(method: str, path: str, status: int) -> None:
    """An image with a key would be stored unencrypted."""
    sent = []

    def app(handed: dict[str, Any], start_response: Any) -> Any:
        sent.append(handed["REQUEST_METHOD"])
        return webob.Response(status=status)(handed, start_response)

    request = wsgi.Request.blank(path, method=method)
    if method == "POST":
        request.json_body = {"method": {"name": "glance-direct"}}
    request.context = glance_context.RequestContext(policy_enforcer=mock.Mock(), project_id="me")
    assert request.get_response(make_guard(app)).status_int == status
    assert set(sent) == {"GET"}


def make_conf(**options: Any) -> cfg.ConfigOpts:
    """A configuration of Glance's with what the guard reads of it."""
    conf = cfg.ConfigOpts()
    conf.register_opts([cfg.DictOpt("enabled_backends")])
    conf.register_opts([cfg.StrOpt("default_backend", default="plain")], group="glance_store")
    for store in ("plain", "kms", "kms2"):
        conf.register_opts(stock.common_options(), group=store)
    conf([], default_config_files=[], default_config_dirs=[])
    ims_conf.register_opts(conf)
    for name, value in options.items():
        group, _, option = name.rpartition("__")
        conf.set_override(option, value, group or None)
    return conf


BACKENDS = {"plain": "file", "kms": "ims-kms", "kms2": "ims-kms"}


def test_stores_from_the_configuration() -> None:
    conf = make_conf(enabled_backends=BACKENDS, kms2__weight=1)
    assert guard.enabled_stores(conf) == stores.Stores(BACKENDS, "plain", "kms2")
    conf = make_conf(enabled_backends=BACKENDS, kms2__weight=1, ims_kms__default_store="kms")
    assert guard.enabled_stores(conf) == stores.Stores(BACKENDS, "plain", "kms")
    conf = make_conf(enabled_backends=BACKENDS, glance_store__default_backend="kms2")
    assert guard.enabled_stores(conf) == stores.Stores(BACKENDS, "kms2", "kms2")


def test_stores_of_glance_itself_are_none_for_images() -> None:
    conf = make_conf(enabled_backends={**BACKENDS, "os_glance_staging_store": "file"})
    assert guard.enabled_stores(conf).drivers == BACKENDS


def test_single_store() -> None:
    assert guard.enabled_stores(make_conf()) == stores.Stores({}, None, None)
