# SPDX-License-Identifier: Apache-2.0
"""The operator's limits at the native door: receivers, places for images, tags."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.functional import identity
from tests.functional.client import Client
from tests.functional.conftest import MakeGlance
from tests.functional.refusals import by_glance, refused
from tests.functional.service import GlanceService
from tests.functional.test_guard_sharing import PROJECT_IDS, change, shareable

AS_SERVICE = {"X-Service-Roles": "ims_service"}


@pytest.fixture(scope="module")
def narrow_service(make_glance: MakeGlance) -> Iterator[GlanceService]:
    """A Glance with room for few of everything."""
    options = {
        "ims_api": {"private_images": 3, "members": 2, "tags": 3},
        "DEFAULT": {"user_storage_quota": "1000B"},
    }
    with make_glance(options, processes=2) as service:
        yield service


@pytest.fixture(scope="module")
def narrow(narrow_service: GlanceService) -> Client:
    """The same, used by a member of project ``demo``."""
    return narrow_service.client()


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


class TestReceivers:
    def test_at_most_so_many_receivers(self, empty: Client) -> None:
        image = shareable(empty)
        empty.share(image, PROJECT_IDS[0])
        empty.share(image, PROJECT_IDS[1])
        with refused(413, "IMG.0088"):
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
        assert sorted(answers) == [200] * 2 + [413] * 6


class TestPlaces:
    def test_the_last_one_is_taken_once(self, empty: Client) -> None:
        def create(_number: int) -> int:
            return empty.send("POST", "/v2/images", json_body={"name": "x"}).status

        with ThreadPoolExecutor(8) as pool:
            answers = list(pool.map(create, range(8)))
        assert sorted(answers) == [201] * 3 + [413] * 5

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
            with refused(413, "IMG.0015"):
                empty.create(**more)
        with refused(413, "IMG.0015"):
            empty.as_(identity.ADMIN).create(owner="demo")
        assert quota(empty) == (3, 3)

    def test_a_name_gives_no_place(self, empty: Client) -> None:
        """That of what Nova and Cinder make for a job, which everybody may choose."""
        job = "0123456789abcdef" * 2
        made = [empty.create(name=f"ims-job-{job}-{number}") for number in range(2)]
        assert [image["os_hidden"] for image in made] == [False, False]
        empty.patch(empty.create()["id"], change("/name", f"ims-job-{job}-2", "replace"))
        for name in (f"ims-job-{job}-3", f"ims-job-{job}"):
            with refused(413, "IMG.0015"):
                empty.create(name=name)

    def test_the_disks_of_a_whole_machine_take_none(self, empty: Client) -> None:
        made = by_service(empty, __whole_image="true")
        disks = [by_service(empty, os_hidden=True, __component_of=made) for _ in range(3)]
        assert quota(empty) == (1, 3)
        # Only the service says that an image is such a disk.
        for _ in range(2):
            assert "__component_of" not in empty.create(os_hidden=True, __component_of=made)
        with refused(413, "IMG.0015"):
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
        with refused(413, "IMG.0015"):
            empty.create()
        empty.delete(images[0])
        empty.create()


class TestTags:
    def test_at_creation(self, empty: Client) -> None:
        with refused(413, "IMG.0116"):
            empty.create(tags=["a", "b", "c", "d"])
        assert empty.create(tags=["a", "b", "c", "a"])["tags"]

    def test_one_by_one(self, empty: Client) -> None:
        image = empty.create(tags=["a", "b"])["id"]

        def add(tag: str) -> int:
            return empty.send("PUT", f"/v2/images/{image}/tags/{tag}").status

        with ThreadPoolExecutor(4) as pool:
            assert sorted(pool.map(add, "cdef")) == [204, 413, 413, 413]
        assert add("a") == 204

    def test_one_that_is_there_when_there_are_too_many(
        self, empty: Client, narrow_service: GlanceService
    ) -> None:
        """As on an image from before the operator lowered the limit."""
        image = empty.create(tags=["a", "b", "c"])["id"]
        with narrow_service.database() as database:
            database.execute(
                "INSERT INTO image_tags (image_id, value, created_at, updated_at, deleted) "
                "SELECT id, 'd', created_at, updated_at, 0 FROM images WHERE id = ?",
                (image,),
            )
        path = f"/v2/images/{image}/tags"
        assert empty.call("PUT", f"{path}/a").status == 204
        with refused(413, "IMG.0116"):
            empty.call("PUT", f"{path}/e")
        assert sorted(empty.show(image)["tags"]) == ["a", "b", "c", "d"]

    def test_all_at_once(self, empty: Client) -> None:
        image = empty.create()["id"]
        with refused(413, "IMG.0116"):
            empty.patch(image, change("/tags", ["a", "b", "c", "d"], "replace"))
        empty.patch(image, change("/tags", ["a", "b", "c"], "replace"))
