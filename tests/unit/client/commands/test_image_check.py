# SPDX-License-Identifier: Apache-2.0
"""``openstack ims image check``."""

import json

import pytest
from osc_lib import exceptions

from ims_glance.client.commands.image_check import CheckImage
from ims_glance.client.waiting import JobFailed
from tests.unit.client.cloud import IMAGE_ID, JOB_ID, PROJECT, image, job

REPORT = {
    "guest": {
        "kind": "linux",
        "distro": "debian",
        "product_name": "Debian GNU/Linux 12 (bookworm)",
        "major": 12,
        "minor": 5,
        "arch": "x86_64",
        "firmware": "bios",
        "hostname": "web1",
        "kernels": ["6.1.0-1-amd64"],
        "has_cloud_init": False,
        "has_virtio": None,
        "notes": ["It starts from IDE."],
    },
    "steps": [
        {"name": "dhcp", "state": "would", "what": "eth0 has a fixed address", "advice": ""},
        {"name": "cloud-init", "state": "left", "what": "is missing", "advice": "Install it."},
    ],
    "notes": ["It took a while."],
    "accelerated": False,
}
CHECK = "/v1/cloudimages/check/action"


@pytest.fixture
def ready(cloud):
    cloud.ims("POST", CHECK, {"job_id": JOB_ID})
    cloud.ims("GET", f"/v1/{PROJECT}/jobs/{JOB_ID}", job("SUCCESS", entities={"report": REPORT}))
    cloud.images(image())
    return cloud


def test_an_image(ready, run):
    shown = json.loads(run(CheckImage, "mine", "-f", "json"))
    assert ready.only("POST").body == {"image_id": IMAGE_ID}
    assert (shown["system"], shown["version"]) == ("Debian GNU/Linux 12 (bookworm)", "12.5")
    assert (shown["has_cloud_init"], shown["has_virtio"]) == (False, None)
    assert shown["steps"][1] == {"name": "cloud-init", "state": "left", "what": "is missing"}
    assert shown["advice"] == ["Install it."]
    assert shown["notes"] == ["It starts from IDE.", "It took a while."]


def test_a_file_as_a_table(ready, run):
    text = run(CheckImage, "--file", "bucket:a/b", "--access-key", "k")
    assert ready.only("POST").body == {"image_url": "bucket:a/b", "access_key": "k"}
    assert "| name=dhcp, state=would, what=eth0 has a fixed address " in text
    assert "| Install it. " in text


def test_a_sealed_image_in_a_file(ready, run):
    run(CheckImage, "--file", "bucket:a/b", "--unseal-key", "k")
    assert ready.only("POST").body == {"image_url": "bucket:a/b", "unseal_key": "k"}


def test_what_fails(ready, run):
    failed = job("FAIL", error_code="IMG.0105", fail_reason="There is no libguestfs.")
    ready.ims("GET", f"/v1/{PROJECT}/jobs/{JOB_ID}", failed)
    with pytest.raises(JobFailed, match="There is no libguestfs"):
        run(CheckImage, "mine")


@pytest.mark.parametrize("arguments", [[], ["mine", "--file", "bucket:a"]])
def test_one_thing(ready, run, arguments):
    with pytest.raises(SystemExit):
        run(CheckImage, *arguments)


@pytest.mark.parametrize(
    "arguments",
    [["mine", "--access-key", "k"], ["mine", "--unseal-key", "k"], ["--file", "bucket"]],
)
def test_what_has_no_meaning(ready, run, arguments):
    with pytest.raises(exceptions.CommandError):
        run(CheckImage, *arguments)
    assert ready.sent("POST") == []
