# SPDX-License-Identifier: Apache-2.0
"""A copy is asked for in one region and received in another: two real Glances, with a small Keystone.

The workers come last, when all is said that can be refused.
"""

import dataclasses
import json
import re
import secrets
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from keystoneauth1 import session, token_endpoint
from openstack.connection import Connection

from ims_glance.client import comparison, register
from ims_glance.client.operations.copy import Origin
from tests.functional.client import Answer, Client
from tests.functional.commands import Commands
from tests.functional.conftest import MakeGlance
from tests.functional.identity import CATALOG, DEMO, READER, Caller
from tests.functional.service import GlanceService
from tests.functional.test_ims_images import assert_refused
from tests.link import Link
from tests.unit.clouds.keystone_server import KeystoneServer

WEB = Caller("web")
NOBODY = "00000000-0000-0000-0000-000000000000"


@dataclasses.dataclass
class Cloud:
    """Two regions.

    :ivar one: where images are, as ``demo``
    :ivar two: where their copies shall be, as ``web``
    :ivar services: of both
    :ivar link: on which others reach the second one
    """

    keystone: KeystoneServer
    one: Client
    two: Client
    services: list[GlanceService]
    link: Link

    def copy(self, image_id: str, caller: Caller = DEMO, **body: Any) -> Answer:
        """Ask for a copy."""
        wanted = {"name": "copy", "region": "RegionTwo", "project_name": "web", **body}
        path = f"/v1/cloudimages/{image_id}/cross_region_copy"
        return self.one.as_(caller).send("POST", path, json_body=wanted)

    def receive(self, source: Any, **body: Any) -> Answer:
        """What RegionOne asks of RegionTwo."""
        wanted = {"name": "copy", "source": source, **body}
        path = "/v1/web/images/receive"
        return self.two.send("POST", path, json_body=wanted)

    def jobs(self) -> tuple[list[Any], list[Any]]:
        """Of both projects, the newest first."""
        one = self.one.call("GET", "/v1/demo/jobs").json["jobs"]
        return one, self.two.call("GET", "/v1/web/jobs").json["jobs"]


@pytest.fixture(scope="module")
def cloud(make_glance: MakeGlance, commands: Commands) -> Iterator[Cloud]:
    """Both regions; in the second one ``web`` has three places for images."""
    keystone = KeystoneServer()
    keystone.projects = [{"id": "web", "name": "web", "domain_id": "default"}]
    keystone.exchanges = {"web": ["member", "reader"]}
    keystone.exchanged = lambda _token, project_id: Caller(project_id).token
    roles = [{"name": "member"}]
    keystone.credentials = [
        {"name": "copies", "project_id": "web", "roles": roles},
        {"name": "weak", "project_id": "web", "roles": [{"name": "reader"}]},
    ]
    keystone.regions = ("RegionOne", "RegionTwo")
    keystone.images.clear()
    services = []
    for name in ("RegionOne", "RegionTwo"):
        options = {
            "ims_database": {"connection": "sqlite:///{root}/jobs.sqlite"},
            "ims_service": {**keystone.login, "auth_type": "password", "region_name": name},
            "ims_api": (
                {"private_images": 3, "cross_region_gib": 1}
                if name == "RegionTwo"
                else {"private_images": 100}
            ),
            "ims_jobs": {
                "copying": 4,
                "scan_seconds": 0.2,
                "delegation_idle_seconds": 0,
                "replication_seconds": 0.2,
            },
            # Nobody wakes up the workers: they look by themselves.
            "DEFAULT": {"transport_url": "fake://"},
        }
        service = make_glance(options)
        assert commands.run(service, "db", "sync").returncode == 0
        services.append(service)
        keystone.images[name] = f"http://{service.client().address}"
    link = Link(keystone.images["RegionTwo"])
    keystone.images["RegionTwo"] = link.url
    keystone.images["RegionThree"] = f"{keystone.images['RegionTwo']}/somewhere"
    endpoints = [{"region": name, "publicURL": url} for name, url in keystone.images.items()]
    catalog = json.dumps([{"type": "image", "name": "glance", "endpoints": endpoints}])
    for service in services:
        (service.directories.root / CATALOG).write_text(catalog)
    yield Cloud(keystone, services[0].client(), services[1].client(WEB), services, link)
    link.close()
    keystone.close()


@pytest.fixture(scope="module")
def image(cloud: Cloud) -> str:
    """An active image of four bytes."""
    image = str(cloud.one.create(name="source")["id"])
    cloud.one.upload(image, b"data")
    return image


def test_both_regions_have_a_job(cloud: Cloud, image: str) -> None:
    before = set(cloud.keystone.trusts)
    answer = cloud.copy(image, agency_name="copies")
    assert answer.status == 200, answer.text
    [followed], [received] = cloud.jobs()
    assert answer.json == {"job_id": followed["job_id"]}
    assert (followed["job_type"], received["job_type"]) == (
        "imsCopyImageCrossRegionJob",
        "imsReceiveImageJob",
    )
    assert followed["entities"]["target_job_id"] == received["job_id"]
    assert received["entities"]["source_image_id"] == image
    made = [cloud.keystone.trusts[each] for each in set(cloud.keystone.trusts) - before]
    given = sorted((each["project_id"], sorted(r["name"] for r in each["roles"])) for each in made)
    # To follow it and to make it there, as the agency says; and to read the image here.
    assert given == [
        ("demo", ["member", "reader"]),
        ("web", ["member"]),
        ("web", ["member"]),
    ]
    for client, job in ((cloud.one, followed), (cloud.two, received)):
        path = f"/v1/{client.caller.name}/jobs/{job['job_id']}"
        assert client.call("DELETE", path).json["status"] == "INIT"


def test_an_answer_that_is_lost_leaves_no_copy_that_nobody_follows(
    cloud: Cloud, image: str
) -> None:
    before = cloud.jobs()
    cloud.link.lost = 1
    answer = cloud.copy(image)
    assert (answer.status, cloud.link.lost) == (200, 0), answer.text
    followed, received = (
        [job for job in after if job not in known]
        for known, after in zip(before, cloud.jobs(), strict=True)
    )
    assert [job["entities"]["target_job_id"] for job in followed] == [received[0]["job_id"]]
    assert [job["job_id"] for job in followed] == [answer.json["job_id"]]
    assert len(received) == 1
    for client, [job] in ((cloud.one, followed), (cloud.two, received)):
        client.call("DELETE", f"/v1/{client.caller.name}/jobs/{job['job_id']}")


def test_a_preflight_begins_nothing(cloud: Cloud, image: str) -> None:
    before, trusts = cloud.jobs(), dict(cloud.keystone.trusts)
    answer = cloud.copy(image, dry_run=True)
    assert answer.status == 200, answer.text
    preflight = answer.json["preflight"]
    assert (preflight["region"], preflight["project_id"]) == ("RegionTwo", "web")
    assert (preflight["total_bytes"], preflight["cmk_id"]) == (4, None)
    held = ("base_image_id", "base_holds", "base_holds_is")
    assert [preflight[name] for name in held] == [None, 0, "exact"]
    assert (cloud.jobs(), dict(cloud.keystone.trusts)) == (before, trusts)


@pytest.mark.parametrize(
    ("body", "code", "said"),
    [
        ({"region": "Mars"}, "IMG.0108", "RegionOne, RegionThree, RegionTwo"),
        ({"region": "RegionOne"}, "IMG.0016", "copy_image_in_region"),
        ({"region": "RegionThree"}, "IMG.0105", "RegionThree takes no copies"),
        ({"project_name": "other"}, "IMG.0067", "--my-projects"),
        ({"agency_name": "none"}, "IMG.0179", "no application credential 'none'"),
        ({"agency_name": "weak"}, "IMG.0179", "RegionTwo: .*may make images"),
        ({"base_image_id": NOBODY}, "IMG.0027", "RegionTwo: "),
        ({"name": None}, "IMG.0016", "name"),
        ({"project_name": 7}, "IMG.0016", "project_name"),
    ],
)
def test_refusals(cloud: Cloud, image: str, body: Any, code: str, said: str) -> None:
    before = cloud.jobs()
    answer = cloud.copy(image, **body)
    assert_refused(answer, 404 if code == "IMG.0027" else 400, code)
    assert re.search(said, answer.json["error"]["message"])
    assert cloud.jobs() == before


def test_a_reader_copies_nothing(cloud: Cloud, image: str) -> None:
    assert_refused(cloud.copy(image, READER), 403, "IMG.0026")


def test_what_there_is_no_place_for_is_said_at_once(cloud: Cloud, image: str) -> None:
    """And what it was asked for is forgotten here, too."""
    while True:
        answer = cloud.copy(image)
        if answer.status != 200:
            break
    assert_refused(answer, 400, "IMG.0015")
    assert answer.json["error"]["message"].startswith("RegionTwo: Project web has 3 of 3")
    followed, received = cloud.jobs()
    assert len(followed) == len(received) == 3


@pytest.mark.parametrize(
    "change",
    [
        {"image_id": "x"},
        {"size": -1},
        {"roles": []},
        {"disks": 1000},
        {"region": ""},
        {"project_id": None},
    ],
)
def test_what_another_region_says_is_checked(cloud: Cloud, change: Any) -> None:
    source = {
        "region": "RegionOne",
        "project_id": "demo",
        "image_id": NOBODY,
        "roles": ["reader"],
        "size": 4,
    }
    assert_refused(cloud.receive({**source, **change}), 400, "IMG.0016")


def test_the_receiving_region_has_a_bound_of_its_own(cloud: Cloud) -> None:
    """Whatever the one of the image allows."""
    source = {"region": "RegionOne", "project_id": "demo", "image_id": NOBODY, "roles": ["reader"]}
    before = cloud.jobs()
    answer = cloud.receive({**source, "size": (1 << 30) + 1})
    assert_refused(answer, 400, "IMG.0059")
    assert "cross_region_gib" in answer.json["error"]["message"]
    assert cloud.jobs() == before


@pytest.fixture(scope="module")
def at_work(cloud: Cloud) -> Iterator[Cloud]:
    """Both regions with a worker, and nothing to do yet."""
    workers = []
    for service in cloud.services:
        command = [str(Path(sys.executable).parent / "ims-worker"), "--config-file"]
        command.append(str(service.directories.etc / "glance-api.conf"))
        with (service.directories.root / "worker.log").open("wb") as log:
            environment, folder = service.environment, service.directories.root
            workers.append(
                subprocess.Popen(command, env=environment, cwd=folder, stdout=log, stderr=log)
            )
    for client, jobs in zip((cloud.one, cloud.two), cloud.jobs(), strict=True):
        for job in jobs:
            client.call("DELETE", f"/v1/{client.caller.name}/jobs/{job['job_id']}")
    for client in (cloud.one, cloud.two):
        for job in client.call("GET", f"/v1/{client.caller.name}/jobs").json["jobs"]:
            _ended(client, job["job_id"])
    yield cloud
    for worker in workers:
        worker.terminate()
    for worker in workers:
        worker.wait(240)


def _ended(client: Client, job_id: str) -> Any:
    end = time.monotonic() + 240
    while True:
        job = client.call("GET", f"/v1/{client.caller.name}/jobs/{job_id}").json
        if job["status"] in ("SUCCESS", "FAIL"):
            return job
        assert time.monotonic() < end, job
        time.sleep(0.1)


def _copied(cloud: Cloud, image_id: str, **body: Any) -> Any:
    """What is told of a copy when it has ended well."""
    answer = cloud.copy(image_id, **body)
    assert answer.status == 200, answer.text
    job = _ended(cloud.one, answer.json["job_id"])
    assert job["status"] == "SUCCESS", job
    return job["entities"]


def test_the_next_version_takes_what_is_there(at_work: Cloud) -> None:
    """An encrypted image, whose copy has another key; then the same with a little more."""
    key, key_there = (
        service.vault.make(owner)
        for service, owner in zip(at_work.services, ("demo", "web"), strict=True)
    )
    data = secrets.token_bytes(2 << 20) + bytes(1 << 20)
    first, second = (at_work.one.create(name="golden", cmkid=key)["id"] for _ in range(2))
    newer = data + secrets.token_bytes(1000)
    at_work.one.upload(first, data)
    at_work.one.upload(second, newer)
    told = _copied(at_work, first, cmk_id=key_there, name="golden")
    assert told["received_bytes"] < (2 << 20) + 10_000
    assert at_work.two.download(told["image_id"]) == data
    told = _copied(at_work, second, cmk_id=key_there, name="golden")
    assert told["received_bytes"] < 100_000
    assert told["saved_bytes"] > 3_000_000
    assert at_work.two.download(told["image_id"]) == newer
    view = at_work.two.call("GET", f"/v2/images/{told['image_id']}").json
    assert view["__system__cmkid"] == key_there
    assert view["__data_origin"] == f"image,RegionOne,{second}"
    # A third time nothing would be sent, and that is known.
    foreseen = at_work.copy(second, dry_run=True, name="golden").json["preflight"]
    assert (foreseen["base_image_id"], foreseen["base_holds_is"]) == (told["image_id"], "exact")
    assert foreseen["base_holds"] == len(newer)


def _ims(client: Client) -> Any:
    """The service as Python programs have it."""
    auth = token_endpoint.Token(f"http://{client.address}", client.caller.token)
    return register(Connection(session=session.Session(auth))).ims


def test_a_copy_is_found_and_compared_without_reading_it(at_work: Cloud) -> None:
    """Encrypted there, and hidden; what both Glances have digests of is the raw content."""
    image = at_work.one.create(name="short")["id"]
    at_work.one.upload(image, b"data")
    key = at_work.services[1].vault.make("web")
    copy = _copied(at_work, image, cmk_id=key)["image_id"]
    hide = {"op": "replace", "path": "/os_hidden", "value": True}
    at_work.two.patch(copy, hide)
    here, there = _ims(at_work.one), _ims(at_work.two)
    [found] = there.copies_of(Origin("RegionOne", image))
    assert (found.id, found.cmk_id) == (copy, key)
    assert list(there.copies_of(Origin("RegionTwo", image))) == []
    data = here.data_of(here.get_image(image)), there.data_of(found)
    [compared] = comparison.compare_disks(*data)
    assert (compared.result, compared.by) == ("same", "sha512")
    at_work.two.delete(copy)
    assert there.look_at(copy) is None


def test_the_source_is_gone_and_nothing_is_left(at_work: Cloud) -> None:
    image = at_work.one.create(name="short")["id"]
    at_work.one.upload(image, b"data")
    before = {each["id"] for each in at_work.two.call("GET", "/v2/images").json["images"]}
    answer = at_work.copy(image)
    at_work.one.call("DELETE", f"/v2/images/{image}")
    job = _ended(at_work.one, answer.json["job_id"])
    if job["status"] == "FAIL":  # unless the worker was faster
        assert job["error_code"] == "IMG.0027"
        assert job["fail_reason"].startswith("RegionTwo: ")
        after = {each["id"] for each in at_work.two.call("GET", "/v2/images").json["images"]}
        assert after == before
    end = time.monotonic() + 240
    while at_work.keystone.trusts:
        assert time.monotonic() < end, at_work.keystone.trusts
        time.sleep(0.1)
    assert not list(at_work.services[1].directories.kms.rglob("*spool*"))


def _until(look: Callable[[], Any], wanted: Any) -> None:
    end = time.monotonic() + 240
    while (found := look()) != wanted:
        assert time.monotonic() < end, found
        time.sleep(0.2)


def test_images_are_copied_as_they_become_active(at_work: Cloud) -> None:
    """By a replication, whose trusts go with it; the newest copy is kept."""
    for each in at_work.two.call("GET", "/v2/images?owner=web").json["images"]:
        at_work.two.delete(each["id"])
    before = set(at_work.keystone.trusts)
    body = {"name": "r", "region": "RegionTwo", "project_name": "web", "tag": "a=b", "keep": 1}
    answer = at_work.one.send("POST", "/v1/demo/replications", json_body=body)
    assert answer.status == 201, answer.text
    path = f"/v1/demo/replications/{answer.json['id']}"

    def states() -> list[str]:
        images = at_work.one.call("GET", path).json["images"]
        return [each["state"] for each in images]

    kept = ""
    for wanted in (["done"], ["removed", "done"]):
        image = at_work.one.create(name="golden", tags=["a=b"])["id"]
        at_work.one.upload(image, secrets.token_bytes(1000))
        _until(states, wanted)
        kept = at_work.one.call("GET", path).json["images"][-1]["copy_id"]
        view = at_work.two.call("GET", f"/v2/images/{kept}").json
        assert (view["__data_origin"], view["tags"]) == (f"image,RegionOne,{image}", ["a=b"])
    listed = at_work.two.call("GET", "/v2/images?owner=web").json["images"]
    assert [each["id"] for each in listed] == [kept]
    paused = at_work.one.call("PUT", path, json_body={"status": "paused"}).json
    assert paused["status"] == "paused"
    assert at_work.one.send("DELETE", path).status == 204
    _until(lambda: set(at_work.keystone.trusts) - before, set())
    assert_refused(at_work.one.send("GET", path), 404, "IMG.0121")


def test_nobody_but_a_worker_asks_for_the_copies_of_a_replication(at_work: Cloud) -> None:
    body = {"image_id": NOBODY, "attempt": 1}
    path = f"/v1/demo/replications/{'a' * 32}/images"
    assert_refused(at_work.one.send("POST", path, json_body=body), 403, "IMG.0026")
    body = {"image_id": NOBODY, "name": "n", "source": {"job_id": "a" * 32, "size": 1}}
    path = f"/v1/web/receptions/{'a' * 32}/images"
    assert_refused(at_work.two.send("POST", path, json_body=body), 403, "IMG.0026")
