# SPDX-License-Identifier: Apache-2.0
"""``openstack ims image export``."""

import json

import pytest
from osc_lib import exceptions

from ims_glance.client.commands.image_export import ExportImage
from tests.unit.client.cloud import IMAGE_ID, JOB_ID, PROJECT, image, job

KEY = "6f0a2b5c-0000-4000-8000-000000000000"


@pytest.fixture
def ready(cloud):
    cloud.ims("POST", f"/v1/cloudimages/{IMAGE_ID}/file", {"job_id": JOB_ID})
    cloud.ims("GET", f"/v1/{PROJECT}/jobs/{JOB_ID}", job("INIT"))
    cloud.images(image())
    return cloud


@pytest.mark.parametrize(
    ("arguments", "body"),
    [
        (["--file-format", "vmdk"], {"file_format": "vmdk"}),
        (["--quick"], {"is_quick_export": True}),
        (["--sealed"], {"file_format": "sealed"}),
        (["--file-format", "ova"], {"file_format": "ova"}),
        (["--file-format", "raw"], {"file_format": "raw"}),
        (["--file-format", "qcow2", "--decrypt"], {"file_format": "qcow2"}),
        (
            ["--file-format", "vhd", "--access-key", "a" * 32],
            {"file_format": "vhd", "access_key": "a" * 32},
        ),
    ],
)
def test_what_is_asked_for(ready, run, arguments, body):
    shown = json.loads(run(ExportImage, "mine", "bucket:a/b", *arguments, "-f", "json"))
    assert shown["job_id"] == JOB_ID
    assert ready.only("POST").body == {"bucket_url": "bucket:a/b", **body}


def test_a_whole_machine(ready, run):
    """All of it, unless something else is said; and not in the clear by accident."""
    ready.images(image(__whole_image="true"))
    run(ExportImage, "mine", "bucket:x")
    assert ready.only("POST").body == {"bucket_url": "bucket:x", "file_format": "ova"}
    ready.images(image(__whole_image="true", __system__cmkid=KEY))
    with pytest.raises(exceptions.CommandError, match="--decrypt"):
        run(ExportImage, "mine", "bucket:x")


def test_one_disk_needs_a_format(ready, run):
    with pytest.raises(exceptions.CommandError, match="--file-format"):
        run(ExportImage, "mine", "bucket:x")
    assert ready.sent("POST") == []


def test_nothing_is_decrypted_by_accident(ready, run):
    ready.images(image(__system__cmkid=KEY))
    with pytest.raises(exceptions.CommandError, match="--decrypt"):
        run(ExportImage, "mine", "bucket:x", "--file-format", "qcow2")
    assert ready.sent("POST") == []
    run(ExportImage, "mine", "bucket:x", "--file-format", "qcow2", "--decrypt")
    assert ready.only("POST").body == {"bucket_url": "bucket:x", "file_format": "qcow2"}


def test_what_is_sealed_needs_no_such_word(ready, run):
    ready.images(image(__system__cmkid=KEY))
    run(ExportImage, "mine", "bucket:x", "--sealed")
    assert ready.only("POST").body == {"bucket_url": "bucket:x", "file_format": "sealed"}
    with pytest.raises(exceptions.CommandError, match="--sealed"):
        run(ExportImage, "mine", "bucket:x", "--sealed", "--decrypt")


@pytest.mark.parametrize(
    "arguments",
    [
        ["--file-format", "zvhd2"],
        ["--file-format", "vhd", "--quick"],
        ["--file-format", "vhd", "--sealed"],
        ["--quick", "--sealed"],
    ],
)
def test_one_format(ready, run, arguments):
    with pytest.raises(SystemExit):
        run(ExportImage, "mine", "bucket:x", *arguments)
