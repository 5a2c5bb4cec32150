# SPDX-License-Identifier: Apache-2.0
"""``openstack ims image create|copy``."""

import pytest
from osc_lib import exceptions

from ims_glance.client.commands.image_create import CopyImage, CreateImage
from tests.unit.client.cloud import IMAGE_ID, JOB_ID, PROJECT, VOLUME, image, job

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
        *("--tag", "env=test", "--min-ram", "1024", "--description", "d"),
    )
    assert ready.only("POST").body == {
        "name": "mine",
        "volume_id": "v1",
        "os_version": "CentOS 7.3 64bit",
        "type": "BMS",
        "min_ram": 1024,
        "description": "d",
        "image_tags": [{"key": "env", "value": "test"}],
    }


@pytest.mark.parametrize("arguments", [["mine"], ["mine", "--volume", "disk"]])
def test_what_create_needs(ready, run, arguments, capsys):
    with pytest.raises(SystemExit):
        run(CreateImage, *arguments)
    assert "required" in capsys.readouterr().err


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


def test_the_name_of_a_copy_is_not_too_long(ready, run):
    ready.images(image(name="n" * 128))
    run(CopyImage, "n" * 128)
    assert ready.only("POST").body["name"] == "copy_" + "n" * 123


def test_no_copy_is_decrypted_by_accident(ready, run):
    ready.images(image(__system__cmkid=KEY))
    with pytest.raises(exceptions.CommandError, match=f"encrypted.*{KEY}.*--decrypt"):
        run(CopyImage, "mine")
    assert ready.sent("POST") == []
