# SPDX-License-Identifier: Apache-2.0
"""Images and jobs as columns."""

import json

import pytest

from ims_glance.client.resources.image import Image
from ims_glance.client.resources.job import Job
from ims_glance.client.shell import views
from tests.unit.client.cloud import JOB_ID, image, job


def read(**more):
    body = image(**more)
    body.pop("self")
    return Image.existing(**body)


@pytest.mark.parametrize("is_long", [False, True])
def test_rows_fit_their_columns(is_long):
    columns = views.LIST + (views.LONG if is_long else ())
    assert len(views.image_row(read(), is_long)) == len(columns)
    columns = views.JOB_LIST + (views.JOB_LONG if is_long else ())
    assert len(views.job_row(Job.existing(**job()), is_long)) == len(columns)


def test_the_columns_of_the_list_screen():
    row = dict(zip(views.LIST, views.image_row(read(__system__cmkid="k"), False), strict=True))
    assert row["OS"] == "Ubuntu 22.04 server 64bit"
    assert (row["Kind"], row["Disk (GB)"]) == ("system", 40)
    assert row["Encrypted"].human_readable() == "yes"


def test_one_image():
    shown = dict(zip(*views.image(read(), {}), strict=True))
    assert shown["size"].human_readable() == "1.0 MiB"
    assert shown["properties"].human_readable() == "colour='red'"


def test_one_job():
    shown = dict(zip(*views.job(Job.existing(**job())), strict=True))
    assert (shown["job_id"], shown["percent"], shown["image_name"]) == (JOB_ID, 100.0, "copy")
    assert "paused_because" not in shown


def test_a_job_that_paused_a_server():
    refused = Job.existing(**job(entities={"quiesce_refused": "no agent"}))
    assert dict(zip(*views.job(refused), strict=True))["paused_because"] == "no agent"


def test_a_job_of_which_only_the_id_is_known():
    shown = dict(zip(*views.job(Job.existing(job_id=JOB_ID)), strict=True))
    assert (shown["job_id"], shown["status"], shown["percent"]) == (JOB_ID, None, None)


def test_a_whole_machine():
    mapping = [
        {"image_id": "i0", "volume_size": 1, "boot_index": 0, "delete_on_termination": True},
        {"image_id": "i1", "volume_size": 2, "boot_index": -1, "volume_type": "fast"},
    ]
    more = {"__whole_image": "true", "block_device_mapping": json.dumps(mapping)}
    disks = {"i1": read(id="i1", __system__cmkid="k")}
    shown = dict(zip(*views.image(read(**more, __capture="paused"), disks), strict=True))
    first, second = shown["disks"].human_readable().splitlines()
    assert "boot=0" in first
    assert "type=fast" in second
    assert "encrypted" not in first
    assert "status=gone" in first
    assert "encrypted=True" in second
    assert "status=active" in second
    assert "boot" not in second
    assert shown["captured"] == "paused"
    assert "bdm_v2" not in shown["properties"].human_readable()


def test_an_image_whose_disks_lie_elsewhere():
    mapping = [
        {"snapshot_id": "s", "volume_id": None, "volume_size": 1, "boot_index": 0},
        {"volume_id": "v", "boot_index": -1},
    ]
    more = {"bdm_v2": "True", "block_device_mapping": json.dumps(mapping), "colour": "red"}
    shown = dict(zip(*views.image(read(**more), {}), strict=True))
    first, second = shown["disks"].human_readable().splitlines()
    assert first == "boot=0, size_gb=1, snapshot_id=s"
    assert second == "volume_id=v"
    assert shown["properties"].human_readable() == "colour='red'"


def test_disks_that_nobody_can_read():
    shown = dict(zip(*views.image(read(block_device_mapping="{"), {}), strict=True))
    assert "disks" not in shown
    assert "block_device_mapping='{'" in shown["properties"].human_readable()


@pytest.mark.parametrize("mapping", ["", "{", "[]", "{}", "5"])
def test_a_whole_machine_that_somebody_broke(mapping):
    more = {"__whole_image": "true", "block_device_mapping": mapping}
    shown = dict(zip(*views.image(read(**more), {}), strict=True))
    assert shown["disks"].human_readable() == ""
