# SPDX-License-Identifier: Apache-2.0
"""``openstack ims image create|copy``."""

import json

import pytest
from openstack import exceptions as sdk_exceptions
from osc_lib import exceptions

from ims_glance.client.commands.image_create import CopyImage, CreateImage
from tests.unit.client.cloud import (
    BACKUP_ID,
    COMPUTE,
    IMAGE_ID,
    JOB_ID,
    OBJECTS,
    PROJECT,
    VOLUME,
    Answer,
    backup,
    image,
    job,
)

KEY = "6f0a2b5c-0000-4000-8000-000000000000"


@pytest.fixture
def ready(cloud):
    cloud.ims("POST", f"/v1/cloudimages/{IMAGE_ID}/copy", {"job_id": JOB_ID})
    cloud.ims("POST", "/v2/cloudimages/action", {"job_id": JOB_ID})
    cloud.ims("GET", f"/v1/{PROJECT}/jobs/{JOB_ID}", job("INIT"))
    return cloud


def test_create_from_a_volume_by_name(ready, run):
    ready.json("GET", VOLUME, {"versions": []})
    ready.json("GET", f"{VOLUME}/volumes/disk", {}, 404)
    ready.json("GET", f"{VOLUME}/volumes/detail", {"volumes": [{"id": "v1", "name": "disk"}]})
    run(
        CreateImage,
        *("mine", "--volume", "disk", "--os-version", "CentOS 7.3 64bit", "--for", "bms"),
        *("--tag", "env=test", "--min-ram", "1024", "--description", "d", "--prepare"),
    )
    assert ready.only("POST").body == {
        "name": "mine",
        "volume_id": "v1",
        "os_version": "CentOS 7.3 64bit",
        "type": "BMS",
        "min_ram": 1024,
        "description": "d",
        "is_config": True,
        "image_tags": [{"key": "env", "value": "test"}],
    }


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["--volume", "disk"],
        ["--data-volume", "data", "--volume", "disk", "--os-version", "x"],
        ["--whole"],
        ["--server", "web", "--with-backup"],
        ["--backup", "b", "--data-volume", "data"],
        ["--server", "web", "--no-pause"],
        ["--server", "web", "--whole", "--data-volume", "data"],
        ["--server", "web", "--os-version", "CentOS 7.3 64bit"],
        ["--server", "web", "--whole", "--for", "bms"],
        ["--server", "web", "--whole", "--prepare"],
        ["--backup", "b", "--prepare"],
        ["--data-volume", "data", "--prepare"],
    ],
)
def test_what_create_needs(ready, run, arguments):
    with pytest.raises(exceptions.CommandError):
        run(CreateImage, "mine", *arguments)
    assert not [each for each in ready.requests if each.method == "POST"]


FILE = ["--file", "bucket:a/disk.qcow2", "--min-disk", "40"]


@pytest.mark.parametrize(
    ("arguments", "path", "body"),
    [
        ([], "/v2/cloudimages/action", {}),
        (
            ["--key", KEY, "--os-version", "CentOS 7.3 64bit", "--for", "bms", "--tag", "a=b"],
            "/v2/cloudimages/action",
            {
                "cmk_id": KEY,
                "os_version": "CentOS 7.3 64bit",
                "type": "BMS",
                "image_tags": [{"key": "a", "value": "b"}],
            },
        ),
        (
            [
                "--os-type",
                "Other",
                "--architecture",
                "arm",
                "--firmware",
                "uefi",
                "--access-key",
                "k",
                "--unseal-key",
                "u",
            ],
            "/v2/cloudimages/action",
            {
                "os_type": "Other",
                "architecture": "arm",
                "hw_firmware_type": "uefi",
                "access_key": "k",
                "unseal_key": "u",
            },
        ),
        (
            ["--for", "iso", "--os-version", "x"],
            "/v2/cloudimages/action",
            {"type": "IsoImage", "os_version": "x"},
        ),
        (["--prepare"], "/v2/cloudimages/action", {"is_config": True}),
        (
            ["--data-file", "b:x", "100", "--data-file", "b:y", "40"],
            "/v2/cloudimages/action",
            {
                "data_images": [
                    {"name": "mine-2", "image_url": "b:x", "min_disk": 100},
                    {"name": "mine-3", "image_url": "b:y", "min_disk": 40},
                ]
            },
        ),
        (["--for", "data"], "/v1/cloudimages/dataimages/action", {}),
        (["--for", "data", "--quick"], "/v2/cloudimages/quickimport/action", {"type": "DataImage"}),
        (
            ["--os-version", "x", "--quick"],
            "/v2/cloudimages/quickimport/action",
            {"os_version": "x"},
        ),
    ],
)
def test_of_a_file(ready, run, arguments, path, body):
    ready.ims("POST", path, {"job_id": JOB_ID})
    run(CreateImage, "mine", *FILE, *arguments)
    sent = ready.only("POST")
    wanted = {"name": "mine", "image_url": "bucket:a/disk.qcow2", "min_disk": 40}
    assert (sent.path, sent.body) == (f"/image{path}", {**wanted, **body})


@pytest.mark.parametrize(
    ("arguments", "body"),
    [
        ([], {}),
        (["--quick", "--for", "ecs"], {"is_quick_import": True, "type": "ECS"}),
        (
            ["--min-disk", "50", "--unseal-key", "a", "--unseal-key", "b", "--key", KEY],
            {"min_disk": 50, "unseal_key": ["a", "b"], "cmk_id": KEY},
        ),
    ],
)
def test_of_a_manifest(ready, run, arguments, body):
    """Which says how large the disks are."""
    ready.ims("POST", "/v1/cloudimages/wholeimages/action", {"job_id": JOB_ID})
    run(CreateImage, "mine", "--file", "bucket:a/web.json", *arguments)
    wanted = {"name": "mine", "image_url": "bucket:a/web.json"}
    assert ready.only("POST").body == {**wanted, **body}


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--file", "bucket:web.json", "--for", "bms"], "leave out --for"),
        (["--file", "bucket:web.json", "--data-file", "b:x", "1"], "leave out --for"),
        (["--from-file", "web.json", "--min-disk", "1"], "Put all of them into a bucket"),
        (["--file", "bucket:x"], "needs --min-disk"),
        (["--file", "bucket", "--min-disk", "40"], "BUCKET:OBJECT"),
        (["--file", "", "--min-disk", "40"], "BUCKET:OBJECT"),
        ([*FILE, "--for", "iso"], "--os-version"),
        ([*FILE, "--data-volume", "v"], "--data-volume goes with --server"),
        (["--from-file", "x"], "needs --min-disk"),
        (["--from-file", "x", "--min-disk", "1", "--access-key", "k"], "needs no --access-key"),
        ([*FILE, "--bucket", "b"], "--bucket goes with --from-file"),
        (["--server", "web", "--min-disk", "40"], "--min-disk goes with --file"),
        (["--server", "web", "--quick"], "--quick goes with --file"),
        ([*FILE, "--prepare", "--for", "data"], "--prepare is for system disks"),
        ([*FILE, "--prepare", "--quick"], "--prepare is for system disks"),
        (["--server", "web", "--data-file", "b:x", "1"], "--data-file goes with --file"),
        ([*FILE, "--quick", "--data-file", "b:x", "1"], "goes with a system disk"),
        ([*FILE, "--for", "data", "--data-file", "b:x", "1"], "goes with a system disk"),
        ([*FILE, "--data-file", "b", "1"], "--data-file is BUCKET:OBJECT"),
        ([*FILE, "--data-file", "b:x", "x"], "a whole number above 0"),
        (["--server", "web", "--access-key", "k"], "--access-key goes with --file"),
        (["--volume", "v", "--os-version", "x", "--for", "iso"], "--for iso goes with --file"),
    ],
)
def test_what_has_no_meaning_with_a_file(ready, run, arguments, said):
    with pytest.raises(exceptions.CommandError, match=said):
        run(CreateImage, "mine", *arguments)
    assert ready.sent("POST") == []


@pytest.fixture
def local(ready, tmp_path):
    """A file on this machine; and what is in the bucket."""
    path, objects = tmp_path / "disk.vmdk", {}
    path.write_bytes(b"disk")

    def put(request):
        objects[request.path.rpartition("/")[2]] = request.body
        return Answer(201)

    def delete(request):
        objects.pop(request.path.rpartition("/")[2], None)
        return Answer(204)

    ready.json("PUT", f"{OBJECTS}/ims-uploads", None, 202)
    ready.on("PUT", f"{OBJECTS}/ims-uploads/.+", put)
    ready.on("DELETE", f"{OBJECTS}/ims-uploads/.+", delete)
    ready.images(image())
    return ["--from-file", str(path), "--min-disk", "40"], objects


def test_of_a_file_on_this_machine(ready, run, local, capsys):
    arguments, objects = local
    seen = []

    def look(_request):
        seen.append(dict(objects))
        return Answer(200, job(entities={"image_id": IMAGE_ID}))

    ready.on("GET", f".*/v1/{PROJECT}/jobs/{JOB_ID}", look)
    shown = json.loads(run(CreateImage, "mine", *arguments, "-f", "json"))
    assert shown["id"] == IMAGE_ID
    [(name, data)] = seen[0].items()
    assert data == b"disk"
    assert ready.only("POST").body["image_url"] == f"ims-uploads:{name}"
    assert objects == {}
    assert "upload disk.vmdk" in capsys.readouterr().err


@pytest.mark.parametrize("is_accepted", [True, False])
def test_a_file_on_this_machine_goes_when_no_image_is_made(ready, run, local, is_accepted):
    arguments, objects = local
    if is_accepted:
        ready.ims("GET", f"/v1/{PROJECT}/jobs/{JOB_ID}", job("FAIL"))
    else:
        ready.refuse("POST", "/v2/cloudimages/action", 400, "IMG.0057", "It is no disk.")
    with pytest.raises((sdk_exceptions.SDKException, exceptions.CommandError)):
        run(CreateImage, "mine", *arguments)
    assert objects == {}


def test_a_file_that_a_job_still_needs_stays(ready, run, local, capsys):
    arguments, objects = local

    def interrupted(_request):
        raise KeyboardInterrupt

    ready.on("GET", f".*/v1/{PROJECT}/jobs/{JOB_ID}", interrupted)
    with pytest.raises(BaseException, match=r".*"):
        run(CreateImage, "mine", *arguments)
    [name] = objects
    assert f"ims-uploads:{name}" in capsys.readouterr().err


def a_server(ready, **values):
    ready.json("GET", COMPUTE, {"versions": []})
    ready.json("GET", f"{COMPUTE}/servers/web", {}, 404)
    shown = {"id": "s1", "name": "web", "status": "ACTIVE", "image": None, **values}
    ready.json("GET", f"{COMPUTE}/servers/detail", {"servers": [shown]})
    ready.json("GET", f"{COMPUTE}/servers/s1", {"server": shown})


def test_of_a_backup(ready, run):
    ready.ims("GET", f"/v1/{PROJECT}/server-backups", {"server_backups": [backup()]})
    ready.ims("POST", "/v1/cloudimages/wholeimages/action", {"job_id": JOB_ID})
    run(CreateImage, "mine", "--backup", "nightly", "--key", KEY)
    assert ready.only("POST").body == {"name": "mine", "backup_id": BACKUP_ID, "cmk_id": KEY}


@pytest.mark.parametrize(
    ("arguments", "wishes", "said"),
    [
        ([], {}, "about a second"),
        (["--no-pause"], {"no_pause": True}, "not be of one instant"),
        (["--key", KEY], {"cmk_id": KEY}, "about a second"),
        (["--with-backup"], {"with_backup": True}, "about a second"),
    ],
)
def test_a_whole_server(ready, run, capsys, arguments, wishes, said):
    a_server(ready)
    path = "/v1/cloudimages/wholeimages/action"
    ready.ims("POST", path, {"job_id": JOB_ID})
    run(CreateImage, "mine", "--server", "web", "--whole", *arguments)
    assert ready.only("POST").body == {"name": "mine", "instance_id": "s1", **wishes}
    assert said in capsys.readouterr().err


def test_what_is_refused_pauses_no_server(ready, run, capsys):
    a_server(ready)
    path = "/v1/cloudimages/wholeimages/action"
    ready.refuse("POST", path, 409, "IMG.0126", "The server is busy.")
    with pytest.raises(sdk_exceptions.ConflictException, match="busy"):
        run(CreateImage, "mine", "--server", "web", "--whole")
    assert "paused" not in capsys.readouterr().err


def test_a_root_disk_on_its_host_takes_longer(ready, run, capsys):
    a_server(ready, image={"id": "i1"})
    ready.ims("POST", "/v1/cloudimages/wholeimages/action", {"job_id": JOB_ID})
    run(CreateImage, "mine", "--server", "web", "--whole")
    assert "root disk" in capsys.readouterr().err


def test_the_system_disk_and_a_data_disk(ready, run):
    a_server(ready)
    ready.json("GET", VOLUME, {"versions": []})
    ready.json("GET", f"{VOLUME}/volumes/data", {"volume": {"id": "v1", "name": "data"}})
    run(CreateImage, "mine", "--server", "web", "--data-volume", "data")
    assert ready.only("POST").body == {
        "name": "mine",
        "instance_id": "s1",
        "data_images": [{"name": "mine-2", "volume_id": "v1"}],
    }


@pytest.mark.parametrize(
    ("key", "arguments", "body"),
    [
        (None, [], {"name": "copy_mine"}),
        (None, ["--name", "n", "--key", KEY], {"name": "n", "cmk_id": KEY}),
        (KEY, ["--key", "ims/default"], {"name": "copy_mine", "cmk_id": "ims/default"}),
        (KEY, ["--decrypt"], {"name": "copy_mine"}),
    ],
)
def test_copy(ready, run, key, arguments, body):
    ready.images(image(__system__cmkid=key))
    run(CopyImage, "mine", *arguments)
    assert ready.only("POST").body == body


OTHER_ID = "77777777-0000-4000-8000-000000000000"
CROSS_REGION = f"/v1/cloudimages/{IMAGE_ID}/cross_region_copy"


@pytest.mark.parametrize("key", [None, KEY])
@pytest.mark.parametrize(
    ("arguments", "body"),
    [
        ([], {"project_name": PROJECT}),
        (
            ["--project", "web", "--agency", "a", "--key", KEY, "--base", IMAGE_ID, "--name", "n"],
            {
                "name": "n",
                "project_name": "web",
                "agency_name": "a",
                "cmk_id": KEY,
                "base_image_id": IMAGE_ID,
            },
        ),
        (
            ["--base", IMAGE_ID, "--base", KEY, "--base", OTHER_ID],
            {
                "project_name": PROJECT,
                "base_image_id": IMAGE_ID,
                "base_image_ids": [KEY, OTHER_ID],
            },
        ),
    ],
)
def test_copy_to_another_region(ready, run, key, arguments, body):
    ready.ims("POST", CROSS_REGION, {"job_id": JOB_ID})
    ready.images(image(__system__cmkid=key))
    text = run(CopyImage, "mine", "--region", "RegionTwo", *arguments, "-f", "json")
    assert ready.only("POST").body == {"name": "copy_mine", "region": "RegionTwo", **body}
    assert JOB_ID in text


def test_waiting_for_a_copy_in_another_region_shows_the_job(ready, run):
    """The image is not here."""
    entities = {"image_id": KEY, "region": "RegionTwo", "saved_bytes": 5, "target_job_id": "t"}
    ready.ims("POST", CROSS_REGION, {"job_id": JOB_ID})
    ready.ims("GET", f"/v1/{PROJECT}/jobs/{JOB_ID}", job(entities=entities))
    ready.images(image())
    text = run(CopyImage, "mine", "--region", "RegionTwo", "--wait", "-f", "json")
    shown = json.loads(text)
    assert (shown["image_id"], shown["region"], shown["saved"]) == (KEY, "RegionTwo", 5)
    assert shown["target_job"] == "t"


def test_dry_run(ready, run):
    preflight = {"region": "RegionTwo", "project_id": "p", "total_bytes": 1 << 30, "seconds": 7}
    preflight |= {"base_image_id": "b", "base_holds": 5, "base_holds_is": "estimated"}
    ready.ims("POST", CROSS_REGION, {"preflight": preflight})
    ready.images(image())
    text = run(CopyImage, "mine", "--region", "RegionTwo", "--dry-run", "-f", "json")
    assert ready.only("POST").body["dry_run"] is True
    shown = json.loads(text)
    assert (shown["to_send_at_most"], shown["seconds"]) == (1 << 30, 7)
    assert (shown["base"], shown["base_holds"], shown["base_holds_is"]) == ("b", 5, "estimated")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--project", "p"], "--project goes with --region"),
        (["--dry-run"], "--dry-run goes with --region"),
        (["--region", "r", "--decrypt"], "stays encrypted"),
        (["--region", "r", "--dry-run", "--wait"], "begins nothing"),
    ],
)
def test_what_has_no_meaning_together(ready, run, arguments, said):
    ready.images(image())
    with pytest.raises(exceptions.CommandError, match=said):
        run(CopyImage, "mine", *arguments)
    assert ready.sent("POST") == []


def test_the_name_of_a_copy_is_not_too_long(ready, run):
    ready.images(image(name="n" * 128))
    run(CopyImage, "n" * 128)
    assert ready.only("POST").body["name"] == "copy_" + "n" * 123


def test_no_copy_is_decrypted_by_accident(ready, run):
    ready.images(image(__system__cmkid=KEY))
    with pytest.raises(exceptions.CommandError, match=f"encrypted.*{KEY}.*--decrypt"):
        run(CopyImage, "mine")
    assert ready.sent("POST") == []
