# SPDX-License-Identifier: Apache-2.0
"""The IMS API in a real Glance: lists, CSV, changes, quota."""

import csv
import io
import json
from collections.abc import Iterator

import pytest

from tests.functional import identity
from tests.functional.client import Answer, Client
from tests.functional.conftest import MakeGlance

LIST = "/v2/cloudimages"


@pytest.fixture(scope="module")
def ims(make_glance: MakeGlance) -> Iterator[Client]:
    """A Glance of these tests' own, with 12 images, of which three belong to others."""
    with make_glance(processes=2) as service:
        client = service.client()
        admin = service.client(identity.ADMIN)
        for number in range(9):
            image = client.create(name=f"image {number}", tags=[f"n={number % 3}", "all"])["id"]
            client.upload(image, b"x" * (number + 1))
        system = {"__os_version": "CentOS 7.3 64bit"}
        admin.create(name="gold", visibility="public", **system)
        other = service.client(identity.OTHER)
        for name in ("pending", "accepted"):
            image = other.create(name=name)["id"]
            other.upload(image, b"x")
            other.share(image, "demo")
            if name == "accepted":
                path = f"/v2/images/{image}/members/demo"
                client.call("PUT", path, json_body={"status": "accepted"})
        yield client


def images(client: Client, query: str = "") -> list[dict]:
    return list(client.call("GET", f"{LIST}?{query}").json["images"])


def names(client: Client, query: str = "") -> list[str]:
    return [image["name"] for image in images(client, query)]


def assert_refused(answer: Answer, status: int, code: str) -> None:
    assert (answer.status, answer.json["error"]["code"]) == (status, code), answer.text
    assert answer.json["error"]["message"]
    assert answer.headers["X-Request-Id"] == answer.headers["x-openstack-request-id"]


class TestList:
    def test_own_images_the_newest_first(self, ims: Client) -> None:
        assert names(ims, "owner=demo") == [f"image {number}" for number in range(8, -1, -1)]

    @pytest.mark.parametrize(
        ("query", "found"),
        [
            ("__imagetype=gold", ["gold"]),
            ("__imagetype=gold&visibility=public&protected=False", ["gold"]),
            ("__platform=CentOS", ["gold"]),
            ("name=image%203", ["image 3"]),
            ("name=image", []),
            ("__imagetype=shared&visibility=shared&member_status=accepted", ["accepted"]),
            ("visibility=shared&member_status=pending", ["pending"]),
            ("tag=n.1&sort_key=name&sort_dir=asc", ["image 1", "image 4", "image 7"]),
            ("tag=n%3D2&__imagetype=private", ["image 8", "image 5", "image 2"]),
            ("status=queued&visibility=public", ["gold"]),
            ("id=00000000-0000-0000-0000-000000000000", []),
            ("created_at=lt:2000-01-01T00:00:00Z", []),
            ("visibility=public&__imagetype=private", []),
            ("__isregistered=false", []),
            ("__whole_image=False&name=image%203", ["image 3"]),
            ("__whole_image=true", []),
            ("name=in:image%203", []),
            ("name=gt:x", []),
            ("status=gt:x", []),
            ("name=%F0%9F%92%A9", []),
            ("owner=%F0%9F%92%A9", []),
            ("tag=all%3D&name=image%203", ["image 3"]),
            ("min_disk=7", []),
        ],
    )
    def test_filters(self, ims: Client, query: str, found: list[str]) -> None:
        assert sorted(names(ims, query)) == sorted(found)

    def test_times(self, ims: Client) -> None:
        created = images(ims, "name=image%203")[0]["created_at"]
        later = names(ims, f"owner=demo&created_at=gte:{created}")
        earlier = names(ims, f"owner=demo&created_at=lt:{created}")
        assert "image 3" in later
        assert set(later).isdisjoint(earlier)
        assert len(later + earlier) == 9

    def test_pages(self, ims: Client) -> None:
        found, marker = [], ""
        while True:
            page = ims.call("GET", f"{LIST}?owner=demo&limit=4{marker}").json
            found += [image["name"] for image in page["images"]]
            assert len(page["images"]) <= 4
            if "page_info" not in page:
                break
            marker = f"&marker={page['page_info']['next_marker']}"
        assert found == names(ims, "owner=demo")

    def test_a_page_thinned_out_is_filled_up(self, ims: Client) -> None:
        query = "owner=demo&enterprise_project_id=0&limit=5"
        assert len(images(ims, query)) == 5

    def test_types_of_ims(self, ims: Client) -> None:
        image = images(ims, "name=image%203")[0]
        assert image["protected"] is False
        assert (image["__image_size"], image["max_ram"], image["min_ram"]) == ("4", "0", 0)
        assert (image["__imagetype"], image["__isregistered"]) == ("private", "true")
        assert set(image["tags"]) == {"n=0", "all"}

    @pytest.mark.parametrize("prefix", ["", "/image", "//image/"])
    def test_under_every_prefix(self, ims: Client, prefix: str) -> None:
        assert ims.call("GET", f"{prefix}{LIST}?limit=1").json["images"]

    @pytest.mark.parametrize(
        "query",
        [
            "nonsense=1", "limit=0", "limit=x", "marker=%00", "__imagetype=secret", "sort_key=x",
            "member_status=accepted", "created_at=now", "name=%ff", "protected=maybe",
        ],
    )  # fmt: skip
    def test_refusals(self, ims: Client, query: str) -> None:
        assert_refused(ims.send("GET", f"{LIST}?{query}"), 400, "IMG.0017")

    @pytest.mark.parametrize(
        "attributes",
        [
            {"os_hidden": True},
            {"visibility": "community"},
            {"os_hidden": True, "visibility": "community"},
            {"os_hidden": True, "visibility": "shared"},
        ],
    )
    def test_what_the_caller_sees_by_its_id_is_found_by_it(
        self, ims: Client, attributes: dict
    ) -> None:
        is_own = "visibility" not in attributes
        owner = ims if is_own else ims.as_(identity.OTHER)
        image = owner.create(name="by id", **attributes)["id"]
        try:
            if attributes.get("visibility") == "shared":
                assert images(ims, f"id={image}") == []
                owner.upload(image, b"x")
                owner.share(image, "demo")
            assert ims.show(image)["id"] == image
            assert [each["id"] for each in images(ims, f"id={image}")] == [image]
            assert names(ims, f"id={image}&name=by%20id") == ["by id"]
            assert names(ims, f"id={image}&name=other") == []
            if "os_hidden" in attributes:
                assert names(ims, "name=by%20id") == []
        finally:
            owner.delete(image)
        assert images(ims, f"id={image}") == []

    def test_a_list_goes_on_after_an_image_that_is_deleted(self, ims: Client) -> None:
        made = [ims.create(name=f"paged {number}", tags=["paged"])["id"] for number in range(5)]
        try:
            page = ims.call("GET", f"{LIST}?tag=paged&limit=2").json
            assert [each["id"] for each in page["images"]] == [made[4], made[3]]
            marker = page["page_info"]["next_marker"]
            ims.delete(made.pop())
            ims.delete(made.pop())
            rest = images(ims, f"tag=paged&limit=5&marker={marker}")
            assert [each["id"] for each in rest] == made[::-1]
            # It shows nobody what is deleted, nor what they never saw.
            assert images(ims, f"id={marker}") == []
            assert images(ims.as_(identity.OTHER), "tag=paged") == []
            answer = ims.as_(identity.OTHER).send("GET", f"{LIST}?marker={marker}")
            assert 400 <= answer.status < 500
        finally:
            for image in made:
                ims.delete(image)

    def test_unknown_marker(self, ims: Client) -> None:
        answer = ims.send("GET", f"{LIST}?marker=00000000-0000-0000-0000-000000000000")
        assert 400 <= answer.status < 500

    def test_no_token(self, ims: Client) -> None:
        answer = ims.send("GET", LIST, headers={"X-Auth-Token": ""})
        assert_refused(answer, 401, "IMG.0087")

    def test_without_a_role(self, ims: Client) -> None:
        nobody = ims.as_(identity.Caller("demo", ("nothing",)))
        assert_refused(nobody.send("GET", LIST), 403, "IMG.0026")


class TestCsv:
    def test_all_pages(self, ims: Client) -> None:
        answer = ims.call("GET", f"{LIST}?owner=demo&limit=2", headers={"Accept": "text/csv"})
        assert answer.headers["Content-Type"] == "text/csv; charset=UTF-8"
        assert "attachment" in answer.headers["Content-Disposition"]
        rows = list(csv.DictReader(io.StringIO(answer.text)))
        assert [row["name"] for row in rows] == names(ims, "owner=demo")
        assert rows[0]["kind"] == "system disk"
        assert {row["encrypted"] for row in rows} == {"no"}
        assert set(rows[0]) == {
            "id", "name", "status", "os_type", "os", "kind", "disk_gb", "encrypted", "created",
        }  # fmt: skip

    def test_no_formulas(self, ims: Client) -> None:
        image = ims.create(name="=cmd|' /C calc'!A0")["id"]
        answer = ims.call("GET", f"{LIST}?id={image}", headers={"Accept": "text/csv"})
        assert "'=cmd" in answer.text
        ims.delete(image)

    def test_a_refusal_is_no_table(self, ims: Client) -> None:
        answer = ims.send("GET", f"{LIST}?limit=x", headers={"Accept": "text/csv"})
        assert_refused(answer, 400, "IMG.0017")


class TestUpdate:
    @pytest.fixture
    def image(self, ims: Client) -> Iterator[str]:
        image = ims.create(name="to be changed")["id"]
        ims.upload(image, b"x")
        yield image
        ims.delete(image)

    def update(self, ims: Client, image: str, *changes: dict, **headers: str) -> Answer:
        sent = {"Content-Type": "application/json", **headers}
        body = json.dumps(changes).encode()
        return ims.send("PATCH", f"{LIST}/{image}", body=body, headers=sent)

    def test_the_whole_image_is_answered(self, ims: Client, image: str) -> None:
        answer = self.update(
            ims,
            image,
            {"op": "replace", "path": "/name", "value": "new name"},
            {"op": "replace", "path": "/min_ram", "value": "1024"},
            {"op": "add", "path": "/max_ram", "value": 4096},
            {"op": "add", "path": "/__description", "value": "what it is"},
            {"op": "add", "path": "/hw_vif_multiqueue_enabled", "value": "true"},
        )
        assert answer.status == 200
        changed = answer.json
        assert (changed["name"], changed["min_ram"], changed["max_ram"]) == (
            "new name", 1024, "4096",
        )  # fmt: skip
        assert ims.show(image)["hw_vif_multiqueue_enabled"] == "true"

    def test_replace_of_what_is_not_there(self, ims: Client, image: str) -> None:
        change = {"path": "/max_ram", "value": 1}
        assert_refused(self.update(ims, image, {"op": "replace", **change}), 400, "IMG.0035")
        assert self.update(ims, image, {"op": "add", **change}).status == 200

    def test_only_active_images(self, ims: Client) -> None:
        image = ims.create()["id"]
        change = {"op": "replace", "path": "/name", "value": "x"}
        assert_refused(self.update(ims, image, change), 400, "IMG.0046")
        ims.delete(image)

    def test_of_another_project(self, ims: Client, image: str) -> None:
        other = ims.as_(identity.OTHER)
        change = {"op": "replace", "path": "/name", "value": "x"}
        assert_refused(self.update(other, image, change), 404, "IMG.0027")

    @pytest.mark.parametrize(
        ("body", "code"),
        [
            (b"", "IMG.0007"),
            (b"{", "IMG.0001"),
            (b"[NaN]", "IMG.0001"),
            (b"{}", "IMG.0016"),
            (b"[]", "IMG.0016"),
            (b'[{"op":"move","path":"/name"}]', "IMG.0016"),
            (b'[{"op":"add","path":"/a/b","value":"x"}]', "IMG.0016"),
            (b'[{"op":"add","path":"/x","value":{}}]', "IMG.0016"),
            (b"[" * 100000, "IMG.0001"),
            (b"\xff", "IMG.0001"),
            (b" " * (1024 * 1024 + 1), "IMG.0016"),
        ],
    )
    def test_malformed(self, ims: Client, image: str, body: bytes, code: str) -> None:
        headers = {"Content-Type": "application/json"}
        answer = ims.send("PATCH", f"{LIST}/{image}", body=body, headers=headers)
        assert_refused(answer, 400, code)

    @pytest.mark.parametrize("image_id", ["x", "%00", "%ff", "\u20ac", "a%0Ab"])
    def test_odd_ids(self, ims: Client, image_id: str) -> None:
        change = {"op": "replace", "path": "/name", "value": "x"}
        answer = self.update(ims, image_id.replace("\u20ac", "%E2%82%AC"), change)
        assert answer.status in {400, 404}
        assert answer.json["error"]["code"].startswith("IMG.")


def test_quota(ims: Client) -> None:
    resources = ims.call("GET", "/v1/cloudimages/quota").json["quotas"]["resources"]
    by_type = {resource["type"]: resource for resource in resources}
    assert set(by_type) == {"image", "image_shared", "image_member"}
    assert by_type["image"]["used"] == len(images(ims, "owner=demo"))
    assert by_type["image_member"]["quota"] == 128


def test_os_versions(ims: Client) -> None:
    listed = ims.call("GET", "/v1/cloudimages/os_version?tag=arm").json
    assert {"Ubuntu", "EulerOS"} <= {platform["platform"] for platform in listed}
    assert_refused(ims.send("GET", "/v1/cloudimages/os_version?tag=x"), 400, "IMG.0017")


def test_unknown_path(ims: Client) -> None:
    assert_refused(ims.send("GET", "/v1/cloudimages/nonsense"), 404, "IMG.0017")
    assert_refused(ims.send("DELETE", "/v1/cloudimages/quota"), 404, "IMG.0017")
