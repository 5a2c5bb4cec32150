# SPDX-License-Identifier: Apache-2.0
"""What is done to a whole-machine image is done to its disks; and nobody works with those."""

import dataclasses
from typing import Any

import pytest

from ims_glance.model.image import attributes, whole_image
from ims_glance.model.image.whole_image import Component
from ims_glance.model.server import Disk
from tests.functional.client import ApiError, Client
from tests.functional.refusals import by_glance, refused

AS_SERVICE = {"X-Service-Roles": "ims_service"}


@dataclasses.dataclass(frozen=True)
class Whole:
    """A whole-machine image of two disks, as the worker makes it."""

    id: str
    disks: list[str]

    def each(self, client: Client) -> list[dict[str, Any]]:
        return [client.show(disk) for disk in self.disks]


@pytest.fixture
def machine(glance: Client) -> Whole:
    return _machine(glance, [_disk(glance) for _ in range(2)])


def _machine(glance: Client, disks: list[str]) -> Whole:
    parts = [Component(Disk(number, None, 1), disk) for number, disk in enumerate(disks)]
    made = _as_service(glance, "POST", "/v2/images", {**_RAW, **whole_image.properties(parts)})
    glance.upload(made["id"], b"")
    for disk in disks:
        _patch(glance, disk, attributes.COMPONENT_OF, made["id"])
    return Whole(made["id"], disks)


_THIRD = "3" * 32
_RAW = {"name": "w", "disk_format": "raw", "container_format": "bare"}


def _disk(glance: Client, **said: str) -> str:
    body = {**_RAW, "os_hidden": True, "protected": True, **said}
    disk = str(_as_service(glance, "POST", "/v2/images", body)["id"])
    glance.upload(disk, b"data")
    return disk


def _as_service(glance: Client, method: str, path: str, body: Any) -> dict[str, Any]:
    return dict(glance.call(method, path, json_body=body, headers=AS_SERVICE).json)


def _patch(glance: Client, image_id: str, name: str, value: Any) -> None:
    patch = [{"op": "add", "path": f"/{name}", "value": value}]
    kind = {"Content-Type": "application/openstack-images-v2.1-json-patch"}
    glance.call("PATCH", f"/v2/images/{image_id}", json_body=patch, headers={**AS_SERVICE, **kind})


def test_the_disks_follow_a_share(machine: Whole, glance: Client, other: Client) -> None:
    for disk in machine.disks:
        with pytest.raises(ApiError):
            other.show(disk)
    glance.share(machine.id, "other")
    assert [each["visibility"] for each in machine.each(other)] == ["shared", "shared"]
    glance.call("DELETE", f"/v2/images/{machine.id}/members/other")
    for image in (machine.id, *machine.disks):
        with pytest.raises(ApiError):
            other.show(image)
    views = [glance.show(machine.id), *machine.each(glance)]
    assert [view["visibility"] for view in views] == ["private"] * 3


def test_a_share_that_glance_refuses_shares_no_disk(machine: Whole, glance: Client) -> None:
    _patch(glance, machine.id, "visibility", "community")
    with pytest.raises(ApiError):
        glance.share(machine.id, "other")
    for disk in machine.disks:
        view = glance.show(disk)
        if view["visibility"] == "shared":
            assert glance.call("GET", f"/v2/images/{disk}/members").json["members"] == []


def test_its_disks_follow_again_after_it_was_made_private(
    machine: Whole, glance: Client, other: Client
) -> None:
    glance.share(machine.id, "other")
    glance.patch(machine.id, {"op": "replace", "path": "/visibility", "value": "private"})
    glance.share(machine.id, "other")
    assert [view["visibility"] for view in machine.each(other)] == ["shared"] * 2


@pytest.mark.parametrize("by_hand", [False, True], ids=["member", "visibility"])
def test_who_had_it_before_does_not_get_its_disks_again(
    machine: Whole, glance: Client, other: Client, by_hand: bool
) -> None:
    glance.share(machine.id, "other")
    glance.patch(machine.id, {"op": "replace", "path": "/visibility", "value": "private"})
    if by_hand:
        glance.patch(machine.id, {"op": "replace", "path": "/visibility", "value": "shared"})
    glance.share(machine.id, _THIRD)
    for image in (machine.id, *machine.disks):
        with pytest.raises(ApiError) as caught:
            other.show(image)
        assert caught.value.status == 404
        listed = glance.call("GET", f"/v2/images/{image}/members").json["members"]
        assert [member["member_id"] for member in listed] == [_THIRD]


def test_a_refused_member_leaves_the_image_private(machine: Whole, glance: Client) -> None:
    with by_glance(400):
        glance.share(machine.id, "")
    assert glance.show(machine.id)["visibility"] == "private"


@pytest.mark.parametrize("headers", [{}, AS_SERVICE], ids=["native", "job"])
def test_a_disk_under_the_default_key_is_not_shared(
    machine: Whole, glance: Client, key: str, headers: dict[str, str]
) -> None:
    """The image shows the key of its first encrypted disk, which may be another."""
    default = glance.create(__system__cmkid="ims/default")["__system__cmkid"]
    parts = [_disk(glance, __system__cmkid=each) for each in (key, default)]
    mapped = [Component(Disk(number, None, 1), disk) for number, disk in enumerate(parts)]
    said = {**_RAW, **whole_image.properties(mapped), "__system__cmkid": key}
    made = _as_service(glance, "POST", "/v2/images", said)
    glance.upload(made["id"], b"")
    for disk in parts:
        _patch(glance, disk, attributes.COMPONENT_OF, made["id"])
    path, body = f"/v2/images/{made['id']}/members", {"member": "other"}
    with refused(409, "IMG.0098"):
        glance.call("POST", path, json_body=body, headers=headers)
    with refused(409, "IMG.0098"):
        glance.patch(made["id"], {"op": "replace", "path": "/visibility", "value": "community"})
    views = [glance.show(image) for image in (made["id"], *parts)]
    assert [view["visibility"] for view in views] == ["private"] * 3


def test_the_disks_go_with_the_image(machine: Whole, glance: Client) -> None:
    glance.delete(machine.id)
    for image in (machine.id, *machine.disks):
        with pytest.raises(ApiError) as gone:
            glance.show(image)
        assert gone.value.status == 404


def test_a_job_that_makes_its_image_anew_keeps_the_disks(machine: Whole, glance: Client) -> None:
    """As it does after a worker died between making and filling it."""
    glance.call("DELETE", f"/v2/images/{machine.id}", headers=AS_SERVICE)
    assert [each["status"] for each in machine.each(glance)] == ["active"] * 2


def test_a_backup_that_nobody_can_delete_keeps_its_image(machine: Whole, glance: Client) -> None:
    """This cloud has no Cinder: what cannot be done is said before anything is deleted."""
    _patch(glance, machine.id, attributes.BACKUP_ID, "11111111-0000-4000-8000-000000000000")
    path = f"/v2/images/{machine.id}"
    with refused(409, "IMG.0176"):
        glance.call("DELETE", path, json_body={"delete_backup": True})
    assert len(machine.each(glance)) == 2
    glance.call("DELETE", path, json_body={"delete_backup": False})
    with pytest.raises(ApiError):
        glance.show(machine.id)


@pytest.mark.parametrize("hidden", [False, True])
@pytest.mark.parametrize("asked", ["__backup_id={backup}", "__whole_image=true"])
def test_the_image_of_a_backup_is_found(
    machine: Whole, glance: Client, asked: str, hidden: bool
) -> None:
    """As the IMS API looks for it, before another is made."""
    backup = "44444444-0000-4000-8000-000000000000"
    _patch(glance, machine.id, attributes.BACKUP_ID, backup)
    _patch(glance, machine.id, "os_hidden", hidden)
    query = f"owner=demo&limit=500&os_hidden={str(hidden).lower()}&{asked.format(backup=backup)}"
    found = glance.call("GET", f"/v2/images?{query}").json["images"]
    views = {each["id"]: each for each in found}
    assert views[machine.id][attributes.BACKUP_ID] == backup
    assert not set(machine.disks) & set(views)


def test_nobody_else_asks_for_the_backup(machine: Whole, glance: Client, other: Client) -> None:
    _patch(glance, machine.id, attributes.BACKUP_ID, "11111111-0000-4000-8000-000000000000")
    glance.share(machine.id, "other")
    answer = other.send("DELETE", f"/v2/images/{machine.id}", json_body={"delete_backup": True})
    assert answer.status == 403
    assert "IMG.0176" not in answer.text


def test_the_owner_writes_no_backup_to_an_image(glance: Client) -> None:
    backup_id = "11111111-0000-4000-8000-000000000000"
    made = glance.create(**{attributes.BACKUP_ID: backup_id})
    assert attributes.BACKUP_ID not in made
    with refused(403, "IMG.0026"):
        glance.patch(
            made["id"], {"op": "add", "path": f"/{attributes.BACKUP_ID}", "value": backup_id}
        )


def test_a_protected_image_stays_whole(machine: Whole, glance: Client) -> None:
    _patch(glance, machine.id, "protected", True)
    with by_glance(403):
        glance.delete(machine.id)
    assert len(machine.each(glance)) == 2


def test_the_disks_are_deactivated(machine: Whole, glance: Client, admin: Client) -> None:
    admin.deactivate(machine.id)
    assert [each["status"] for each in machine.each(glance)] == ["deactivated"] * 2
    admin.reactivate(machine.id)
    assert [each["status"] for each in machine.each(glance)] == ["active"] * 2


def test_a_public_image_has_public_disks(machine: Whole, admin: Client, other: Client) -> None:
    change = {"op": "replace", "path": "/visibility", "value": "public"}
    admin.patch(machine.id, change)
    assert len(machine.each(other)) == 2


def test_nobody_publishes_a_disk_under_the_default_key(glance: Client, admin: Client) -> None:
    """It may have been made of another image than the disks whose key the whole shows."""
    key = glance.create(cmkid="ims/default")[attributes.CMK_ID]
    machine = _machine(glance, [_disk(glance), _disk(glance, **{attributes.CMK_ID: key})])
    for visibility in ("public", "community"):
        with refused(409, "IMG.0098"):
            admin.patch(machine.id, {"op": "replace", "path": "/visibility", "value": visibility})


def test_an_image_that_is_public_no_more_has_no_public_disks(
    machine: Whole, glance: Client, other: Client
) -> None:
    for visibility in ("community", "shared"):
        glance.patch(machine.id, {"op": "replace", "path": "/visibility", "value": visibility})
        assert [each["visibility"] for each in machine.each(glance)] == [visibility] * 2
    for image in (machine.id, *machine.disks):
        assert other.send("GET", f"/v2/images/{image}").status == 404


def test_its_disks_follow_an_image_that_is_shared_by_hand(
    machine: Whole, glance: Client, other: Client
) -> None:
    for visibility in ("shared", "private", "shared"):
        glance.patch(machine.id, {"op": "replace", "path": "/visibility", "value": visibility})
        assert [each["visibility"] for each in machine.each(glance)] == [visibility] * 2
    glance.share(machine.id, "other")
    # It is shared already: nobody loses it.
    glance.patch(machine.id, {"op": "replace", "path": "/visibility", "value": "shared"})
    assert len(machine.each(other)) == 2


def test_an_image_that_is_given_away_takes_its_disks_along(
    machine: Whole, admin: Client, other: Client
) -> None:
    admin.patch(machine.id, {"op": "replace", "path": "/owner", "value": "other"})
    assert [each["owner"] for each in machine.each(other)] == ["other"] * 2
    other.delete(machine.id)
    for disk in machine.disks:
        assert admin.send("GET", f"/v2/images/{disk}").status == 404


@pytest.mark.parametrize("number", [0, 1])
def test_nobody_works_with_a_disk(machine: Whole, glance: Client, number: int) -> None:
    disk = machine.disks[number]
    with refused(409, "IMG.0024"):
        glance.delete(disk)
    with refused(409, "IMG.0135"):
        glance.share(disk, "other")
    with refused(409, "IMG.0024"):
        glance.patch(disk, {"op": "replace", "path": "/protected", "value": False})
    for method in ("PUT", "DELETE"):
        with refused(409, "IMG.0024"):
            glance.call(method, f"/v2/images/{disk}/tags/env=test")


def test_nobody_deactivates_a_disk(machine: Whole, admin: Client) -> None:
    for action in (admin.deactivate, admin.reactivate):
        with refused(409, "IMG.0024"):
            action(machine.disks[0])


def test_a_member_answers_for_the_image(machine: Whole, glance: Client, other: Client) -> None:
    glance.share(machine.id, "other")
    for image, status in ((machine.disks[0], 409), (machine.id, 200)):
        path = f"/v2/images/{image}/members/other"
        answer = other.send("PUT", path, json_body={"status": "rejected"})
        assert answer.status == status, answer.text


def test_a_form_hides_no_method(machine: Whole, glance: Client, other: Client) -> None:
    """Routes takes the method from it, and what is a form can be JSON as well."""
    glance.share(machine.id, "other")
    path = f"/v2/images/{machine.disks[0]}/members/other"
    said = b'{"status":"rejected","x":"&_method=PUT&"}'
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    assert other.send("POST", path, body=said, headers=form).status in (404, 405)
    assert glance.call("GET", path).json["status"] == "pending"


def test_the_owner_deletes_a_disk_that_did_not_follow_its_image(glance: Client) -> None:
    """Its store was away when the image was deleted, or Glance died."""
    disk = _disk(glance)
    _patch(glance, disk, attributes.COMPONENT_OF, "55555555-0000-4000-8000-000000000000")
    glance.patch(disk, {"op": "replace", "path": "/protected", "value": False})
    glance.delete(disk)
    with pytest.raises(ApiError):
        glance.show(disk)


@pytest.mark.parametrize("name", sorted(whole_image.MAPPED))
def test_nobody_changes_what_nova_reads(machine: Whole, glance: Client, name: str) -> None:
    with refused(403, "IMG.0026"):
        glance.patch(machine.id, {"op": "replace", "path": f"/{name}", "value": "[]"})


def test_nobody_changes_one_that_is_being_made(glance: Client) -> None:
    """Disks that are not tied to it yet would not follow."""
    said = {**_RAW, **whole_image.properties([Component(Disk(0, None, 1), _disk(glance))])}
    made = _as_service(glance, "POST", "/v2/images", said)
    with refused(409, "IMG.0046"):
        glance.patch(made["id"], {"op": "replace", "path": "/visibility", "value": "community"})
    with refused(409, "IMG.0046"):
        glance.share(made["id"], "other")
    _patch(glance, made["id"], "name", "by its job")
    assert glance.show(made["id"])["visibility"] == "private"


def test_a_mapping_by_hand_takes_nothing_along(glance: Client, other: Client) -> None:
    """The mapping can name the images of others: only what the service tied goes along."""
    theirs = other.create()["id"]
    own = glance.create()["id"]
    parts = [Component(Disk(0, None, 1), theirs), Component(Disk(1, None, 1), own)]
    made = glance.create(**{**whole_image.properties(parts), attributes.WHOLE_IMAGE: "true"})
    glance.delete(made["id"])
    assert other.show(theirs)["id"] == theirs
    assert glance.show(own)["id"] == own
