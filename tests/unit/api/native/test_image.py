# SPDX-License-Identifier: Apache-2.0
"""What the rules cost, and how they read requests; what they decide is tested in a real Glance."""

import contextlib
import dataclasses
import json
import types
import uuid
from collections.abc import Collection, Iterator
from typing import Any, ClassVar

import pytest
import webob
import webob.dec
from glance.common import exception as glance_exceptions
from glance.common import wsgi
from oslo_config import cfg

from ims_glance import conf as ims_conf
from ims_glance import exceptions
from ims_glance.api.common import quota
from ims_glance.api.common.image import Images
from ims_glance.api.common.image_keys import ImageKeys
from ims_glance.api.market import product_code
from ims_glance.api.native import image as native_image
from ims_glance.api.native.call import Limits, NativeCall
from ims_glance.clouds import coordination
from ims_glance.clouds.image import ImageRecords
from ims_glance.model.image import rules, stores

KEY = "0f6c6f3e-1d7b-4a4b-8f0e-6a1f5c1f9d3a"
PATCH_TYPE = "application/openstack-images-v2.1-json-patch"


class Policies:
    """Glance's, which allow all but some."""

    def __init__(self, *denied: str) -> None:
        self.denied = denied

    def enforce(self, _context: Any, rule: str, _target: Any, **_: Any) -> bool:
        if rule in self.denied:
            raise glance_exceptions.Forbidden
        return True


CONTEXT = types.SimpleNamespace(
    project_id="demo",
    roles=["member"],
    service_roles=[],
    is_admin=False,
    policy_enforcer=Policies(),
)
ENABLED = stores.Stores({"plain": "file", "kms": "ims-kms", "kms2": "ims-kms"}, "plain", "kms")


class Records(ImageRecords):
    """A database in which the project has no images."""

    def count(self, owner: str) -> int:
        return 0


def _limits(glance: Any) -> Limits:
    conf = cfg.ConfigOpts()
    ims_conf.register_opts(conf)
    conf([], default_config_files=[], default_config_dirs=[])
    return Limits(conf, quota.ImageQuota(conf, Images(glance), lambda _: [], records=Records()))


class Glance:
    """One image, and how often it was asked for."""

    def __init__(self, **image: Any) -> None:
        self.image: dict[str, Any] = {
            "id": "i",
            "owner": "demo",
            "status": "queued",
            "visibility": "shared",
        }
        self.image.update(image)
        self.path = "/v2/images/i"
        self.asked = 0
        self.listed = 0

    @webob.dec.wsgify
    def __call__(self, request: webob.Request) -> webob.Response:
        if request.path == "/v2/images":
            self.listed += 1
            return webob.Response(json_body={"images": [self.image]})
        assert (request.method, request.path) == ("GET", self.path)
        self.asked += 1
        return webob.Response(json_body=self.image)


class Keys:
    """A key manager in which every key is fine."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def check_usable(self, context: Any, key_id: str) -> None:
        self.asked.append(key_id)

    def open_to_service(self, context: Any, key_id: str) -> None:
        self.asked.append(key_id)

    def default_key(self, context: Any) -> str:
        raise AssertionError("a default key was asked for")

    def find_default_key(self, context: Any) -> str | None:
        raise AssertionError("the default key was looked for")

    def key_name(self, key_id: str) -> str | None:
        raise AssertionError("the name of a key was looked for")

    def caller_key(self, context: Any, key_id: str) -> bytes:
        raise AssertionError("a key was read")


def make_call(glance: Glance, keys: Keys | None = None, **request: Any) -> NativeCall:
    known = keys or Keys()
    body = request.pop("json_body", None)
    if body is not None:
        request["body"] = json.dumps(body).encode()
    return NativeCall(
        request=wsgi.Request.blank("/", **{"method": "POST", **request}),
        context=CONTEXT,
        image_path="/v2/images/i",
        images=Images(glance),
        keys=ImageKeys(lambda: known, "ims/default"),
        stores=ENABLED,
        limits=_limits(glance),
    )


def patch(*changes: dict[str, Any]) -> dict[str, Any]:
    return {"method": "PATCH", "content_type": PATCH_TYPE, "json_body": list(changes)}


@pytest.mark.parametrize(
    "change",
    [
        {"op": "replace", "path": "/name", "value": "x"},
        {"op": "remove", "path": "/locations/0"},
        {"op": "add", "path": "/system__cmkid", "value": "x"},
    ],
)
def test_other_patches_cost_one_look_at_the_image(change: dict[str, Any]) -> None:
    glance, keys = Glance(), Keys()
    native_image.update(make_call(glance, keys, **patch(change)))
    assert (glance.asked, keys.asked) == (1, [])


@pytest.mark.parametrize(
    ("rule", "request_"),
    [
        (native_image.update, patch({"op": "replace", "path": "/tags", "value": []})),
        (native_image.update, patch({"op": "remove", "path": "/tags"})),
        (native_image.add_tag, {"method": "PUT"}),
        (native_image.remove_tag, {"method": "DELETE"}),
    ],
)
def test_tags_are_changed_by_one_after_the_other(
    rule: Any, request_: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The lock of the image is held until Glance has answered; what counts is seen under it."""
    held: list[tuple[str, str]] = []
    glance = Glance(tags=[])

    @contextlib.contextmanager
    def lock(_conf: Any, kind: str, name: str) -> Iterator[None]:
        held.append((kind, name))
        glance.image["tags"] = [str(number) for number in range(11)]
        yield
        held.clear()

    monkeypatch.setattr(coordination, "lock", lock)
    call = make_call(glance, **request_)
    with call.held:
        if rule is native_image.add_tag:
            with pytest.raises(native_image.TooManyTags):
                rule(call)
        else:
            rule(call)
        assert held == [("image", "i")]
    assert not held


@pytest.mark.parametrize(("conventions", "visibility"), [(False, None), (True, "private")])
def test_creation_without_key_asks_for_none(
    monkeypatch: pytest.MonkeyPatch, conventions: bool, visibility: str | None
) -> None:
    monkeypatch.setattr(native_image, "may_create", lambda *_: True)
    glance, keys = Glance(), Keys()
    call = make_call(glance, keys, json_body={"name": "x"})
    call.limits.conf.set_override("native_conventions", conventions, group="ims_api")
    with call.held:
        native_image.create(call)
    # Far from the limit nothing is listed.
    assert (glance.asked, glance.listed, keys.asked) == (0, 0, [])
    assert call.request.json["name"] == "x"
    assert call.request.json.get("visibility") == visibility
    assert call.request.context.roles == ["member", "ims_service"]
    assert call.context.roles == ["member"]


@pytest.mark.parametrize(
    ("name", "trust", "is_hidden"),
    [
        ("ims-job-{}-1", "of the job", True),
        ("ims-job-{}", "of the job", None),
        # By somebody who knows the job's id.
        ("ims-job-{}-1", "of another", None),
        ("ims-job-{}-1", None, None),
        ("mine", "of the job", None),
    ],
)
def test_what_is_made_for_a_job_is_told_by_the_token(
    monkeypatch: pytest.MonkeyPatch, name: str, trust: str | None, is_hidden: bool | None
) -> None:
    monkeypatch.setattr(native_image, "may_create", lambda *_: True)
    job_id, taken = "a" * 32, []

    class Places(quota.ImageQuota):
        @contextlib.contextmanager
        def place(self, _context: Any, project_id: str) -> Iterator[None]:
            taken.append(project_id)
            yield

    asked = ("demo", job_id, "of the job")
    made: Any = lambda project, job, number, grant: (
        (project, job, grant) == asked and number in (1, None)
    )
    glance: Any = Glance()
    call = make_call(glance, json_body={"name": name.format(job_id)})
    call = dataclasses.replace(
        call,
        limits=Limits(call.limits.conf, Places(call.limits.conf, glance, lambda _: [], made)),
    )
    token = {"methods": ["password"]} | ({"OS-TRUST:trust": {"id": trust}} if trust else {})
    call.request.environ["keystone.token_info"] = {"token": token}
    with call.held:
        native_image.create(call)
    is_of_job = trust == "of the job" and name != "mine"
    assert taken == ([] if is_of_job else ["demo"])
    assert call.request.json.get("os_hidden") is is_hidden


def test_our_worker_s_images_have_their_places_and_attributes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(native_image, "may_create", lambda *_: True)
    glance = Glance()
    body = {"name": "x", "__data_origin": "volume,v", "visibility": "shared"}
    call = make_call(glance, json_body=body)
    call.context.service_roles.append("ims_service")
    try:
        native_image.create(call)
    finally:
        call.context.service_roles.clear()
    assert glance.listed == 0
    assert call.request.json == body


@pytest.mark.parametrize(
    "body", [[], {}, {"input": None}, {"input": []}, {"input": {"image_properties": "x"}}]
)
def test_other_tasks_are_left_alone(body: Any) -> None:
    glance = Glance(__system__cmkid=KEY)
    native_image.create_task(make_call(glance, json_body=body))
    assert glance.asked == 0


def test_task_for_an_image_with_key() -> None:
    call = make_call(Glance(__system__cmkid=KEY), json_body={"input": {"image_id": "i"}})
    with pytest.raises(native_image.TaskRefused, match=r"/v2/images/\{id\}/import"):
        native_image.create_task(call)


@pytest.mark.parametrize(
    ("url", "allowed"),
    [
        ("http://x", True),
        ("ims-kms-2://x", True),
        ("x", True),
        ("http://[x", True),
        ("ims-kms://kms/1", False),
        ("IMS-KMS://kms/1", False),
        (" ims-kms://kms/1", False),
        ("ims-\nkms://kms/1", False),
        ("ims-kms:", False),
    ],
)
def test_schemes(url: str, allowed: bool) -> None:
    calls = [
        make_call(Glance(), json_body={"url": url}),
        make_call(Glance(), json_body={"input": {"loc_url": url}}),
        make_call(
            Glance(),
            **patch({"op": "add", "path": "/locations/-", "value": {"url": url, "metadata": {}}}),
        ),
    ]
    for rule, call in zip(
        (native_image.add_location, native_image.create_task, native_image.update),
        calls,
        strict=True,
    ):
        if allowed:
            rule(call)
            continue
        with pytest.raises(exceptions.LocationForbidden):
            rule(call)


@pytest.mark.parametrize("status", [204, 404, 409])
def test_the_report_of_an_image_is_forgotten_once_that_is_deleted(status: int) -> None:
    class Reports:
        gone: ClassVar[list[str]] = []

        def forget_soon(self, image_id: str) -> None:
            self.gone.append(image_id)

    reports: Any = Reports()
    call = dataclasses.replace(make_call(Glance(), method="DELETE"), reports=reports)
    native_image.delete(call)
    for effect in call.effects:
        effect(webob.Response(status=status))
    assert reports.gone == (["i"] if status == 204 else [])


class Sold(ImageRecords):
    """A product is in each image; counts how often it was asked."""

    def __init__(self) -> None:
        self.asked = 0

    def sold_among(self, image_ids: Collection[str]) -> str | None:
        self.asked += 1
        return min(image_ids)


def _added(url: str) -> dict[str, Any]:
    return patch({"op": "add", "path": "/locations/-", "value": {"url": url, "metadata": {}}})


def _replaced(*urls: str) -> dict[str, Any]:
    places = [{"url": url, "metadata": {}} for url in urls]
    return patch({"op": "replace", "path": "/locations", "value": places})


_SOLD = "rbd://fsid/images/5b1a6f0e-93d2-4d0e-8b56-3f1f0c3d2a10/snap"
_MANY = " ".join(str(uuid.UUID(int=number)) for number in range(1, 20_000))
_DOORS: tuple[tuple[Any, Any, str], ...] = (
    (native_image.add_location, lambda url: {"json_body": {"url": url}}, "add_image_location"),
    (native_image.create_task, lambda url: {"json_body": {"input": {"loc_url": url}}}, "tasks_api_access"),
    (native_image.create_task, lambda url: {"json_body": {"input": {"import_from": url}}}, "tasks_api_access"),
    (native_image.update, _added, "set_image_location"),
    (native_image.update, _replaced, "set_image_location"),
    (native_image.update, lambda url: _replaced(*url.split()), "set_image_location"),
)  # fmt: skip


@pytest.fixture
def locations() -> Iterator[cfg.ConfigOpts]:
    """Glance lets clients change locations."""
    cfg.CONF.import_opt("show_multiple_locations", "glance.common.config")
    cfg.CONF.set_override("show_multiple_locations", True)
    yield cfg.CONF
    cfg.CONF.clear_override("show_multiple_locations")


@pytest.mark.usefixtures("locations")
@pytest.mark.parametrize(("rule", "request_of", "_policy"), _DOORS)
def test_no_image_gets_the_place_of_a_products_data(
    rule: Any, request_of: Any, _policy: str
) -> None:
    call = dataclasses.replace(make_call(Glance(), **request_of(_SOLD)), records=Sold())
    with pytest.raises(rules.RuleRefused, match="product of the marketplace"):
        rule(call)


@pytest.mark.usefixtures("locations")
@pytest.mark.parametrize(("rule", "request_of", "_policy"), _DOORS)
def test_places_that_name_thousands_of_images_cost_no_look(
    rule: Any, request_of: Any, _policy: str
) -> None:
    sold = Sold()
    call = dataclasses.replace(make_call(Glance(), **request_of(_MANY)), records=sold)
    with pytest.raises(product_code.PlacesNameMany, match="more than 16"):
        rule(call)
    assert sold.asked == 0


@pytest.mark.usefixtures("locations")
@pytest.mark.parametrize(("rule", "request_of", "policy"), _DOORS)
@pytest.mark.parametrize("url", [_SOLD, _MANY])
def test_who_may_name_no_place_learns_nothing_of_one(
    rule: Any, request_of: Any, policy: str, url: str
) -> None:
    sold = Sold()
    call = dataclasses.replace(make_call(Glance(), **request_of(url)), records=sold)
    context = types.SimpleNamespace(**vars(CONTEXT) | {"policy_enforcer": Policies(policy)})
    rule(dataclasses.replace(call, context=context))
    assert sold.asked == 0


def test_where_locations_are_not_shown_nobody_learns_anything_either() -> None:
    sold = Sold()
    native_image.update(dataclasses.replace(make_call(Glance(), **_added(_SOLD)), records=sold))
    assert sold.asked == 0
