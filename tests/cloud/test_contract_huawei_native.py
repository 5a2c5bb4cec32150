# SPDX-License-Identifier: Apache-2.0
"""The Image API's own calls in Huawei's client, with what IMS adds to them."""

import secrets
from contextlib import contextmanager

import pytest
from huaweicloudsdkcore.exceptions import exceptions
from huaweicloudsdkims import v2

from tests.cloud import client_shell, huawei
from tests.cloud.huawei import LINUX, NOBODY


@pytest.fixture(scope="module")
def ims(demo):
    return huawei.client(demo)


@pytest.fixture(scope="module")
def theirs(other):
    return huawei.client(other)


@pytest.fixture(scope="module")
def image(demo):
    with client_shell.image(demo, f"contract-{secrets.token_hex(4)}") as image_id:
        yield image_id


def test_versions(ims):
    versions = ims.list_versions(v2.ListVersionsRequest()).versions
    assert {"v2.0", "v2.1"} <= {one.id for one in versions}
    assert [one.status for one in versions].count("CURRENT") == 1
    assert all(one.links[0].href.endswith("/v2/") for one in versions)
    (current,) = (one.id for one in versions if one.status == "CURRENT")
    for asked, wanted in (("v2", current), ("v2.0", "v2.0"), (current, current)):
        (shown,) = ims.show_version(v2.ShowVersionRequest(asked)).versions
        assert shown.id == wanted


def test_schemas(ims):
    one = ims.glance_show_image_schemas(v2.GlanceShowImageSchemasRequest())
    assert one.name == "image"
    assert "disk_format" in one.properties
    many = ims.glance_list_image_schemas(v2.GlanceListImageSchemasRequest())
    assert (many.name, "images" in many.properties) == ("images", True)
    member = ims.glance_show_image_member_schemas(v2.GlanceShowImageMemberSchemasRequest())
    assert (member.name, "member_id" in member.properties) == ("member", True)
    members = ims.glance_list_image_member_schemas(v2.GlanceListImageMemberSchemasRequest())
    assert (members.name, "members" in members.properties) == ("members", True)


def _show(ims, image_id):
    return ims.glance_show_image(v2.GlanceShowImageRequest(image_id))


def _delete(ims, image_id, **body):
    given = v2.GlanceDeleteImageRequestBody(**body) if body else None
    ims.glance_delete_image(v2.GlanceDeleteImageRequest(image_id, given))


def _create(ims, **body):
    formats = {"disk_format": "raw", "container_format": "bare"}
    given = v2.GlanceCreateImageMetadataRequestBody(**formats, **body)
    return ims.glance_create_image_metadata(v2.GlanceCreateImageMetadataRequest(given))


@contextmanager
def _denied(*statuses):
    """The block is refused by Glance, in Glance's own format."""
    with pytest.raises(exceptions.ClientRequestException) as caught:
        yield
    assert caught.value.status_code in statuses, caught.value
    assert caught.value.request_id.startswith("req-")


def test_an_image_from_its_metadata_on(ims):
    made = _create(ims, os_version=LINUX, name="contract-metadata", min_disk=1, tags=["word"])
    try:
        assert (made.os_version, made.os_type, made.platform) == (LINUX, "Linux", "CentOS")
        assert (made.os_bit, made.imagetype, made.isregistered) == ("64", "private", "true")
        assert (made.image_source_type, made.image_size) == ("uds", "0")
        assert (made.root_origin, made.virtual_env_type) == ("file", "FusionCompute")
        assert (made.visibility, made.container_format) == ("private", "bare")
        assert (made.status, made.min_disk, made.tags) == ("queued", 1, ["word"])
        shown = _show(ims, made.id)
        assert (shown.name, shown.platform, shown.imagetype) == (
            "contract-metadata",
            "CentOS",
            "private",
        )
    finally:
        _delete(ims, made.id)
    with _denied(404):
        _show(ims, made.id)


def test_what_nobody_says_about_the_os(ims):
    made = _create(ims)
    _delete(ims, made.id, delete_backup=True)
    assert (made.os_version, made.platform) == ("Other Linux(64 bit)", "Other")
    # Nothing was said in the words of IMS: as in Glance, it could get members.
    assert (made.visibility, made.imagetype) == ("shared", "private")


def test_visibility_and_unknown_images(ims):
    with _denied(400):
        _create(ims, visibility="hidden")
    for call in (_show, _delete):
        with _denied(404):
            call(ims, NOBODY)


def test_list(ims, image):
    def ids(**query):
        return [
            one.id for one in ims.glance_list_images(v2.GlanceListImagesRequest(**query)).images
        ]

    name = _show(ims, image).name
    assert ids(name=name) == [image]
    assert ids(name=name, os_type="Linux", visibility="private", imagetype="private") == [image]
    assert ids(name=name, os_type="Windows") == []
    page = ims.glance_list_images(v2.GlanceListImagesRequest(limit=1))
    assert len(page.images) == 1
    assert page.first
    assert page.images[0].imagetype in ("private", "gold", "shared", "market")


def test_update(ims, image):
    def update(*changes):
        body = [v2.GlanceUpdateImageRequestBody(*change) for change in changes]
        return ims.glance_update_image(v2.GlanceUpdateImageRequest(image, body))

    before = _show(ims, image)
    changed = update(("replace", "/name", f"{before.name}-n"), ("add", "/__description", "words"))
    assert (changed.name, changed.description) == (f"{before.name}-n", "words")
    changed = update(("replace", "/name", before.name), ("remove", "/__description", None))
    assert (changed.name, changed.description) == (before.name, None)
    for path in ("/__system__cmkid", "/__productcode", "/__image_size", "/__imagetype"):
        with _denied(400, 403, 409):
            update(("add", path, "mine"))


def _patch(demo, image, *changes):
    """What the Image API answers to other clients, which send whatever their users write."""
    kind = {"Content-Type": "application/openstack-images-v2.1-json-patch"}
    return demo.image.patch(f"/images/{image}", json=list(changes), headers=kind)


def test_names_that_mariadb_takes_for_one(demo, image):
    for name in ("__Os_Type", "__\u00f6s_type", "__os_type ", "Virtual_Env_Type"):
        answer = demo.image.post("/images", json={name: "x"})
        assert (answer.status_code, "IMG.0016" in answer.text) == (400, True), name
    for name in ("__Os_Type", "__\u00f8s_type"):
        answer = _patch(demo, image, {"op": "add", "path": f"/{name}", "value": "x"})
        assert (answer.status_code, "IMG.0016" in answer.text) == (400, True), name


def test_what_terraform_s_openstack_provider_sends_with_each_apply(demo, image):
    shown = demo.image.get(f"/images/{image}").json()
    added = sorted(name for name in shown if name.startswith("__") or name == "virtual_env_type")
    removals = [{"op": "remove", "path": f"/{name}"} for name in added]
    renamed = {"op": "replace", "path": "/name", "value": shown["name"]}
    answer = _patch(demo, image, *removals, renamed)
    assert answer.status_code == 200, answer.text
    assert {name: answer.json()[name] for name in added} == {name: shown[name] for name in added}


def test_tags(ims, image):
    ims.glance_create_tag(v2.GlanceCreateTagRequest(image, "word"))
    assert "word" in _show(ims, image).tags
    ims.glance_delete_tag(v2.GlanceDeleteTagRequest(image, "word"))
    assert "word" not in _show(ims, image).tags
    with _denied(404):
        ims.glance_delete_tag(v2.GlanceDeleteTagRequest(image, "word"))


def test_members(ims, theirs, other, image):
    receiver = other.current_project_id
    body = v2.GlanceAddImageMemberRequestBody(receiver)
    added = ims.glance_add_image_member(v2.GlanceAddImageMemberRequest(image, body))
    try:
        assert (added.member_id, added.image_id, added.status) == (receiver, image, "pending")
        assert _show(ims, image).imagetype == "shared"
        request = v2.GlanceListImageMembersRequest(image, limit=10)
        listed = ims.glance_list_image_members(request)
        assert [one.member_id for one in listed.members] == [receiver]
        body = v2.GlanceUpdateImageMemberRequestBody("accepted")
        request = v2.GlanceUpdateImageMemberRequest(image, receiver, body)
        assert theirs.glance_update_image_member(request).status == "accepted"
        shown = theirs.glance_show_image_member(v2.GlanceShowImageMemberRequest(image, receiver))
        assert (shown.member_id, shown.status) == (receiver, "accepted")
        assert _show(theirs, image).imagetype == "shared"
        with _denied(403, 404):
            _delete(theirs, image)
    finally:
        ims.glance_delete_image_member(v2.GlanceDeleteImageMemberRequest(image, receiver))
    assert _show(ims, image).imagetype == "private"
    with _denied(404):
        _show(theirs, image)
