# SPDX-License-Identifier: Apache-2.0
"""Jobs as the client reads them."""

import pytest

from ims_glance.client.resources.job import Job
from tests.unit.client.cloud import IMAGE_ID, JOB_ID, job


def read(status="RUNNING", **entities):
    return Job.existing(**job(status, entities=entities))


def test_what_it_is_about():
    shown = Job.existing(**job())
    assert (shown.id, shown.image_id, shown.image_name) == (JOB_ID, IMAGE_ID, "copy")
    assert (shown.results, shown.sub_jobs, shown.current_task) == ([], [], None)


@pytest.mark.parametrize(
    ("status", "is_finished"),
    [("INIT", False), ("RUNNING", False), ("SUCCESS", True), ("FAIL", True), (None, False)],
)
def test_finished(status, is_finished):
    assert read(status).is_finished is is_finished


@pytest.mark.parametrize(
    ("entities", "percent"),
    [
        ({}, None),
        ({"process_percent": 12.5}, 12.5),
        ({"process_percent": 0}, 0.0),
        ({"done_bytes": 50, "total_bytes": 200, "process_percent": 1}, 25.0),
        ({"done_bytes": 0, "total_bytes": 200}, 0.0),
        ({"done_bytes": 300, "total_bytes": 200}, 100.0),
        ({"done_bytes": None, "total_bytes": None}, None),
    ],
)
def test_percent(entities, percent):
    assert read(**entities).percent == percent


def test_what_succeeded_is_complete():
    assert read("SUCCESS").percent == 100.0


def test_a_job_that_says_nothing_yet():
    shown = Job.existing(job_id=JOB_ID)
    assert (shown.image_id, shown.percent, shown.done_bytes, shown.results) == (None, None, 0, [])


def test_a_copy_between_regions():
    shown = read(region="RegionTwo", target_job_id="j", saved_bytes=5, waiting_for="x")
    assert (shown.region, shown.target_job_id, shown.waiting_for) == ("RegionTwo", "j", "x")
    assert (shown.saved_bytes, shown.received_bytes, shown.remaining_seconds) == (5, None, None)
    assert read().region is read().source_region is read().waiting_for is None


def test_what_it_does_to_a_system():
    shown = read(report={"notes": []}, guest_step={"name": "virtio", "number": 3, "of": 9})
    assert (shown.report, shown.guest_step) == ({"notes": []}, "virtio (3 of 9)")
    assert (read(guest_step=None).guest_step, read().report) == (None, None)
