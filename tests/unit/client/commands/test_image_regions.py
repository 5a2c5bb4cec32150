# SPDX-License-Identifier: Apache-2.0
"""``openstack ims image verify``, and ``ims image show --all-regions``."""

import json
import sys
from types import SimpleNamespace
from typing import Any

import pytest
from openstack import exceptions as sdk_exceptions
from osc_lib import exceptions

from ims_glance.client import plugin
from ims_glance.client.commands.image import ShowImage
from ims_glance.client.commands.image_create import CopyImage
from ims_glance.client.commands.image_regions import VerifyImage
from tests.unit.client.cloud import IMAGE, IMAGE_ID, OTHER, SECOND_ID, Answer, image
from tests.unit.client.two_regions import COPY_ID, TWO, TwoRegions, origin_of

KNOWN = {"size": 5, "checksum": "c", "os_hash_algo": "sha512", "os_hash_value": "h"}


@pytest.fixture
def cloud():
    return TwoRegions()


@pytest.fixture
def verify(cloud, capsys):
    """Its exit status, its rows, and what it says below."""

    def verify(*arguments):
        manager = SimpleNamespace(sdk_connection=cloud.connection())
        manager.ims = plugin.make_client(manager)
        app: Any = SimpleNamespace(client_manager=manager, stdout=sys.stdout, options=None)
        command = VerifyImage(app, None)
        given = ("mine", "--region", "TWO", "-f", "json", *arguments)
        status = command.run(command.get_parser("ims").parse_args(given))
        written = capsys.readouterr()
        return status, json.loads(written.out), written.err

    return verify


def original(image_id=IMAGE_ID, **more):
    return image(image_id, **{**KNOWN, **more})


def copy(image_id=COPY_ID, source=IMAGE_ID, **more):
    return original(image_id, **{"name": "copy", "__data_origin": origin_of(source), **more})


def disk(image_id, **more):
    return original(image_id, os_hidden=True, **more)


def whole(*disks, **more):
    mapping = json.dumps([{"image_id": disk} for disk in disks])
    return {"__whole_image": "true", "block_device_mapping": mapping, "size": 0, **more}


def test_a_copy_that_is_the_same(cloud, verify):
    cloud.has(IMAGE, original())
    cloud.has(TWO, copy())
    status, (row,), said = verify()
    assert (status, said) == (0, "")
    assert row == {
        "Image There": COPY_ID,
        "Relation": "copy",
        "Disk": 0,
        "Result": "same",
        "Compared By": "sha512",
        "Size": 5,
        "Size There": 5,
    }


@pytest.mark.parametrize(
    ("changed", "result"),
    [({"os_hash_value": "other"}, "different"), ({"status": "saving"}, "not there yet")],
)
def test_one_copy_of_two_that_is_not_the_same(cloud, verify, changed, result):
    cloud.has(IMAGE, original())
    cloud.has(TWO, copy(), copy(SECOND_ID, **changed))
    status, rows, said = verify()
    assert status == 1
    assert [row["Result"] for row in rows] == ["same", result]
    assert "1 of 2 are not known to be the same" in said


def test_without_a_digest_in_common_it_says_how_to_find_out(cloud, verify):
    cloud.has(IMAGE, original(checksum=None))
    cloud.has(TWO, copy(os_hash_value=None, owner=OTHER))
    status, (row,), said = verify("--project", "web")
    assert (status, row["Result"], row["Compared By"]) == (1, "unknown", "")
    assert "(sha512)" in said
    assert "(md5)" in said
    assert f"openstack --os-region-name R image save {IMAGE_ID} | sha256sum" in said
    there = f"--os-region-name TWO --os-project-id {OTHER} image save {COPY_ID}"
    assert there in said


def test_every_disk_of_a_whole_machine_by_its_place(cloud, verify):
    cloud.has(IMAGE, original(**whole("d0", "d1")), disk("d0"), disk("d1", size=9))
    other = disk("e1", size=9, os_hash_value="other")
    cloud.has(TWO, copy(**whole("e0", "e1", "gone")), disk("e0"), other)
    status, rows, _said = verify("--long")
    assert status == 1
    assert [(row["Disk"], row["Result"], row["Size"]) for row in rows] == [
        (0, "same", 5),
        (1, "different", 9),
        (2, "missing here", None),
    ]
    assert (rows[0]["Data Here"], rows[0]["Data There"]) == ("d0", "e0")
    assert (rows[1]["Digest Here"], rows[1]["Digest There"]) == ("h", "other")


def test_a_copy_is_compared_with_its_source(cloud, verify):
    cloud.has(IMAGE, original(__data_origin=origin_of(SECOND_ID, "TWO")))
    cloud.has(TWO, original(SECOND_ID))
    status, (row,), _said = verify()
    assert (status, row["Image There"], row["Relation"]) == (0, SECOND_ID, "source")


def test_a_copy_in_another_project_of_the_caller(cloud, verify):
    cloud.has(IMAGE, original())
    public = copy(SECOND_ID, visibility="public")
    cloud.has(TWO, copy(owner=OTHER), public)
    status, (row,), _said = verify("--project", OTHER)
    assert (status, row["Image There"]) == (0, COPY_ID)


def test_without_a_copy_there_is_nothing_that_is_the_same(cloud, verify):
    cloud.has(IMAGE, original())
    cloud.has(TWO, copy(source=SECOND_ID))
    with pytest.raises(exceptions.CommandError, match=r"no copy of image 1111.*--all-regions"):
        verify()


def test_a_region_that_is_away_or_not_there(cloud, verify):
    cloud.has(IMAGE, original())
    cloud.on("GET", f"{TWO}/.*", lambda _request: Answer(502, "Away"))
    with pytest.raises(exceptions.CommandError, match="TWO: Away"):
        verify()
    with pytest.raises(sdk_exceptions.ConfigException, match="Mars"):
        verify("--region", "Mars")


def test_show_with_all_regions(cloud, run, capsys):
    cloud.has(IMAGE, original(os_type="Linux"))
    cloud.has(TWO, copy())
    shown = json.loads(run(ShowImage, "mine", "--all-regions", "-f", "json"))
    assert shown["id"] == IMAGE_ID
    assert [each["image_id"] for each in shown["copies"]] == [COPY_ID]
    cloud.on("GET", f"{TWO}/.*", lambda _request: Answer(502, "Away"))
    shown = json.loads(run(ShowImage, "mine", "--all-regions", "-f", "json"))
    assert shown["regions_away"][0]["region"] == "TWO"
    assert "Region TWO is away" in capsys.readouterr().err


def test_show_asks_other_regions_only_when_wanted(cloud, run):
    cloud.has(IMAGE, original())
    assert "copies" not in json.loads(run(ShowImage, "mine", "-f", "json"))
    with pytest.raises(exceptions.CommandError, match="--all-regions"):
        run(ShowImage, "mine", "--project", "web")


def test_a_copy_names_what_is_there_by_its_name(cloud, run):
    cloud.has(IMAGE, original())
    cloud.has(TWO, copy())
    path = f"/v1/cloudimages/{IMAGE_ID}/cross_region_copy"
    cloud.ims("POST", path, {"job_id": "1" * 32})
    run(CopyImage, "mine", "--region", "TWO", "--base", "copy", "-f", "json")
    [asked] = [each for each in cloud.sent("POST") if each.path.endswith("cross_region_copy")]
    assert asked.body["base_image_id"] == COPY_ID
    run(CopyImage, "mine", "--region", "TWO", "--base", IMAGE_ID, "--base", "copy", "-f", "json")
    *_others, asked = [each for each in cloud.sent("POST") if each.path.endswith(path)]
    assert (asked.body["base_image_id"], asked.body["base_image_ids"]) == (IMAGE_ID, [COPY_ID])
    with pytest.raises(sdk_exceptions.NotFoundException, match="'nothing'"):
        run(CopyImage, "mine", "--region", "TWO", "--base", "nothing", "-f", "json")
