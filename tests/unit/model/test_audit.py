# SPDX-License-Identifier: Apache-2.0
import pytest

from ims_glance.model import audit

ID = "d152fa13-2b41-42ca-a934-6c21566c0f40"


@pytest.mark.parametrize(
    ("method", "path", "name", "subject"),
    [
        ("POST", "/v2/images", "createImage", {}),
        ("POST", "/v2.9/images", "createImage", {}),
        ("POST", "/images", "createImage", {}),
        ("POST", "/v2/tasks", "createImage", {}),
        ("PATCH", f"/v2/images/{ID}", "updateImage", {"image": ID}),
        ("PUT", f"/v2/images/{ID}/file", "updateImage", {"image": ID}),
        ("PUT", f"/v2/images/{ID}/stage", "updateImage", {"image": ID}),
        ("POST", f"/v2/images/{ID}/import", "updateImage", {"image": ID}),
        ("POST", f"/v2/images/{ID}/locations", "updateImage", {"image": ID}),
        ("POST", f"/v2/images/{ID}/actions/deactivate", "updateImage", {"image": ID}),
        ("DELETE", f"/v2/stores/kms/{ID}", "updateImage", {"store": "kms", "image": ID}),
        ("DELETE", f"/v2/images/{ID}", "deleteImage", {"image": ID}),
        ("DELETE", f"/v2/images/{ID}\n", "deleteImage", None),
        ("POST", f"/v2/images/{ID}/members", "addMember", {"image": ID}),
        ("PUT", f"/v2/images/{ID}/members/p", "updateMember", {"image": ID, "member": "p"}),
        ("DELETE", f"/v2/images/{ID}/members/p", "deleteMember", {"image": ID, "member": "p"}),
        ("PUT", f"/v2/images/{ID}/tags/a b", "addTag", {"image": ID, "tag": "a b"}),
        ("DELETE", f"/v2/images/{ID}/tags/t", "deleteTag", {"image": ID, "tag": "t"}),
    ],
)
def test_what_changes_an_image_has_a_name(method, path, name, subject):
    found = audit.native_operation(method, path)
    assert found is not None
    assert found.name == name
    assert subject is None or found.subject == subject
    assert method in audit.METHODS


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/v2/images"),
        ("GET", f"/v2/images/{ID}/file"),
        ("POST", "/v2/metadefs/namespaces"),
        ("POST", "/v2/cloudimages/action"),
        ("PUT", f"/v2/p/images/{ID}/tags"),
        ("POST", "/v3/images"),
        ("POST", f"/v2/images/{ID}"),
    ],
)
def test_the_rest_has_none(method, path):
    assert audit.native_operation(method, path) is None


def test_every_name_is_one_of_ims_or_about_what_is_ours():
    ours = {"createBackup", "deleteBackup", "checkImage"} | {
        f"{verb}Replication" for verb in ("create", "update", "delete")
    }
    ours |= {f"{verb}Product" for verb in ("create", "update", "delete", "review")}
    ours |= {"createSubscription", "deleteSubscription", "cancelJob"}
    assert set(audit.ACTIONS) - ours == {
        "createImage", "updateImage", "deleteImage", "copyImage", "exportImage",
        "addMember", "updateMember", "deleteMember", "addTag", "deleteTag",
    }  # fmt: skip
