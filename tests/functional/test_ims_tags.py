# SPDX-License-Identifier: Apache-2.0
"""The IMS API's tags in a real Glance."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.functional import identity
from tests.functional.client import Answer, Client
from tests.functional.conftest import MakeGlance
from tests.functional.service import GlanceService
from tests.functional.test_ims_images import assert_refused

SET = "/v1/cloudimages/tags"
SEARCH = "/v2/demo/images/resource_instances/action"


@pytest.fixture(scope="module")
def service(make_glance: MakeGlance) -> Iterator[GlanceService]:
    """A Glance of these tests' own."""
    with make_glance(processes=2) as service:
        yield service


@pytest.fixture(scope="module")
def ims(service: GlanceService) -> Client:
    """Its client."""
    return service.client()


@pytest.fixture
def image(ims: Client) -> Iterator[str]:
    """An image of project ``demo``."""
    image = ims.create(name="tagged")["id"]
    yield image
    ims.delete(image)


def path(image: str, end: str = "", project: str = "demo") -> str:
    return f"/v2/{project}/images/{image}/tags{end}"


def tags(ims: Client, image: str) -> dict[str, str]:
    listed = ims.call("GET", path(image)).json["tags"]
    return {tag["key"]: tag["value"] for tag in listed}


def batch(ims: Client, image: str, action: str, *pairs: tuple[str, str]) -> Answer:
    body = {"action": action, "tags": [{"key": key, "value": value} for key, value in pairs]}
    return ims.send("POST", path(image, "/action"), json_body=body)


class TestOneImage:
    def test_add_overwrite_delete(self, ims: Client, image: str) -> None:
        for value in ("test", "prod"):
            body = {"tag": {"key": "env", "value": value}}
            assert ims.send("POST", path(image), json_body=body).status == 204
            assert tags(ims, image) == {"env": value}
        assert ims.show(image)["tags"] == ["env=prod"]
        assert ims.send("DELETE", path(image, "/env")).status == 204
        assert_refused(ims.send("DELETE", path(image, "/env")), 404, "IMG.0121")

    @pytest.mark.parametrize(
        "body",
        [{"tag": "env.test"}, {"tag": "env=test"}, {"image_tag": {"key": "env", "value": "test"}}],
    )
    def test_set(self, ims: Client, image: str, body: dict) -> None:
        assert ims.send("PUT", SET, json_body={"image_id": image, **body}).status == 204
        assert tags(ims, image) == {"env": "test"}

    @pytest.mark.parametrize(
        ("body", "code"),
        [
            ({}, "IMG.0115"),
            ({"tag": "a.b", "image_tag": {"key": "a"}}, "IMG.0115"),
            ({"tag": "a b"}, "IMG.0115"),
            ({"image_tag": {"value": "x"}}, "IMG.0115"),
            ({"image_tag": 5}, "IMG.0016"),
            ({"image_id": "x", "tag": "a.b"}, "IMG.0016"),
        ],
    )
    def test_set_refused(self, ims: Client, image: str, body: dict, code: str) -> None:
        answer = ims.send("PUT", SET, json_body={"image_id": image, **body})
        assert answer.status == 400
        assert answer.json["error"]["code"] in {code, "IMG.0016"}
        assert tags(ims, image) == {}

    def test_batches_may_be_repeated(self, ims: Client, image: str) -> None:
        for _ in range(2):
            assert batch(ims, image, "create", ("a", "1"), ("b", "")).status == 204
        assert tags(ims, image) == {"a": "1", "b": ""}
        for _ in range(2):
            assert batch(ims, image, "delete", ("a", "1"), ("x", "")).status == 204
        assert tags(ims, image) == {"b": ""}
        body = {"tags": [{"key": "b"}]}
        delete = f"/v1/demo/cloudimages/{image}/tags/delete"
        assert ims.send("DELETE", delete, json_body=body).status == 204
        assert tags(ims, image) == {}

    @pytest.mark.parametrize("action", ["Create", "", "remove"])
    def test_unknown_action(self, ims: Client, image: str, action: str) -> None:
        assert_refused(batch(ims, image, action, ("a", "1")), 400, "IMG.0016")

    def test_at_most_ten(self, ims: Client, image: str) -> None:
        pairs = [(f"k{number}", "v") for number in range(10)]
        assert batch(ims, image, "create", *pairs).status == 204
        assert_refused(batch(ims, image, "create", ("k10", "")), 400, "IMG.0116")
        assert batch(ims, image, "create", ("k9", "other")).status == 204
        assert len(tags(ims, image)) == 10

    def test_tags_from_before_there_was_a_limit(
        self, ims: Client, image: str, service: GlanceService
    ) -> None:
        row = "INSERT INTO image_tags (image_id, value, created_at, deleted) VALUES (?, ?, ?, 0)"
        with service.database() as database:
            for number in range(12):
                database.execute(row, (image, f"k{number}=v", "2026-01-01 00:00:00"))
        assert_refused(batch(ims, image, "create", ("new", "")), 400, "IMG.0116")
        assert batch(ims, image, "delete", ("k0", "")).status == 204
        assert batch(ims, image, "create", ("k1", "other")).status == 204
        assert len(tags(ims, image)) == 11

    def test_the_last_place_is_taken_once(self, ims: Client, image: str) -> None:
        assert batch(ims, image, "create", *((f"k{n}", "") for n in range(9))).status == 204

        def add(number: int) -> int:
            return batch(ims, image, "create", (f"last{number}", "")).status

        with ThreadPoolExecutor(6) as pool:
            assert sorted(pool.map(add, range(6))) == [204] + [400] * 5
        assert len(tags(ims, image)) == 10

    def test_other_tags_stay_as_they_are(self, ims: Client, image: str) -> None:
        there = ["env=a", "env=b", "k", "k=1", "a=", "=b", "jammy-22.04"]
        ims.patch(image, {"op": "replace", "path": "/tags", "value": there})
        assert ims.send("PUT", SET, json_body={"image_id": image, "tag": "team.x"}).status == 204
        assert sorted(ims.show(image)["tags"]) == sorted([*there, "team=x"])

    def test_lists_of_tags_at_the_same_time(self, ims: Client, image: str) -> None:
        """Glance by itself would keep those of all of them."""

        def replace(number: int) -> set[str]:
            tags = [f"t{number}-{each}" for each in range(10)]
            ims.patch(image, {"op": "replace", "path": "/tags", "value": tags})
            return set(tags)

        with ThreadPoolExecutor(6) as pool:
            lists = list(pool.map(replace, range(18)))
        assert set(ims.show(image)["tags"]) in lists

    def test_of_another_project(self, ims: Client, image: str) -> None:
        other = ims.as_(identity.OTHER)
        body = {"tag": {"key": "k"}}
        answer = other.send("POST", path(image, project="other"), json_body=body)
        assert_refused(answer, 404, "IMG.0027")

    @pytest.mark.parametrize("project", ["other", "%7Bproject_id%7D"])
    def test_wrong_project_in_the_path(self, ims: Client, image: str, project: str) -> None:
        assert_refused(ims.send("GET", path(image, project=project)), 400, "IMG.0067")

    def test_who_may_only_read(self, ims: Client, image: str) -> None:
        reader = ims.as_(identity.READER)
        assert reader.call("GET", path(image)).json == {"tags": []}
        answer = reader.send("POST", path(image), json_body={"tag": {"key": "k"}})
        assert_refused(answer, 403, "IMG.0026")


class TestAllImages:
    @pytest.fixture(scope="class")
    @classmethod
    def found(cls, ims: Client) -> Iterator[dict[str, str]]:
        """Images by name: their tags are their names."""
        made = {}
        for name in ("env=a team=x", "env=b team=x", "env=a", "plain", ""):
            image = ims.create(name=f"i {name}", tags=name.split())["id"]
            made[name] = image
        yield made
        for image in made.values():
            ims.delete(image)

    def search(self, ims: Client, **query: object) -> dict:
        return dict(ims.call("POST", SEARCH, json_body={"action": "filter", **query}).json)

    def test_all_tags(self, ims: Client, found: dict[str, str]) -> None:
        listed = ims.call("GET", "/v2/demo/images/tags").json["tags"]
        assert {"key": "env", "values": ["a", "b"]} in listed
        assert {"key": "plain", "values": [""]} in listed

    def test_tag_strings(self, ims: Client, found: dict[str, str]) -> None:
        assert ims.call("GET", SET).json["tags"] == ["env=a", "env=b", "plain", "team=x"]
        assert ims.call("GET", f"{SET}?limit=2&page=2").json["tags"] == ["plain", "team=x"]
        one = found["env=b team=x"]
        assert ims.call("GET", f"{SET}?id={one}").json["tags"] == ["env=b", "team=x"]

    @pytest.mark.parametrize(
        ("query", "names"),
        [
            ({"tags": [{"key": "env", "values": ["a"]}]}, {"env=a team=x", "env=a"}),
            (
                {"tags": [{"key": "env"}, {"key": "team", "values": []}]},
                {"env=a team=x", "env=b team=x"},
            ),
            ({"not_tags_any": [{"key": "env"}, {"key": "plain"}]}, {""}),
            ({"without_any_tag": True}, {""}),
            ({"matches": [{"key": "resource_name", "value": "plain"}]}, {"plain"}),
        ],
    )
    def test_search(self, ims: Client, found: dict[str, str], query: dict, names: set) -> None:
        answer = self.search(ims, **query)
        assert {one["resource_id"] for one in answer["resources"]} == {found[n] for n in names}
        assert answer["total_count"] == len(names)
        counted = ims.call("POST", SEARCH, json_body={"action": "count", **query}).json
        assert counted == {"total_count": len(names)}

    def test_pages(self, ims: Client, found: dict[str, str]) -> None:
        first = self.search(ims, limit="3")
        rest = self.search(ims, limit="3", offset="3")
        assert first["total_count"] == rest["total_count"] == 5
        assert [len(page["resources"]) for page in (first, rest)] == [3, 2]

    @pytest.mark.parametrize(
        "query",
        [
            {"tags": []}, {"tags": [{"key": "a"}, {"key": "a"}]}, {"limit": "0"}, {"action": "x"},
            {"tags": [{"key": ""}]}, {"matches": [{"key": "x", "value": ""}]},
        ],
    )  # fmt: skip
    def test_refusals(self, ims: Client, query: dict) -> None:
        answer = ims.send("POST", SEARCH, json_body={"action": "filter", **query})
        assert_refused(answer, 400, "IMG.0016")
