# SPDX-License-Identifier: Apache-2.0
"""Rules of IMS at the native door: attributes, kinds, sharing, places, tags."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.functional import identity
from tests.functional.client import ApiError, Client
from tests.functional.conftest import MakeGlance
from tests.functional.refusals import by_glance, refused

AS_SERVICE = {"X-Service-Roles": "ims_service"}
PROJECT_IDS = [f"{number:032x}" for number in range(1, 9)]


@pytest.fixture(scope="module")
def narrow(make_glance: MakeGlance) -> Iterator[Client]:
    """A Glance with room for few of everything."""
    options = {
        "ims_api": {"private_images": 3, "members": 2, "tags": 3},
        "DEFAULT": {"user_storage_quota": "1000B"},
    }
    with make_glance(options, processes=2) as service:
        yield service.client()


@pytest.fixture(scope="module")
def conventional(make_glance: MakeGlance) -> Iterator[Client]:
    """A Glance with the conventions of IMS."""
    with make_glance({"ims_api": {"native_conventions": True}}) as service:
        yield service.client()


@pytest.fixture
def empty(narrow: Client) -> Client:
    """The same, without any image."""
    listed = [
        image
        for hidden in ("false", "true")
        for image in narrow.call("GET", f"/v2/images?owner=demo&os_hidden={hidden}").json["images"]
    ]
    for image in listed:
        narrow.patch(image["id"], {"op": "replace", "path": "/protected", "value": False})
        narrow.delete(image["id"])
    return narrow


def shareable(glance: Client, **attributes: object) -> str:
    """The id of a new image with data."""
    image = glance.create(**attributes)["id"]
    glance.upload(image, b"data")
    return str(image)


def receivers(glance: Client, image: str) -> dict[str, str]:
    """Who has it, and what they said to that."""
    listed = glance.call("GET", f"/v2/images/{image}/members").json["members"]
    return {member["member_id"]: member["status"] for member in listed}


def by_service(client: Client, **attributes: object) -> str:
    """The id of a new image that our worker makes."""
    body = {"name": "x", "disk_format": "raw", "container_format": "bare", **attributes}
    answer = client.call("POST", "/v2/images", json_body=body, headers=AS_SERVICE)
    return str(answer.json["id"])


def quota(client: Client) -> tuple[int, int]:
    """Private images that the project has, and may have, as the IMS API says."""
    answer = client.call("GET", "/v1/cloudimages/quota").json
    (images,) = (each for each in answer["quotas"]["resources"] if each["type"] == "image")
    return images["used"], images["quota"]


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

    def test_members_of_a_plain_image_come_back_by_hand(
        self, glance: Client, other: Client
    ) -> None:
        """As Glance says, and its clients expect."""
        image = shareable(glance)
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

    def test_at_most_so_many_receivers(self, empty: Client) -> None:
        image = shareable(empty)
        empty.share(image, PROJECT_IDS[0])
        empty.share(image, PROJECT_IDS[1])
        with refused(409, "IMG.0088"):
            empty.share(image, PROJECT_IDS[2])

    @pytest.mark.parametrize("member", [7, True, ["other"]])
    def test_a_receiver_is_text(self, empty: Client, member: object) -> None:
        image = shareable(empty)
        for project in PROJECT_IDS[:2]:
            empty.share(image, project)
        with refused(400):
            empty.call("POST", f"/v2/images/{image}/members", json_body={"member": member})
        members = empty.call("GET", f"/v2/images/{image}/members").json["members"]
        assert len(members) == 2

    def test_the_last_receiver_s_place_is_taken_once(self, empty: Client) -> None:
        image = shareable(empty)

        def share(project: str) -> int:
            body = {"member": project}
            return empty.send("POST", f"/v2/images/{image}/members", json_body=body).status

        with ThreadPoolExecutor(8) as pool:
            answers = list(pool.map(share, PROJECT_IDS))
        assert sorted(answers) == [200] * 2 + [409] * 6


class TestPlaces:
    def test_the_last_one_is_taken_once(self, empty: Client) -> None:
        def create(_number: int) -> int:
            return empty.send("POST", "/v2/images", json_body={"name": "x"}).status

        with ThreadPoolExecutor(8) as pool:
            answers = list(pool.map(create, range(8)))
        assert sorted(answers) == [201] * 3 + [409] * 5

    def test_public_images_take_none(self, empty: Client) -> None:
        admin = empty.as_(identity.ADMIN)
        public = [admin.create(visibility="public", owner="demo")["id"] for _ in range(4)]
        assert empty.create()
        for image in public:
            admin.delete(image)

    def test_hidden_images_take_one_each(self, empty: Client) -> None:
        """Hidden from the beginning, hidden later, and open to everybody."""
        empty.create(os_hidden=True)
        for visibility in ("private", "community"):
            image = empty.create(visibility=visibility)["id"]
            empty.patch(image, change("/os_hidden", True, "replace"))
        for more in ({}, {"os_hidden": True}, {"visibility": "community"}):
            with refused(409, "IMG.0015"):
                empty.create(**more)
        with refused(409, "IMG.0015"):
            empty.as_(identity.ADMIN).create(owner="demo")
        assert quota(empty) == (3, 3)

    def test_a_name_gives_no_place(self, empty: Client) -> None:
        """That of what Nova and Cinder make for a job, which everybody may choose."""
        job = "0123456789abcdef" * 2
        made = [empty.create(name=f"ims-job-{job}-{number}") for number in range(2)]
        assert [image["os_hidden"] for image in made] == [False, False]
        empty.patch(empty.create()["id"], change("/name", f"ims-job-{job}-2", "replace"))
        for name in (f"ims-job-{job}-3", f"ims-job-{job}"):
            with refused(409, "IMG.0015"):
                empty.create(name=name)

    def test_the_disks_of_a_whole_machine_take_none(self, empty: Client) -> None:
        made = by_service(empty, __whole_image="true")
        disks = [by_service(empty, os_hidden=True, __component_of=made) for _ in range(3)]
        assert quota(empty) == (1, 3)
        # Only the service says that an image is such a disk.
        for _ in range(2):
            assert "__component_of" not in empty.create(os_hidden=True, __component_of=made)
        with refused(409, "IMG.0015"):
            empty.create()
        # A disk that was left behind is its owner's like any other image.
        empty.call("DELETE", f"/v2/images/{made}", headers=AS_SERVICE)
        assert quota(empty) == (5, 3)
        for disk in disks:
            empty.delete(disk)
        assert quota(empty) == (2, 3)

    def test_bytes_are_glance_s_to_count(self, empty: Client) -> None:
        """Those of encrypted images are those that their owner sent."""
        empty.upload(empty.create(cmkid="ims/default")["id"], b"x" * 600)
        image = empty.create()["id"]
        with by_glance(413):
            empty.upload(image, b"x" * 600)
        empty.upload(empty.create()["id"], b"x" * 300)

    def test_one_given_back_can_be_taken(self, empty: Client) -> None:
        images = [empty.create()["id"] for _ in range(3)]
        with refused(409, "IMG.0015"):
            empty.create()
        empty.delete(images[0])
        empty.create()


class TestTags:
    def test_at_creation(self, empty: Client) -> None:
        with refused(409, "IMG.0116"):
            empty.create(tags=["a", "b", "c", "d"])
        assert empty.create(tags=["a", "b", "c", "a"])["tags"]

    def test_one_by_one(self, empty: Client) -> None:
        image = empty.create(tags=["a", "b"])["id"]

        def add(tag: str) -> int:
            return empty.send("PUT", f"/v2/images/{image}/tags/{tag}").status

        with ThreadPoolExecutor(4) as pool:
            assert sorted(pool.map(add, "cdef")) == [204, 409, 409, 409]
        assert add("a") == 204

    def test_all_at_once(self, empty: Client) -> None:
        image = empty.create()["id"]
        with refused(409, "IMG.0116"):
            empty.patch(image, change("/tags", ["a", "b", "c", "d"], "replace"))
        empty.patch(image, change("/tags", ["a", "b", "c"], "replace"))


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
