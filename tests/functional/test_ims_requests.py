# SPDX-License-Identifier: Apache-2.0
"""What the IMS API checks before it accepts a job, or says that it cannot: in a real Glance.

(What it accepts becomes of, is tested on the pocket cloud.)
"""

from collections.abc import Iterator

import pytest
from huaweicloudsdkcore.auth.credentials import BasicCredentials
from huaweicloudsdkcore.region.region import Region
from huaweicloudsdkims.v2 import ims_client, model

from tests.functional import identity
from tests.functional.client import Answer, Client
from tests.functional.conftest import MakeGlance
from tests.functional.test_ims_images import assert_refused

CREATE = "/v2/cloudimages/action"
MEMBERS = "/v1/cloudimages/members"
PROJECT = "0123456789abcdef" * 2
NOBODY = "00000000-0000-0000-0000-000000000000"


@pytest.fixture(scope="module")
def ims(make_glance: MakeGlance) -> Iterator[Client]:
    """A Glance of these tests' own, with two places for images."""
    with make_glance({"ims_api": {"private_images": 2, "members": 2}}) as service:
        yield service.client()


@pytest.fixture(scope="module")
def image(ims: Client) -> str:
    """An active image."""
    image = str(ims.create(name="source")["id"])
    ims.upload(image, b"data")
    return image


@pytest.fixture(scope="module")
def queued(ims: Client) -> str:
    """An image without data; with :func:`image`, all places are taken."""
    return str(ims.create(name="queued")["id"])


def post(ims: Client, path: str, **body: object) -> Answer:
    return ims.send("POST", path, json_body=body)


class TestProject:
    def test_huawei_s_sdk_finds_it_by_a_region(
        self, ims: Client, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        url = f"http://{ims.address}"
        monkeypatch.setenv("HUAWEICLOUD_SDK_IAM_ENDPOINT", url)
        keys = BasicCredentials("functional", "x").with_security_token(ims.caller.token)
        builder = ims_client.ImsClient.new_builder().with_credentials(keys)
        client = builder.with_region(Region("RegionOne", url)).build()
        assert keys.project_id == "demo"
        assert client.list_images(model.ListImagesRequest(limit=1)).status_code == 200

    def test_nobody_else_is_shown_it(self, ims: Client) -> None:
        assert_refused(ims.send("GET", "/v3/projects?name=x&domain_id=y"), 400, "IMG.0017")
        answer = ims.send("GET", "/v3/projects", headers={"X-Auth-Token": ""})
        assert_refused(answer, 401, "IMG.0087")


class TestFiles:
    """Nothing but a Glance is here."""

    @pytest.mark.parametrize(
        "path",
        [
            CREATE,
            "/v2.1/cloudimages/action",
            "/v1/cloudimages/dataimages/action",
            "/v2/cloudimages/quickimport/action",
        ],
    )
    def test_without_an_object_storage(self, ims: Client, path: str) -> None:
        body = {"name": "x", "image_url": "bucket:o.qcow2", "min_disk": 40, "os_version": "x"}
        answer = post(ims, path, **body)
        assert_refused(answer, 400, "IMG.0105")
        assert "no object storage in this region" in answer.json["error"]["message"]


class TestNotSupportedYet:
    @pytest.mark.parametrize(
        ("path", "body"),
        [
            ("/v1/cloudimages/{image}/file", {"bucket_url": "bucket:x", "file_format": "qcow2"}),
            ("/v2.1/cloudimages/{image}/file", {"bucket_url": "bucket:x", "is_quick_export": True}),
        ],
    )
    def test_export(self, ims: Client, image: str, path: str, body: dict) -> None:
        """There is no object storage."""
        assert_refused(post(ims, path.format(image=image), **body), 400, "IMG.0105")

    def test_another_region(self, ims: Client, image: str) -> None:
        """This Glance does not know in which one it is."""
        path = f"/v1/cloudimages/{image}/cross_region_copy"
        answer = post(ims, path, name="x", region="r", project_name="p", agency_name="a")
        assert_refused(answer, 400, "IMG.0105")
        assert "region_name" in answer.json["error"]["message"]
        assert_refused(post(ims, path, name="x", region="r"), 400, "IMG.0104")

    def test_register(self, ims: Client, image: str, queued: str) -> None:
        body = {"image_url": "bucket:x"}
        path = "/v1/cloudimages/{}/upload"
        # There is no object storage.
        assert_refused(ims.send("PUT", path.format(queued), json_body=body), 400, "IMG.0105")
        assert_refused(ims.send("PUT", path.format(image), json_body=body), 400, "IMG.0046")


class TestBackups:
    """This cloud has no Cinder."""

    PATH = f"/v1/{PROJECT}/server-backups"

    @pytest.mark.parametrize(
        ("method", "path", "body"),
        [
            ("GET", "", None),
            ("GET", f"/{NOBODY}", None),
            ("DELETE", f"/{NOBODY}", None),
            ("POST", "", {"name": "x", "server_id": NOBODY}),
        ],
    )
    def test_without_cinder(self, ims: Client, method: str, path: str, body: dict | None) -> None:
        own = f"/v1/demo/server-backups{path}"
        assert_refused(ims.send(method, own, json_body=body), 400, "IMG.0105")

    def test_an_image_of_one_without_cinder(self, ims: Client) -> None:
        answer = post(ims, "/v1/cloudimages/wholeimages/action", name="x", backup_id=NOBODY)
        assert_refused(answer, 400, "IMG.0105")

    @pytest.mark.parametrize(
        ("body", "code"),
        [
            ({"name": "x"}, "IMG.0016"),
            ({"server_id": NOBODY}, "IMG.0013"),
            ({"name": "<", "server_id": NOBODY}, "IMG.0003"),
            ({"name": "x", "server_id": "x"}, "IMG.0016"),
            ({"name": "x", "server_id": NOBODY, "description": "x" * 256}, "IMG.0016"),
            ({"name": "x", "server_id": NOBODY, "volumes": []}, "IMG.0016"),
        ],
    )
    def test_refusals(self, ims: Client, body: dict, code: str) -> None:
        own = "/v1/demo/server-backups"
        assert_refused(post(ims, own, **body), 400, code)

    def test_another_projects(self, ims: Client) -> None:
        assert_refused(ims.send("GET", self.PATH), 400, "IMG.0067")


class TestServers:
    """Nothing but a Glance is here."""

    @pytest.mark.parametrize(
        ("path", "body"),
        [
            (CREATE, {"name": "x", "instance_id": NOBODY}),
            (CREATE, {"data_images": [{"name": "d", "volume_id": NOBODY}]}),
            ("/v1/cloudimages/wholeimages/action", {"name": "x", "instance_id": NOBODY}),
        ],
    )
    def test_without_their_services(self, ims: Client, path: str, body: dict) -> None:
        answer = post(ims, path, **body)
        assert_refused(answer, 400, "IMG.0105")
        assert "is not in the catalogue" in answer.json["error"]["message"]


class TestCreation:
    @pytest.mark.parametrize(
        ("body", "code"),
        [
            ({}, "IMG.0016"),
            ({"name": "x"}, "IMG.0016"),
            ({"name": "x", "instance_id": NOBODY, "volume_id": NOBODY}, "IMG.0016"),
            ({"volume_id": NOBODY, "os_version": "CentOS 7.3 64bit"}, "IMG.0013"),
            ({"name": " x", "volume_id": NOBODY, "os_version": "y"}, "IMG.0003"),
            ({"name": "x" * 129, "volume_id": NOBODY, "os_version": "y"}, "IMG.0002"),
            ({"name": "x", "volume_id": NOBODY}, "IMG.0056"),
            ({"name": "x", "volume_id": "v", "os_version": "y"}, "IMG.0016"),
            ({"name": "x", "volume_id": NOBODY, "os_version": "y", "cmk_id": NOBODY}, "IMG.0016"),
            ({"name": "x", "volume_id": NOBODY, "os_version": "y", "cmkId": NOBODY}, "IMG.0016"),
            ({"name": "x", "volume_id": NOBODY, "os_version": "y", "description": "<"}, "IMG.0054"),
            (
                {
                    "name": "x", "volume_id": NOBODY, "os_version": "y",
                    "tags": ["a.b"], "image_tags": [{"key": "a", "value": "b"}],
                },
                "IMG.0115",
            ),
            (
                {
                    "name": "x", "volume_id": NOBODY, "os_version": "y",
                    "image_tags": [{"key": f"k{number}", "value": ""} for number in range(11)],
                },
                "IMG.0116",
            ),
            ({"name": "x", "image_url": "b:o b", "min_disk": 40}, "IMG.0175"),
            ({"name": "x", "image_url": "bucket:o", "min_disk": 0}, "IMG.0055"),
            ({"name": "x", "image_url": "bucket:o", "min_disk": 1025}, "IMG.0055"),
            ({"name": "x", "image_url": "bucket:o", "hw_firmware_type": "x"}, "IMG.0141"),
            ({"name": "x", "image_url": "bucket:o", "architecture": "ppc"}, "IMG.0212"),
        ],
    )  # fmt: skip
    def test_refusals(self, ims: Client, body: dict, code: str) -> None:
        assert_refused(post(ims, CREATE, **body), 400, code)

    def test_no_place(self, ims: Client, image: str, queued: str) -> None:
        body = {"name": "x", "volume_id": NOBODY, "os_version": "CentOS 7.3 64bit"}
        assert_refused(post(ims, CREATE, **body), 400, "IMG.0015")

    def test_who_may_only_read(self, ims: Client) -> None:
        reader = ims.as_(identity.READER)
        assert_refused(post(reader, CREATE, name="x", volume_id=NOBODY), 403, "IMG.0026")


class TestCopy:
    @pytest.fixture
    def path(self, image: str) -> str:
        return f"/v1/cloudimages/{image}/copy"

    @pytest.mark.parametrize(
        ("body", "code"),
        [
            ({}, "IMG.0013"),
            ({"name": ""}, "IMG.0013"),
            ({"name": "<x>"}, "IMG.0003"),
            ({"name": "x", "description": "x" * 1025}, "IMG.0004"),
            ({"name": "x", "cmk_id": NOBODY}, "IMG.0095"),
            ({"name": "x", "cmk_id": "no key id"}, "IMG.0016"),
            ({"name": "x", "cmkid": NOBODY}, "IMG.0016"),
            ({"name": "x", "enterprise_project_id": "?"}, "IMG.0016"),
        ],
    )
    def test_refusals(self, ims: Client, path: str, body: dict, code: str) -> None:
        assert_refused(post(ims, path, **body), 400, code)

    def test_no_place(self, ims: Client, path: str, queued: str) -> None:
        assert_refused(post(ims, path, name="x"), 400, "IMG.0015")

    def test_without_data(self, ims: Client, queued: str) -> None:
        assert_refused(post(ims, f"/v1/cloudimages/{queued}/copy", name="x"), 400, "IMG.0046")

    def test_of_another_project(self, ims: Client, path: str) -> None:
        other = ims.as_(identity.OTHER)
        assert_refused(post(other, path, name="x"), 404, "IMG.0027")


class TestMembers:
    @pytest.mark.parametrize(
        ("body", "code"),
        [
            ({}, "IMG.0016"),
            ({"images": [], "projects": [PROJECT]}, "IMG.0016"),
            ({"images": ["x"], "projects": [PROJECT]}, "IMG.0016"),
            ({"images": [NOBODY], "projects": ["other"]}, "IMG.0067"),
            ({"images": [NOBODY, NOBODY], "projects": [PROJECT]}, "IMG.0016"),
        ],
    )
    @pytest.mark.parametrize("method", ["POST", "DELETE"])
    def test_refusals(self, ims: Client, method: str, body: dict, code: str) -> None:
        assert_refused(ims.send(method, MEMBERS, json_body=body), 400, code)

    def test_unknown_image(self, ims: Client) -> None:
        assert_refused(post(ims, MEMBERS, images=[NOBODY], projects=[PROJECT]), 404, "IMG.0027")

    def test_without_data(self, ims: Client, queued: str) -> None:
        assert_refused(post(ims, MEMBERS, images=[queued], projects=[PROJECT]), 400, "IMG.0046")

    def test_too_many(self, ims: Client, image: str) -> None:
        projects = [f"{number:032x}" for number in range(3)]
        assert_refused(post(ims, MEMBERS, images=[image], projects=projects), 400, "IMG.0088")

    def test_domains(self, ims: Client, image: str) -> None:
        answer = post(ims, MEMBERS, images=[image], projects=[PROJECT], domains=["d"])
        assert_refused(answer, 400, "IMG.0105")

    def test_answering_for_others(self, ims: Client, image: str) -> None:
        body = {"images": [image], "project_id": PROJECT, "status": "accepted"}
        assert_refused(ims.send("PUT", MEMBERS, json_body=body), 400, "IMG.0067")

    def test_list_and_show(self, ims: Client, image: str) -> None:
        path = f"/v1/demo/cloudimages/{image}/members"
        assert ims.call("GET", path).json["members"] == []
        for project in ("a", "b"):
            ims.share(image, project)
        listed = ims.call("GET", f"{path}?limit=1").json
        assert [member["member_id"] for member in listed["members"]] == ["a"]
        assert listed["members"][0]["member_type"] == "project"
        marker = listed["page_info"]["next_marker"]
        rest = ims.call("GET", f"{path}?limit=1&marker={marker}").json
        assert [member["member_id"] for member in rest["members"]] == ["b"]
        assert "next_marker" not in rest["page_info"]
        # A marker that is no receiver any more.
        rest = ims.call("GET", f"{path}?marker=aa").json
        assert [member["member_id"] for member in rest["members"]] == ["b"]

        # Two are all that there may be: those who are there may be asked for again, nobody else.
        told = post(ims, MEMBERS, images=[image], projects=[f"{0:032x}"])
        assert_refused(told, 400, "IMG.0088")
        assert "2" in told.json["error"]["message"]
        assert ims.call("GET", f"{path}/a").json["status"] == "pending"
        assert_refused(ims.send("GET", f"{path}/c"), 404, "IMG.0114")


@pytest.mark.parametrize("job_id", ["x", "%00", "0" * 33])
def test_what_is_no_id_of_a_job(ims: Client, job_id: str) -> None:
    assert_refused(ims.send("GET", f"/v1/demo/jobs/{job_id}"), 404, "IMG.0023")
    assert_refused(ims.send("GET", f"/v1/cloudimages/job/{job_id}"), 404, "IMG.0023")


def test_without_a_database_there_are_no_jobs(ims: Client) -> None:
    answer = ims.send("GET", f"/v1/demo/jobs/{'0' * 32}")
    assert_refused(answer, 503, "IMG.0105")
