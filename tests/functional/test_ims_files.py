# SPDX-License-Identifier: Apache-2.0
"""Images of files in buckets, from the request to the image: a real Glance, a worker, and a small bucket."""

import datetime
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy

from ims_glance.db.database import Database
from ims_glance.db.report import GuestReports
from ims_glance.db.schema import GUEST_REPORTS
from ims_glance.model.image import whole_image
from tests.base import pattern, wait_for
from tests.functional.client import Answer, Client
from tests.functional.commands import Commands
from tests.functional.conftest import MakeGlance
from tests.functional.identity import CATALOG, OTHER, READER, Caller
from tests.functional.service import GlanceService
from tests.functional.test_ims_images import assert_refused
from tests.unit import job_database
from tests.unit.clouds.keystone_server import KeystoneServer
from tests.unit.clouds.objects_server import ObjectServer
from tests.unit.formats import archives

CREATE = "/v2/cloudimages/action"
CREATE_DATA = "/v1/cloudimages/dataimages/action"
QUICK = "/v2/cloudimages/quickimport/action"
MIB = 1 << 20
DISK = pattern(0, 3 * MIB + 512) + bytes(2 * MIB) + pattern(1, MIB)
DATA = pattern(3, MIB + 512)
ISO = bytes(32769) + b"CD001" + pattern(2, MIB)
SYSTEM = "CentOS 7.3 64bit"
FILE = {"name": "of file", "image_url": "bucket:disk.raw", "min_disk": 1}


@pytest.fixture(scope="module")
def store() -> Iterator[ObjectServer]:
    """The bucket."""
    made = ObjectServer()
    made.objects = {"disk.raw": DISK, "cd.iso": ISO, "folder/ü100%": DISK, "bomb.raw": b"QFI\xfb"}
    made.objects["data.raw"] = DATA
    made.objects["web.ova"] = archives.ova({"system.raw": DISK, "data.raw": DATA})
    yield made
    made.close()


@pytest.fixture(scope="module")
def service(
    make_glance: MakeGlance, commands: Commands, store: ObjectServer
) -> Iterator[GlanceService]:
    """A Glance with a worker, and a Keystone that knows where the bucket is."""
    keystone = KeystoneServer()
    keystone.exchanges = {"demo": ["member", "reader"]}
    keystone.exchanged = lambda _token, project_id: Caller(project_id).token
    keystone.regions = ("RegionOne",)
    options = {
        "ims_database": {"connection": "sqlite:///{root}/jobs.sqlite"},
        "ims_service": {**keystone.login, "auth_type": "password", "region_name": "RegionOne"},
        "ims_files": {"least_system_disk_gib": 1, "least_data_disk_gib": 1, "file_gib": 1},
        # No machine is started for what is no system.
        "ims_guests": {"recognise": False},
        "ims_jobs": {"scan_seconds": 0.2, "delegation_idle_seconds": 0},
        # Nobody wakes up the worker: it looks by itself.
        "DEFAULT": {"transport_url": "fake://"},
    }
    made = make_glance(options)
    assert commands.run(made, "db", "sync").returncode == 0
    keystone.images = {"RegionOne": f"http://{made.client().address}"}
    keystone.objects = {"RegionOne": store.url}
    places = {"image": keystone.images, "object-store": keystone.objects}
    catalog = [
        {"type": kind, "name": kind, "endpoints": [{"region": "RegionOne", "publicURL": url}]}
        for kind, urls in places.items()
        for url in urls.values()
    ]
    (made.directories.root / CATALOG).write_text(json.dumps(catalog))
    command = [str(Path(sys.executable).parent / "ims-worker"), "--config-file"]
    command.append(str(made.directories.etc / "glance-api.conf"))
    with (made.directories.root / "worker.log").open("wb") as log:
        folder = made.directories.root
        worker = subprocess.Popen(command, env=made.environment, cwd=folder, stdout=log, stderr=log)
    yield made
    worker.terminate()
    worker.wait(240)
    keystone.close()


@pytest.fixture(scope="module")
def ims(service: GlanceService) -> Client:
    """The IMS API, as ``demo``."""
    return service.client()


def ask(ims: Client, path: str = CREATE, **body: Any) -> Answer:
    return ims.send("POST", path, json_body={**FILE, **body})


def ended(ims: Client, answer: Answer) -> Any:
    """The job that a request became, once it has ended."""
    assert answer.status == 200, answer.text
    end = time.monotonic() + 240
    while True:
        job = ims.call("GET", f"/v1/demo/jobs/{answer.json['job_id']}").json
        if job["status"] in ("SUCCESS", "FAIL"):
            return job
        assert time.monotonic() < end, job
        time.sleep(0.05)


def made(ims: Client, answer: Answer) -> Any:
    """The image that a request became."""
    job = ended(ims, answer)
    assert job["status"] == "SUCCESS", job
    return ims.call("GET", f"/v2/images/{job['entities']['image_id']}").json


def test_a_system_disk(ims: Client) -> None:
    image = made(ims, ask(ims, os_version=SYSTEM, image_tags=[{"key": "a", "value": "b"}]))
    assert ims.download(image["id"]) == DISK
    assert (image["status"], image["disk_format"], image["min_disk"]) == ("active", "raw", 1)
    assert (image["__os_version"], image["__platform"]) == (SYSTEM, "CentOS")
    assert image["__data_origin"] == "file,bucket:disk.raw"
    assert (image["tags"], image["__image_size"]) == (["a=b"], str(len(DISK)))


def test_an_encrypted_data_disk(ims: Client, service: GlanceService) -> None:
    key = service.vault.make("demo")
    image = made(ims, ask(ims, CREATE_DATA, cmk_id=key, image_url="bucket:folder/ü100%"))
    assert ims.download(image["id"]) == DISK
    assert (image["__system__cmkid"], image["virtual_env_type"]) == (key, "DataImage")
    assert pattern(1, MIB)[:4096] not in b"".join(
        each.read_bytes() for each in service.directories.kms.rglob("*") if each.is_file()
    )


def test_an_iso(ims: Client) -> None:
    wanted = {"image_url": "bucket:cd.iso", "type": "IsoImage", "os_version": SYSTEM}
    image = made(ims, ask(ims, **wanted))
    assert ims.download(image["id"]) == ISO
    assert (image["disk_format"], image["virtual_env_type"]) == ("iso", "IsoImage")


def test_a_machine_of_two_disks(ims: Client, service: GlanceService) -> None:
    key = service.vault.make("demo")
    image = made(ims, ask(ims, image_url="bucket:web.ova", cmk_id=key, os_version=SYSTEM))
    assert (image["size"], image["__whole_image"], image["__system__cmkid"]) == (0, "true", key)
    parts = whole_image.components(image)
    views = [ims.call("GET", f"/v2/images/{part.image_id}").json for part in parts]
    assert [ims.download(view["id"]) for view in views] == [DISK, DATA]
    assert {(each["os_hidden"], each["protected"], each["__system__cmkid"]) for each in views} == {
        (True, True, key)
    }
    # Nobody takes its disks away from it, and with it they go.
    assert ims.send("DELETE", f"/v2/images/{parts[1].image_id}").status == 409
    ims.call("DELETE", f"/v2/images/{image['id']}")
    assert {ims.send("GET", f"/v2/images/{each['id']}").status for each in views} == {404}


def test_data_disks_beside_a_system_disk(ims: Client) -> None:
    data = {"name": "data", "image_url": "bucket:data.raw", "min_disk": 2, "tags": ["c.d"]}
    answer = ask(ims, os_version=SYSTEM, data_images=[data])
    job = ended(ims, answer)
    assert job["status"] == "SUCCESS", job
    shown = [each["entities"] for each in job["entities"]["sub_jobs_result"]]
    views = [ims.call("GET", f"/v2/images/{each['image_id']}").json for each in shown]
    assert views[0]["id"] == job["entities"]["image_id"]
    assert [ims.download(view["id"]) for view in views] == [DISK, DATA]
    assert [each["name"] for each in views] == ["of file", "data"]
    assert (views[1]["min_disk"], views[1]["tags"], views[1]["os_hidden"]) == (2, ["c=d"], False)
    assert (views[1]["virtual_env_type"], views[1]["__platform"]) == ("DataImage", "CentOS")
    assert_refused(
        ask(ims, data_images=[{**data, "image_url": "bucket:disk.raw"}]), 400, "IMG.0123"
    )


def test_an_image_that_has_metadata_gets_its_data(ims: Client, service: GlanceService) -> None:
    """Under its own key, and of one job at a time."""
    key = service.vault.make("demo")
    body = {
        "name": "mine",
        "container_format": "bare",
        "disk_format": "vhd",
        "visibility": "private",
    }
    more = {"__os_version": SYSTEM, "__system__cmkid": key, "tags": ["a"]}
    queued = ims.call("POST", "/v2/images", json_body={**body, **more}).json
    path, wanted = f"/v1/cloudimages/{queued['id']}/upload", {"image_url": "bucket:disk.raw"}
    assert_refused(ims.as_(READER).send("PUT", path, json_body=wanted), 403, "IMG.0026")
    assert_refused(ims.send("PUT", path, json_body={"image_url": "bucket:absent"}), 404, "IMG.0057")
    image = made(ims, ims.send("PUT", path, json_body=wanted))
    assert (image["id"], image["name"], image["tags"]) == (queued["id"], "mine", ["a"])
    assert ims.download(image["id"]) == DISK
    assert (image["disk_format"], image["__platform"], image["min_disk"]) == ("raw", "CentOS", 1)
    assert (image["__data_origin"], image["__system__cmkid"]) == ("file,bucket:disk.raw", key)
    assert_refused(ims.send("PUT", path, json_body=wanted), 400, "IMG.0046")


def test_an_image_that_gets_no_data_is_what_it_was(ims: Client) -> None:
    body = {"name": "mine", "container_format": "bare", "disk_format": "vhd"}
    queued = ims.call("POST", "/v2/images", json_body=body).json
    path = f"/v1/cloudimages/{queued['id']}/upload"
    job = ended(ims, ims.send("PUT", path, json_body={"image_url": "bucket:bomb.raw"}))
    assert (job["status"], job["error_code"]) == ("FAIL", "IMG.0057")
    now = ims.call("GET", f"/v2/images/{queued['id']}").json
    assert {**now, "updated_at": ""} == {**queued, "updated_at": ""}
    ims.call("DELETE", f"/v2/images/{queued['id']}")


def test_quickly(ims: Client) -> None:
    assert made(ims, ask(ims, QUICK, type="DataImage"))["virtual_env_type"] == "DataImage"


def test_a_file_that_is_no_disk_leaves_nothing(ims: Client) -> None:
    before = ims.call("GET", "/v2/images").json
    job = ended(ims, ask(ims, image_url="bucket:bomb.raw"))
    assert (job["status"], job["error_code"]) == ("FAIL", "IMG.0057")
    assert ims.call("GET", "/v2/images").json == before


@pytest.mark.parametrize(
    ("path", "body", "status", "code"),
    [
        (CREATE, {"image_url": "bucket:absent"}, 404, "IMG.0057"),
        (CREATE, {"image_url": "no-bucket:disk.raw"}, 404, "IMG.0057"),
        (CREATE, {"image_url": "bucket:../bucket/disk.raw"}, 400, "IMG.0075"),
        (CREATE, {"image_url": "bucket:a b"}, 400, "IMG.0175"),
        (CREATE, {"min_disk": None}, 400, "IMG.0055"),
        (CREATE, {"is_config": True, "type": "IsoImage", "os_version": "x"}, 400, "IMG.0105"),
        (CREATE, {"type": "IsoImage"}, 400, "IMG.0166"),
        (CREATE, {"access_key": "a" * 32}, 400, "IMG.0105"),
        (CREATE_DATA, {"min_disk": 2049}, 400, "IMG.0055"),
        (QUICK, {}, 400, "IMG.0056"),
    ],
)
def test_refusals(ims: Client, path: str, body: Any, status: int, code: str) -> None:
    assert_refused(ask(ims, path, **body), status, code)


def test_a_reader_makes_nothing(ims: Client) -> None:
    assert_refused(ask(ims.as_(READER)), 403, "IMG.0026")


@pytest.mark.parametrize("is_encrypted", [False, True])
def test_out_and_back(
    ims: Client, service: GlanceService, store: ObjectServer, is_encrypted: bool
) -> None:
    """What is exported makes the same image again."""
    key = service.vault.make("demo") if is_encrypted else None
    image = made(ims, ask(ims, cmk_id=key))
    wanted = {"bucket_url": f"bucket:out-{is_encrypted}", "file_format": "qcow2"}
    path = f"/v1/cloudimages/{image['id']}/file"
    job = ended(ims, ims.send("POST", path, json_body=wanted))
    assert job["status"] == "SUCCESS", job
    assert job["entities"]["file_bytes"] == len(store.objects[f"out-{is_encrypted}"])
    assert_refused(ims.send("POST", path, json_body=wanted), 400, "IMG.0070")
    again = made(ims, ask(ims, image_url=wanted["bucket_url"]))
    assert ims.download(again["id"]) == DISK


def test_a_whole_machine_out_and_back(ims: Client, service: GlanceService) -> None:
    """Under its keys, and not under them: in one file, or as an object a disk."""
    key = service.vault.make("demo")
    more: dict[str, Any] = {"min_ram": 512, "hw_firmware_type": "uefi", "os_version": SYSTEM}
    image = made(ims, ask(ims, image_url="bucket:web.ova", cmk_id=key, **more))
    path = f"/v1/cloudimages/{image['id']}/file"
    before = whole_image.components(image)
    for wanted in (
        {"bucket_url": "bucket:machine.ova"},
        {"bucket_url": "bucket:machine.json", "file_format": "qcow2"},
    ):
        job = ended(ims, ims.send("POST", path, json_body=wanted))
        assert job["status"] == "SUCCESS", job
        again = made(ims, ask(ims, image_url=wanted["bucket_url"]))
        assert (again["__whole_image"], again.get("__system__cmkid")) == ("true", None)
        assert {name: again[name] for name in ("min_ram", "hw_firmware_type", "__os_version")} == {
            "min_ram": 512,
            "hw_firmware_type": "uefi",
            "__os_version": SYSTEM,
        }
        parts = whole_image.components(again)
        assert [each.disk for each in parts] == [each.disk for each in before]
        assert [ims.download(each.image_id) for each in parts] == [DISK, DATA]


def test_the_report_of_an_image(ims: Client, service: GlanceService) -> None:
    """Its owner's alone, and gone with the image, whichever API that is deleted by."""
    image_id = made(ims, ask(ims))["id"]
    path = f"/v1/cloudimages/{image_id}/report"
    assert_refused(ims.send("GET", path), 404, "IMG.0121")
    database = Database(job_database.configuration(job_database.sqlite(service.directories.root)))
    content = {"guest": None, "steps": [], "notes": ["It was looked at."], "accelerated": False}
    row = {"project_id": "demo", "made_at": datetime.datetime(2026, 11, 29), "content": content}
    insert = sqlalchemy.insert(GUEST_REPORTS).values(image_id=image_id, **row)
    database.write(lambda connection: connection.execute(insert))
    shown = ims.as_(READER).call("GET", path).json
    assert (shown["report"], shown["made_at"]) == (content, "2026-11-29T00:00:00.000Z")
    assert_refused(ims.as_(OTHER).send("GET", path), 404, "IMG.0027")
    ims.call("POST", f"/v2/images/{image_id}/members", json_body={"member": "other"})
    assert_refused(ims.as_(OTHER).send("GET", path), 403, "IMG.0047")
    ims.call("DELETE", f"/v2/images/{image_id}")
    # Whoever deletes an image waits for no database of ours: its report goes by and by.
    wait_for(lambda: GuestReports(database).get(image_id) is None)
