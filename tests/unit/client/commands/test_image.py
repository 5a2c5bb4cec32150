# SPDX-License-Identifier: Apache-2.0
"""``openstack ims image list|show|save-list``."""

import json
import stat

import pytest
from osc_lib import exceptions

from ims_glance.client.commands.image import ListImages, SaveImageList, ShowImage
from tests.unit.client.cloud import IMAGE, IMAGE_ID, SECOND_ID, Answer, image


@pytest.fixture
def two(cloud):
    cloud.images(image(), image(SECOND_ID, "secret", __system__cmkid="k"))
    return cloud


@pytest.fixture
def csv(cloud):
    cloud.on(
        "GET",
        f"{IMAGE}/v2/cloudimages",
        lambda _request: Answer(200, "name,id\r\nä,1\r\n", {"Content-Type": "text/csv"}),
    )
    return cloud


def test_list_in_json(two, run):
    first, second = json.loads(run(ListImages, "-f", "json"))
    assert (first["ID"], first["Disk (GB)"], first["Encrypted"]) == (IMAGE_ID, 40, False)
    assert (second["Name"], second["Encrypted"]) == ("secret", True)
    assert "Owner" not in first


def test_list_in_csv_and_long(two, run):
    header, *rows = run(ListImages, "--long", "-f", "csv", "-c", "Name", "-c", "Size").splitlines()
    assert header == '"Name","Size"'
    assert rows == ['"mine","1048576"', '"secret","1048576"']


def test_list_as_a_table(two, run):
    text = run(ListImages)
    assert "Ubuntu 22.04 server 64bit" in text
    assert "| yes " in text


def test_list_sends_filters(two, run):
    run(ListImages, "--os-type", "Linux", "--limit", "1")
    assert two.requests[0].query == {"__os_type": "Linux", "limit": "1"}


def test_show(two, run):
    shown = json.loads(run(ShowImage, "secret", "-f", "json"))
    assert (shown["id"], shown["key"], shown["encrypted"]) == (SECOND_ID, "k", True)
    assert shown["tags"] == ["env=test"]
    assert shown["properties"] == {"colour": "red"}


def test_save_to_a_file(csv, run, tmp_path):
    target = tmp_path / "images.csv"
    target.write_text("old")
    assert run(SaveImageList, "--file", str(target), "--type", "private") == ""
    assert target.read_text("utf-8") == "name,id\nä,1\n"
    assert stat.S_IMODE(target.stat().st_mode) & 0o600 == 0o600
    assert csv.only("GET").query == {"__imagetype": "private"}


def test_save_to_standard_output(csv, run):
    assert run(SaveImageList) == "name,id\r\nä,1\r\n"


def test_what_is_cut_off_is_not_saved(csv, run, tmp_path, monkeypatch):
    target = tmp_path / "images.csv"
    target.write_text("old")

    def pieces(*_args, **_query):
        yield b"name"
        raise ConnectionError("cut off")

    monkeypatch.setattr("ims_glance.client.proxy.Proxy.images_csv", pieces)
    with pytest.raises(exceptions.CommandError, match="cut off"):
        run(SaveImageList, "--file", str(target))
    assert [path.read_text() for path in tmp_path.iterdir()] == ["old"]


def test_a_folder_that_is_not_there(csv, run, tmp_path):
    with pytest.raises(exceptions.CommandError, match="No such file"):
        run(SaveImageList, "--file", str(tmp_path / "none" / "images.csv"))


def test_show_the_report(two, run):
    kept = {"image_id": IMAGE_ID, "made_at": "2026-11-29T09:00:00.000Z", "report": {}}
    two.ims("GET", f"/v1/cloudimages/{IMAGE_ID}/report", kept)
    shown = json.loads(run(ShowImage, "mine", "--report", "-f", "json"))
    assert (shown["image_id"], shown["made_at"]) == (IMAGE_ID, "2026-11-29T09:00:00.000Z")
    assert (shown["system"], shown["steps"]) == (None, [])
    with pytest.raises(exceptions.CommandError, match="do not go together"):
        run(ShowImage, "mine", "--report", "--all-regions")


def test_show_what_may_be_done(two, run):
    refused = {"name": "copy", "allowed": False, "error_code": "IMG.0046", "reason": "Not yet."}
    listed = {"image_id": IMAGE_ID, "actions": [{"name": "share", "allowed": True}, refused]}
    two.ims("GET", f"/v1/cloudimages/{IMAGE_ID}/actions", listed)
    shown = json.loads(run(ShowImage, "mine", "--actions", "-f", "json"))
    assert shown == {"image_id": IMAGE_ID, "share": True, "copy": "Not yet. (IMG.0046)"}
    with pytest.raises(exceptions.CommandError, match="--report and --actions do not go"):
        run(ShowImage, "mine", "--report", "--actions")
