# SPDX-License-Identifier: Apache-2.0
"""Sub-requests to an application that notes what arrives, and Glance's policy."""

from collections.abc import Iterator
from typing import Any
from unittest import mock

import pytest
import webob
import webob.dec
from glance import context as glance_context
from glance.api import policy
from oslo_config import cfg
from oslo_db import exception as db_exceptions

from ims_glance.api.common import image as images
from ims_glance.model.image import stores

VIEW = {
    "id": "i",
    "owner": "demo",
    "status": "queued",
    "visibility": "community",
    "extra_properties": "a property may be called like anything",
}


class Glance:
    """Answers with what it is told to, and remembers the requests."""

    def __init__(self, status: int = 200, view: Any = None) -> None:
        self.status, self.view = status, VIEW if view is None else view
        self.requests: list[webob.Request] = []

    @webob.dec.wsgify
    def __call__(self, request: webob.Request) -> webob.Response:
        self.requests.append(request)
        return webob.Response(json_body=self.view, status=self.status)


@pytest.fixture(scope="module")
def enforcer() -> Iterator[policy.Enforcer]:
    # A file that exists would be somebody's configuration.
    cfg.CONF([], default_config_files=[], default_config_dirs=[], project="ims-test")
    yield policy.Enforcer()
    cfg.CONF.reset()


def context(enforcer: policy.Enforcer, project: str, *roles: str) -> glance_context.RequestContext:
    return glance_context.RequestContext(
        policy_enforcer=enforcer, project_id=project, roles=list(roles)
    )


@pytest.mark.parametrize("path", ["/v2/images/i", "/v2/images/%69", "/v2/images/a?b#c", "/v2/\xe4"])
def test_image_is_read_by_its_path_and_as_the_caller(enforcer, path: str) -> None:
    glance = Glance()
    caller = context(enforcer, "demo", "reader")
    image = images.Images(glance).get(caller, path)
    assert image is not None
    assert (image.id, image.path) == ("i", path)
    (request,) = glance.requests
    assert (request.method, request.environ["PATH_INFO"]) == ("GET", path)
    assert request.environ["QUERY_STRING"] == ""
    assert request.context is caller


@pytest.mark.parametrize(("query", "knows_them"), [({}, False), ({"marker": "i"}, True)])
def test_only_a_list_after_an_image_knows_the_deleted_ones(enforcer, query, knows_them) -> None:
    glance = Glance()
    caller = context(enforcer, "demo", "reader")
    images.Images(glance).call(caller, "GET", "/v2/images", query={"limit": "1", **query})
    (request,) = glance.requests
    assert request.context.can_see_deleted is knows_them
    assert (request.context.project_id, request.context.is_admin) == ("demo", False)
    assert not caller.can_see_deleted


@pytest.mark.parametrize("status", [300, 404])
def test_image_that_is_not_there(enforcer, status: int) -> None:
    assert images.Images(Glance(status)).get(context(enforcer, "demo"), "/v2/images/i") is None


@pytest.mark.parametrize("status", [401, 403, 500, 503])
def test_image_that_glance_does_not_show(enforcer, status: int) -> None:
    with pytest.raises(images.SubrequestRefused):
        images.Images(Glance(status)).get(context(enforcer, "demo"), "/v2/images/i")


def test_what_is_known_of_an_image() -> None:
    view = {
        **VIEW,
        "__system__cmkid": "k",
        "stores": "kms,kms2",
        "locations": [{"url": "ims-kms://kms/1", "metadata": {}}],
    }
    image = images.ShownImage("/v2/images/i", view)
    assert image.facts == stores.ImageFacts("i", "k", ("kms", "kms2"))
    assert image.location_urls == {"ims-kms://kms/1"}


def test_what_is_known_of_a_new_image() -> None:
    image = images.ShownImage("/v2/images/i", {**VIEW, "__system__cmkid": ""})
    assert image.facts == stores.ImageFacts("i", None, ())
    assert image.location_urls == set()


def test_key_is_recorded_in_the_service_s_own_right(enforcer) -> None:
    glance = Glance()
    caller = context(enforcer, "demo", "member")
    image = images.ShownImage("/v2/images/i", VIEW)
    images.Images(glance).record_key(caller, image, "k", shown=True)
    (request,) = glance.requests
    assert (request.method, request.path) == ("PATCH", "/v2/images/i")
    assert request.content_type == "application/openstack-images-v2.1-json-patch"
    assert request.json == [
        {"op": "add", "path": "/__system__cmkid", "value": "k"},
        {"op": "add", "path": "/__store_key", "value": "k"},
    ]
    assert request.context.is_admin
    assert not caller.is_admin
    assert "admin" not in caller.roles


def test_key_that_is_shown_no_more(enforcer) -> None:
    glance = Glance()
    shown = images.ShownImage("/v2/images/i", {**VIEW, "__system__cmkid": "k"})
    images.Images(glance).record_key(context(enforcer, "demo"), shown, "k", shown=False)
    assert glance.requests[0].json == [
        {"op": "add", "path": "/__store_key", "value": "k"},
        {"op": "remove", "path": "/__system__cmkid"},
    ]


def test_key_that_glance_does_not_record(enforcer) -> None:
    glance = Glance(413)
    with pytest.raises(images.SubrequestRefused) as caught:
        images.Images(glance).record_key(
            context(enforcer, "demo"), images.ShownImage("/v2/images/i", VIEW), "k", shown=True
        )
    assert caught.value.response.status_int == 413


@pytest.mark.parametrize("rule", ["upload_image", "modify_image"])
@pytest.mark.parametrize(
    ("project", "roles", "allowed"),
    [
        ("demo", ("member",), True),
        ("demo", ("reader",), False),
        ("demo", (), False),
        ("other", ("member", "reader"), False),
        ("other", ("admin",), True),
    ],
)
def test_permission(enforcer, rule, project, roles, allowed) -> None:
    image = images.ShownImage("/v2/images/i", VIEW)
    assert images.may(context(enforcer, project, *roles), rule, image) is allowed


def test_permission_for_an_image_that_nobody_owns(enforcer) -> None:
    image = images.ShownImage("/v2/images/i", {**VIEW, "owner": None})
    assert not images.may(context(enforcer, "demo", "member"), "upload_image", image)
    assert images.may(context(enforcer, "demo", "admin"), "upload_image", image)


@pytest.mark.parametrize(
    ("roles", "owner", "visibility", "allowed"),
    [
        (("member",), "demo", None, True),
        (("member",), "demo", "shared", True),
        (("reader",), "demo", None, False),
        (("member",), "other", None, False),
        (("member",), "demo", "public", False),
        (("admin",), "other", "public", True),
    ],
)
def test_permission_to_create(enforcer, roles, owner, visibility, allowed) -> None:
    assert images.may_create(context(enforcer, "demo", *roles), owner, visibility) is allowed


class Store:
    """Answers downloads; *randomly* says whether it reads from anywhere."""

    def __init__(self, randomly: bool = True, status: int = 200) -> None:
        self.randomly, self.status = randomly, status
        self.ranges: list[str | None] = []
        self.closed = 0

    @webob.dec.wsgify
    def __call__(self, request: webob.Request) -> webob.Response:
        assert request.path == "/v2/images/i/file"
        wanted = request.headers.get("Range")
        self.ranges.append(wanted)
        if wanted and not self.randomly:
            return webob.Response(status=400, json_body={"message": "not supported"})
        if self.status != 200:
            return webob.Response(status=self.status, json_body={"message": "no"})
        first, last = wanted.removeprefix("bytes=").split("-") if wanted else ("", "")
        part = DATA[int(first or 0) : int(last) + 1 if last else None]
        return webob.Response(app_iter=self._send(part), status=206 if wanted else 200)

    def _send(self, part: bytes) -> Iterator[bytes]:
        try:
            yield from (part[place : place + 3] for place in range(0, len(part), 3))
        finally:
            self.closed += 1


DATA = b"0123456789"
PARTS = [(0, None), (0, 4), (3, 2), (4, 6), (9, None), (2, 7)]


@pytest.mark.parametrize("randomly", [True, False])
@pytest.mark.parametrize(("offset", "length"), PARTS)
def test_a_part_of_the_data(enforcer, randomly: bool, offset: int, length: int | None) -> None:
    store = Store(randomly)
    data = images.Images(store).data(context(enforcer, "demo"), "i", offset, length)
    end = len(DATA) if length is None else offset + length
    assert b"".join(data.chunks) == DATA[offset:end]
    data.close()
    data.close()
    assert store.closed == 1
    whole = (offset, length) == (0, None)
    assert store.ranges == ([None] if whole else [store.ranges[0]] + [None] * (not randomly))


def test_a_store_is_let_go_of_before_all_is_read(enforcer) -> None:
    store = Store()
    data = images.Images(store).data(context(enforcer, "demo"), "i")
    next(data.chunks)
    data.close()
    assert store.closed == 1


@pytest.mark.parametrize("offset", [0, 1])
def test_data_that_glance_does_not_give(enforcer, offset: int) -> None:
    with pytest.raises(images.SubrequestRefused) as refused:
        images.Images(Store(status=403)).data(context(enforcer, "demo"), "i", offset)
    assert refused.value.response.status_int == 403
    with pytest.raises(images.DataMissing) as missing:
        images.Images(Store(status=204)).data(context(enforcer, "demo"), "i", offset)
    assert missing.value.code == "IMG.0057"


@pytest.mark.parametrize(
    ("answer", "count"),
    [([2], 2), ([db_exceptions.DBConnectionError()], None)],
    ids=["counted", "the database is away"],
)
def test_member_count(answer: list[Any], count: int | None) -> None:
    database = mock.Mock()
    database.image_member_count.side_effect = answer
    with mock.patch("glance.db.get_api", return_value=database):
        assert images.Images(Glance()).member_count(None, "i") == count
