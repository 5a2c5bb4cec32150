# SPDX-License-Identifier: Apache-2.0
"""Rules of IMS at the native door: attributes, kinds, sharing, deletion."""

import json
from collections.abc import Iterator

import pytest

from tests.functional.client import ApiError, Client
from tests.functional.conftest import MakeGlance
from tests.functional.refusals import by_glance, refused

PROJECT_IDS = [f"{number:032x}" for number in range(1, 9)]


@pytest.fixture(scope="module")
def conventional(make_glance: MakeGlance) -> Iterator[Client]:
    """A Glance with the conventions of IMS."""
    with make_glance({"ims_api": {"native_conventions": True}}) as service:
        yield service.client()


def shareable(glance: Client, **attributes: object) -> str:
    """The id of a new image with data."""
    image = glance.create(**attributes)["id"]
    glance.upload(image, b"data")
    return str(image)


def receivers(glance: Client, image: str) -> dict[str, str]:
    """Who has it, and what they said to that."""
    listed = glance.call("GET", f"/v2/images/{image}/members").json["members"]
    return {member["member_id"]: member["status"] for member in listed}


def change(path: str, value: object, op: str = "add") -> dict:
    return {"op": op, "path": path, "value": value}


class TestAttributes:
    def test_the_service_adds_its_own(self, glance: Client) -> None:
        system = {"__os_version": "CentOS 7.3 64bit"}
        image = glance.create(**system)
        assert (image["__os_type"], image["__platform"], image["__os_bit"]) == (
            "Linux", "CentOS", "64",
        )  # fmt: skip
        assert image["__isregistered"] == "true"

    def test_the_visibility_is_glances(self, glance: Client, conventional: Client) -> None:
        assert glance.create()["visibility"] == "shared"
        assert glance.create(hw_firmware_type="uefi")["visibility"] == "shared"
        assert glance.create(__os_version="CentOS 7.3 64bit")["visibility"] == "private"
        assert conventional.create()["visibility"] == "private"

    def test_a_new_image_without_a_system(self, glance: Client) -> None:
        image = glance.create()
        assert (image["__os_version"], image["__os_type"]) == ("Other Linux(64 bit)", "Linux")
        assert image["virtual_env_type"] == "FusionCompute"

    def test_what_others_say_of_them_is_replaced(self, glance: Client) -> None:
        given = {"__data_origin": "file,b:o", "__productcode": "x", "__image_size": "7"}
        image = glance.create(**given)
        assert image.get("__data_origin") != "file,b:o"
        assert "__productcode" not in image
        assert image["__image_size"] == "0"

    @pytest.mark.parametrize("op", ["add", "replace"])
    def test_nobody_changes_them(self, glance: Client, op: str) -> None:
        image = glance.create()
        with refused(403, "IMG.0026"):
            glance.patch(image["id"], change("/__os_type", "Windows", op))
        assert glance.show(image["id"])["__os_type"] == "Linux"

    def test_properties_of_ones_own(self, glance: Client) -> None:
        image = glance.create(flavour="vanilla")
        changed = glance.patch(image["id"], change("/flavour", "none"), change("/x", "1"))
        assert (changed["flavour"], changed["x"]) == ("none", "1")


class TestKind:
    def test_follows_the_visibility(self, glance: Client, admin: Client, other: Client) -> None:
        image = shareable(glance)
        assert glance.show(image)["__imagetype"] == "private"
        glance.share(image, "other")
        assert glance.show(image)["__imagetype"] == "shared"
        assert other.show(image)["__imagetype"] == "shared"
        public = admin.create(visibility="public")
        assert other.show(public["id"])["__imagetype"] == "gold"
        admin.delete(public["id"])

    def test_is_a_filter(self, glance: Client) -> None:
        image = glance.create()
        listed = glance.call("GET", "/v2/images?__imagetype=private&limit=500").json["images"]
        assert image["id"] in {one["id"] for one in listed}
        assert {one["__imagetype"] for one in listed} == {"private"}
        shared = glance.call("GET", "/v2/images?__imagetype=shared&limit=500").json["images"]
        assert image["id"] not in {one["id"] for one in shared}

    def test_is_a_filter_of_each_page(self, make_glance: MakeGlance) -> None:
        """Whoever follows the links sees all of the kind, and nothing else, though the newest is of another."""
        with make_glance({}) as service:
            client = service.client()
            images = [shareable(client, tags=["a", "b"]) for _ in range(3)]
            client.create(tags=["a", "b"])
            for image in images[:2]:
                client.share(image, "other")
            pages, url = [], "/v2/images?__imagetype=shared&tag=a&tag=b&limit=1"
            while url:
                answer = client.call("GET", url).json
                pages.append([image["id"] for image in answer["images"]])
                url = answer.get("next", "")
        assert [image for page in pages for image in page] == [images[1], images[0]]
        assert [] not in pages[:-1]
        assert "__imagetype=shared&tag=a&tag=b" in answer["first"]


class TestSharing:
    @pytest.mark.parametrize("visibility", ["private", "shared"])
    def test_the_kind_follows_the_members(
        self, glance: Client, other: Client, visibility: str
    ) -> None:
        """The visibility becomes "shared", and is in the end what it was."""
        image = shareable(glance, visibility=visibility)
        glance.share(image, "other")
        glance.share(image, PROJECT_IDS[0])
        assert other.show(image)["visibility"] == "shared"
        glance.call("DELETE", f"/v2/images/{image}/members/other")
        shared = glance.show(image)
        assert (shared["visibility"], shared["__imagetype"]) == ("shared", "shared")
        glance.call("DELETE", f"/v2/images/{image}/members/{PROJECT_IDS[0]}")
        left = glance.show(image)
        assert (left["visibility"], left["__imagetype"]) == (visibility, "private")
        assert "__visibility_before_sharing" not in left

    @pytest.mark.parametrize("visibility", ["private", "shared"])
    def test_a_refused_member_leaves_it_as_it_was(self, glance: Client, visibility: str) -> None:
        image = shareable(glance, visibility=visibility)
        before = glance.show(image)
        with by_glance(400):
            glance.share(image, "")
        after = glance.show(image)
        assert {**after, "updated_at": ""} == {**before, "updated_at": ""}

    def test_nobody_shares_but_shared_images(self, glance: Client, admin: Client) -> None:
        for owner, visibility in ((glance, "community"), (admin, "public")):
            image = owner.create(visibility=visibility)["id"]
            with by_glance(403):
                owner.share(image, "other")
            assert "__visibility_before_sharing" not in owner.show(image)

    def test_before_it_has_data(self, glance: Client, other: Client) -> None:
        """As Glance has it, and Tempest tests; IMS shares finished images only."""
        image = glance.create()["id"]
        glance.share(image, "other")
        path = f"/v2/images/{image}/members/other"
        assert other.call("PUT", path, json_body={"status": "accepted"}).status == 200
        glance.call("DELETE", path)
        with by_glance(404):
            other.show(image)

    def test_the_conventions_of_ims(self, conventional: Client) -> None:
        with refused(409, "IMG.0046"):
            conventional.share(conventional.create()["id"], "other")
        with refused(400, "IMG.0076"):
            conventional.share(shareable(conventional), "demo")
        community = shareable(conventional, visibility="community")
        with refused(409, "IMG.0098"):
            open_one = conventional.create(visibility="community")["id"]
            conventional.upload(open_one, b"data", store="kms")
        with by_glance(403):
            conventional.share(community, "other")
        protected = conventional.create(protected=True)["id"]
        with refused(403, "IMG.0028"):
            conventional.delete(protected)

    def test_the_receiver_hands_nothing_on(self, glance: Client, other: Client) -> None:
        image = shareable(glance)
        glance.share(image, "other")
        with pytest.raises(ApiError) as caught:
            other.share(image, PROJECT_IDS[0])
        assert caught.value.status in {403, 404}
        members = glance.call("GET", f"/v2/images/{image}/members").json["members"]
        assert [member["member_id"] for member in members] == ["other"]

    def test_again_after_it_was_made_private(self, glance: Client, other: Client) -> None:
        image = shareable(glance)
        glance.share(image, "other")
        glance.patch(image, change("/visibility", "private", "replace"))
        glance.share(image, "other")
        assert other.show(image)["visibility"] == "shared"

    @pytest.mark.parametrize("through", ["private", "community"])
    def test_with_another_one_after_it_was_taken_back(
        self, glance: Client, other: Client, through: str
    ) -> None:
        image = shareable(glance)
        glance.share(image, "other")
        accept = f"/v2/images/{image}/members/other"
        other.call("PUT", accept, json_body={"status": "accepted"})
        for visibility in (through, "private"):
            glance.patch(image, change("/visibility", visibility, "replace"))
        glance.share(image, PROJECT_IDS[0])
        with pytest.raises(ApiError) as caught:
            other.show(image)
        assert caught.value.status == 404
        assert receivers(glance, image) == {PROJECT_IDS[0]: "pending"}
        glance.share(image, "other")
        assert receivers(glance, image)["other"] == "pending"

    @pytest.mark.parametrize("store", ["plain", "kms"])
    def test_members_of_a_plain_image_come_back_by_hand(
        self, glance: Client, other: Client, store: str
    ) -> None:
        """As Glance says, and its clients expect, who know nothing of what the store does."""
        image = str(glance.create()["id"])
        glance.upload(image, b"data", store=store)
        glance.share(image, "other")
        for visibility in ("private", "shared"):
            glance.patch(image, change("/visibility", visibility, "replace"))
        assert other.download(image) == b"data"

    def test_members_of_an_encrypted_image_do_not(
        self, glance: Client, other: Client, key: str
    ) -> None:
        image = shareable(glance, cmkid=key)
        glance.share(image, "other")
        # Nothing is taken from anybody while it stays as it is.
        glance.patch(image, change("/visibility", "shared", "replace"))
        assert other.download(image) == b"data"
        for visibility in ("private", "shared"):
            glance.patch(image, change("/visibility", visibility, "replace"))
        with pytest.raises(ApiError):
            other.show(image)
        assert receivers(glance, image) == {}
        # As the image says, too; and it stays as its owner made it.
        assert glance.show(image)["__imagetype"] == "private"
        glance.share(image, "other")
        glance.call("DELETE", f"/v2/images/{image}/members/other")
        assert glance.show(image)["visibility"] == "shared"

    def test_the_receiver_does_not_delete_it(self, glance: Client, other: Client) -> None:
        image = shareable(glance)
        glance.share(image, "other")
        with by_glance(403):
            other.delete(image)
        assert glance.show(image)["status"] == "active"

    def test_accepting(self, glance: Client, other: Client) -> None:
        image = shareable(glance)
        glance.share(image, "other")
        path = f"/v2/images/{image}/members/other"
        assert other.call("PUT", path, json_body={"status": "accepted"}).status == 200
        listed = other.call("GET", "/v2/images?visibility=shared&limit=500").json["images"]
        assert image in {one["id"] for one in listed}

    def test_accepting_as_an_administrator(self, glance: Client, admin: Client) -> None:
        image = shareable(glance)
        glance.share(image, "admin")
        path = f"/v2/images/{image}/members/admin"
        answer = admin.call("PUT", path, json_body={"status": "accepted"}).json
        assert answer["status"] == "accepted"

    def test_nobody_accepts_their_own(self, glance: Client, conventional: Client) -> None:
        for owner, by in ((glance, by_glance(403)), (conventional, refused(409, "IMG.0076"))):
            image = shareable(owner)
            owner.share(image, "other")
            with by:
                path = f"/v2/images/{image}/members/other"
                owner.call("PUT", path, json_body={"status": "accepted"})

    def test_the_default_key_s_images_are_not_shared(self, glance: Client, key: str) -> None:
        with refused(409, "IMG.0098"):
            glance.share(shareable(glance, cmkid="ims/default"), "other")
        custom = shareable(glance, cmkid=key)
        glance.share(custom, "other")

    def test_nor_by_administrators_of_other_projects(
        self, glance: Client, admin: Client, other: Client, key: str
    ) -> None:
        image = shareable(glance, cmkid="ims/default")
        with refused(409, "IMG.0098"):
            admin.share(image, "other")
        with refused(409, "IMG.0098"):
            admin.patch(image, change("/visibility", "community", "replace"))
        assert glance.show(image)["visibility"] == "private"
        custom = shareable(glance, cmkid=key)
        admin.share(custom, "other")
        assert other.download(custom) == b"data"

    def test_the_default_key_s_images_are_not_open_to_everybody(
        self, glance: Client, other: Client, key: str
    ) -> None:
        image = shareable(glance, cmkid="ims/default")
        with refused(409, "IMG.0098"):
            glance.patch(image, change("/visibility", "community", "replace"))
        assert glance.show(image)["visibility"] == "private"
        with refused(409, "IMG.0098"):
            glance.create(cmkid="ims/default", visibility="community")
        # Who named no key was promised none: the store encrypts for its own sake.
        unnamed = glance.create(visibility="community")["id"]
        glance.upload(unnamed, b"data", store="kms")
        assert other.download(unnamed) == b"data"
        custom = shareable(glance, cmkid=key)
        glance.patch(custom, change("/visibility", "community", "replace"))
        assert other.download(custom) == b"data"

    def test_nor_published(self, glance: Client, admin: Client, other: Client, key: str) -> None:
        opened = change("/visibility", "public", "replace")
        image = shareable(glance, cmkid="ims/default")
        with refused(409, "IMG.0098"):
            admin.patch(image, opened)
        assert glance.show(image)["visibility"] == "private"
        with refused(409, "IMG.0098"):
            admin.create(cmkid="ims/default", visibility="public")
        custom = shareable(glance, cmkid=key)
        # What lies in an encrypting store for the store's own sake is published as in any Glance.
        unnamed = glance.create()["id"]
        glance.upload(unnamed, b"data", store="kms")
        for each in (custom, unnamed):
            admin.patch(each, opened)
            assert other.download(each) == b"data"
            admin.delete(each)


class TestDelete:
    @pytest.mark.parametrize("body", [{"delete_backup": True}, {"delete_backup": False}, {}])
    def test_the_body_of_ims_clients_is_taken_off(self, glance: Client, body: dict) -> None:
        image = glance.create()["id"]
        answer = glance.send(
            "DELETE",
            f"/v2/images/{image}",
            body=json.dumps(body).encode(),
            headers={"Content-Type": "application/json"},
        )
        assert answer.status == 204

    def test_protected(self, glance: Client) -> None:
        image = glance.create(protected=True)["id"]
        with by_glance(403):
            glance.delete(image)
        glance.patch(image, change("/protected", False, "replace"))
        glance.delete(image)
