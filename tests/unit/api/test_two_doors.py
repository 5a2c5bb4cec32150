# SPDX-License-Identifier: Apache-2.0
"""One rule table, two doors: the same verdict on the same thing, whichever way it is asked for."""

import json
import types
from typing import Any
from unittest import mock

import pytest
import webob
import webob.dec
from glance.common import wsgi
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from oslo_config import cfg

from ims_glance import conf as ims_conf
from ims_glance import exceptions
from ims_glance.api.common import quota
from ims_glance.api.common.image import Images
from ims_glance.api.ims.operations import export, image, member, replication, tag
from ims_glance.api.native import data as native_data
from ims_glance.api.native import image as native_image
from ims_glance.api.native import member as native_member
from ims_glance.api.native import whole_image
from ims_glance.api.native.call import Limits, NativeCall
from ims_glance.model.image import rules as image_rules
from ims_glance.model.image.rules import Action

KEYS = ("default-key", "other-key", "closed-key")
RECEIVER = "f" * 32


def _views() -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries(
        {
            "id": st.just("0f6c6f3e-1d7b-4a4b-8f0e-6a1f5c1f9d3a"),
            "name": st.just("n"),
            "owner": st.sampled_from(["me", "you"]),
            "status": st.sampled_from(["active", "deactivated", "queued"]),
            "visibility": st.sampled_from(["private", "shared", "public", "community"]),
            "protected": st.booleans(),
            "tags": st.just([]),
            "min_ram": st.just(0),
        },
        optional={
            "__system__cmkid": st.sampled_from(KEYS),
            "__whole_image": st.sampled_from(["true", "false"]),
            "block_device_mapping": st.sampled_from(['[{"snapshot_id": "s"}]', "[]", "x"]),
            "__component_of": st.just("1a7b3c5d-2e4f-4a6b-8c9d-0e1f2a3b4c5d"),
            "__productcode": st.just("product"),
            "__is_offshelved": st.sampled_from(["true", "false"]),
            "__imagetype": st.sampled_from(["market", "private"]),
            "virtual_env_type": st.sampled_from(["FusionCompute", "IsoImage", "DataImage"]),
        },
    )


class Glance:
    """One image, and whoever asks sees it; it has no members, and takes every change."""

    def __init__(self, view: dict[str, Any]) -> None:
        self.view = view

    @webob.dec.wsgify
    def __call__(self, request: webob.Request) -> webob.Response:
        if request.path.endswith("/members"):
            return webob.Response(json_body={"members": []})
        if request.path.endswith(f"/members/{RECEIVER}"):
            return webob.Response(json_body={"member_id": RECEIVER, "status": "pending"})
        return webob.Response(json_body=self.view)


class Keys:
    """One of the keys is the default key of its project, and one cannot be looked at."""

    def is_default(self, _context: Any, key_id: str, _owner: str) -> bool:
        if key_id == KEYS[2]:
            raise exceptions.ServiceKeyDenied(key_id=key_id, service_user="glance")
        return key_id == KEYS[0]


@pytest.fixture(scope="module", params=[True, False], ids=["conventions", "promises alone"])
def conf(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> cfg.ConfigOpts:
    """With IMS's conventions at the native door, and without."""
    conf = cfg.ConfigOpts()
    ims_conf.register_opts(conf)
    conf([], default_config_files=[], default_config_dirs=[])
    url = f"file://{tmp_path_factory.mktemp('locks')}"
    conf.set_override("coordination_url", url, group="ims_kms")
    conf.set_override("native_conventions", request.param, group="ims_api")
    return conf


@pytest.fixture(autouse=True)
def _policy_of_glance_allows_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(native_member, "may", lambda *_: True)
    # There is no database of Glance's.
    monkeypatch.setattr(whole_image, "forget_members", lambda *_: None)


def _context(project: str) -> Any:
    context: Any = types.SimpleNamespace(
        project_id=project, roles=[], service_roles=[], is_admin=False
    )
    context.elevated = lambda: context
    return context


def _native(conf: Any, view: dict[str, Any], rule: Any, body: Any, project: str) -> str | None:
    """The code of the guard's refusal."""
    glance = Images(Glance(view))
    request = wsgi.Request.blank("/", method="POST", body=json.dumps(body).encode())
    request.content_type = "application/openstack-images-v2.1-json-patch"
    limits = Limits(conf, quota.ImageQuota(conf, glance, lambda _: []))
    path = f"/v2/images/{view['id']}"
    others: tuple[Any, Any] = (Keys(), None)
    # There is no database of Glance's: its index has what the image shows.
    records = mock.Mock(may_hold_product=lambda _image_id: "__productcode" in view)
    call = NativeCall(request, _context(project), path, glance, *others, limits, records=records)
    with call.held:
        return _code_of(lambda: rule(call))


def _ims(conf: Any, view: dict[str, Any], handler: Any, body: Any, project: str) -> str | None:
    """The code of the IMS API's refusal."""
    accepted = types.SimpleNamespace(accept=lambda *_, **__: "job")
    images = Images(Glance(view))
    # There is no database of Glance's to count in.
    images.member_count = lambda *_: None  # type: ignore[method-assign]
    service = types.SimpleNamespace(
        conf=conf, images=images, jobs=accepted, keys=Keys(), market=None
    )
    call = types.SimpleNamespace(
        service=service,
        context=_context(project),
        project_id=project,
        arguments={"image_id": view["id"]},
        body=body,
    )
    return _code_of(lambda: handler(call))


def _code_of(asked: Any) -> str | None:
    try:
        asked()
    except exceptions.ImsError as refusal:
        return refusal.code
    return None


CHANGE = [{"op": "replace", "path": "/name", "value": "new"}]
EVERYTHING = settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])


def _table(action: Action, view: dict[str, Any], project: str, *, conventions: bool) -> str | None:
    """The code of the table's refusal."""

    def has_default_key() -> bool:
        return Keys().is_default(None, view["__system__cmkid"], view["owner"])

    facts = image_rules.Facts.of(view)
    return _code_of(
        lambda: image_rules.check(
            action, facts, project, has_default_key=has_default_key, conventions=conventions
        )
    )


def _agree(
    conf: Any,
    action: Action,
    view: dict[str, Any],
    doors: tuple[str | None, str | None],
    project: str,
) -> None:
    """Each door answers as the table says: with its conventions, or without.

    :param doors: the codes of the native and of IMS's door
    """
    conventions = conf.ims_api.native_conventions
    native = _table(action, view, project, conventions=conventions)
    assert doors == (native, _table(action, view, project, conventions=True))


@EVERYTHING
@given(view=_views())
def test_sharing(conf: Any, view: dict[str, Any]) -> None:
    native = _native(conf, view, native_member.add, {"member": RECEIVER}, "me")
    body = {"images": [view["id"]], "projects": [RECEIVER]}
    ims = _ims(conf, view, member.batch_add_members, body, "me")
    _agree(conf, Action.SHARE, view, (native, ims), "me")


@EVERYTHING
@given(view=_views())
def test_changing(conf: Any, view: dict[str, Any]) -> None:
    native = _native(conf, view, native_image.update, CHANGE, "me")
    ims = _ims(conf, view, image.update_image, CHANGE, "me")
    if view["status"] == "queued":
        # Glance's clients complete the record of an image while it is being made.
        assert native == _table(Action.COMPLETE, view, "me", conventions=True)
        assert ims is not None
    else:
        _agree(conf, Action.UPDATE, view, (native, ims), "me")


@EVERYTHING
@given(view=_views(), project=st.sampled_from(["me", RECEIVER]))
def test_answering(conf: Any, view: dict[str, Any], project: str) -> None:
    view = {**view, "visibility": "shared"}
    native = _native(conf, view, native_member.update, {"status": "accepted"}, project)
    body = {"images": [view["id"]], "project_id": project, "status": "accepted"}
    ims = _ims(conf, view, member.batch_update_members, body, project)
    _agree(conf, Action.ACCEPT, view, (native, ims), project)


@EVERYTHING
@given(view=_views())
def test_unsharing(conf: Any, view: dict[str, Any]) -> None:
    native = _native(conf, view, native_member.remove, None, "me")
    body = {"images": [view["id"]], "projects": [RECEIVER]}
    ims = _ims(conf, view, member.batch_delete_members, body, "me")
    _agree(conf, Action.UNSHARE, view, (native, ims), "me")


@EVERYTHING
@given(view=_views(), rule=st.sampled_from([native_image.add_tag, native_image.remove_tag]))
def test_tagging(conf: Any, view: dict[str, Any], rule: Any) -> None:
    native = _native(conf, view, rule, None, "me")
    ims = _ims(conf, view, tag.add_image_tag, {"tag": {"key": "k"}}, "me")
    _agree(conf, Action.TAG, view, (native, ims), "me")


@EVERYTHING
@given(view=_views())
def test_deleting_is_asked_of_the_same_table(conf: Any, view: dict[str, Any]) -> None:
    """There is only the native door for it (IMS's own clients use it)."""
    native = _native(conf, view, native_image.delete, None, "me")
    conventions = conf.ims_api.native_conventions
    assert native == _table(Action.DELETE, view, "me", conventions=conventions)


@EVERYTHING
@given(view=_views(), project=st.sampled_from(["me", RECEIVER]))
def test_exporting(conf: Any, view: dict[str, Any], project: str) -> None:
    """Saving what others use is no export; saving what is sold is one, at each door."""
    native = _native(conf, view, native_data.download, None, project)
    wanted = _table(Action.EXPORT, view, project, conventions=conf.ims_api.native_conventions)
    assert native == (wanted if "__productcode" in view else None)
    wanted = _table(Action.EXPORT, view, project, conventions=True)
    assume(wanted is not None)
    body = {"bucket_url": "bucket:object", "file_format": "raw"}
    assert _ims(conf, view, export.export_image, body, project) == wanted


@EVERYTHING
@given(view=_views())
def test_opening(conf: Any, view: dict[str, Any]) -> None:
    """There is only the native door for it. What is not sold, or has no key, is Glance's to open."""
    change = [{"op": "replace", "path": "/visibility", "value": "community"}]
    native = _native(conf, view, native_image.update, change, "me")
    action = Action.COMPLETE if view["status"] == "queued" else Action.UPDATE
    conventions = conf.ims_api.native_conventions
    wanted = _table(action, view, "me", conventions=conventions)
    if wanted is None and view["visibility"] != "community":
        wanted = _table(Action.OPEN, view, "me", conventions=conventions)
    assert native == wanted


@EVERYTHING
@given(view=_views())
def test_copying_to_another_region(conf: Any, view: dict[str, Any]) -> None:
    """There is only IMS's door for it."""
    wanted = _table(Action.COPY_CROSS_REGION, view, "me", conventions=True)
    assume(wanted is not None)
    body = {"name": "copy", "region": "there", "project_name": "mine"}
    assert _ims(conf, view, replication.copy_image_cross_region, body, "me") == wanted


def test_a_view_that_nobody_may_share_is_among_those(conf: Any) -> None:
    """The comparison can fail: the doors do refuse."""
    view = {"id": "i", "owner": "me", "status": "active", "visibility": "shared"}
    view["__component_of"] = "w"
    assert _native(conf, view, native_member.add, {"member": RECEIVER}, "me") == "IMG.0135"
