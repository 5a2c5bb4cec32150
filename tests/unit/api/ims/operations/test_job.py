# SPDX-License-Identifier: Apache-2.0
"""Showing, listing and cancelling jobs."""

import dataclasses
import datetime
from typing import Any

import jsonschema
import pytest

from ims_glance.api.ims.operations import job
from ims_glance.db.job import JobNotFound
from ims_glance.model import job as model
from ims_glance.model.job import JobStatus, StoredJob
from tests.unit.api.ims import calls
from tests.unit.api.ims.calls import JOB, PROJECT

ROWS = {each.name: each for each in job.OPERATIONS}


class Jobs:
    """What the handlers ask for; every job is *found*."""

    def __init__(self, *found):
        self.found = found
        self.asked = []

    def get(self, *arguments):
        self.asked.append(arguments)
        return self.found[0]

    cancel = get

    def find(self, *arguments):
        self.asked.append(arguments)
        return list(self.found)


def _job(job_id=JOB, **changes):
    began = datetime.datetime(2026, 11, 24, 1, 2, 3, 4000)
    fields: dict[str, Any] = {
        "status": JobStatus.RUNNING,
        "begin_time": began,
        "entities": {"image_name": "x"},
    }
    return StoredJob(
        id=job_id,
        type=model.COPY_IN_REGION,
        project_id=PROJECT,
        user_id="u",
        arguments={"name": "not shown"},
        **(fields | changes),
    )


def _call(*found, query=None, **arguments):
    call = calls.call(None, query=query, **arguments)
    return dataclasses.replace(call, service=dataclasses.replace(call.service, jobs=Jobs(*found)))


@pytest.mark.parametrize("handler", [job.show_job, job.show_job_progress, job.cancel_job])
def test_one(handler):
    call = _call(_job(), job_id=JOB)
    answer = handler(call)
    assert call.service.jobs.asked == [(JOB, PROJECT)]
    assert (answer.body["job_id"], answer.body["status"]) == (JOB, "RUNNING")
    assert answer.body["entities"]["image_name"] == "x"
    assert "not shown" not in str(answer.body)
    jsonschema.validate(answer.body, ROWS[handler.__name__].answer)


@pytest.mark.parametrize("handler", [job.show_job, job.show_job_progress, job.cancel_job])
@pytest.mark.parametrize("job_id", ["x", JOB.upper(), f"{JOB}0", "a\0b", "\U0001f600", "y" * 5000])
def test_no_id_of_a_job(handler, job_id):
    call = _call(_job(), job_id=job_id)
    with pytest.raises(JobNotFound) as refused:
        handler(call)
    assert refused.value.code == "IMG.0023"
    assert len(str(refused.value)) < 200
    assert not call.service.jobs.asked


@pytest.mark.parametrize(
    ("query", "asked"),
    [
        ({}, (PROJECT, None, 100, None, None)),
        ({"status": "FAIL", "limit": "7", "marker": JOB}, (PROJECT, JobStatus.FAIL, 7, JOB, None)),
        ({"job_type": model.CHECK_IMAGE}, (PROJECT, None, 100, None, model.CHECK_IMAGE)),
    ],
)
def test_what_a_list_asks_for(query, asked):
    call = _call(_job(), query=query)
    assert job.list_jobs(call).body["page_info"] == {"current_count": 1}
    assert call.service.jobs.asked == [asked]


def test_a_full_page_tells_how_to_go_on():
    ids = ["1" * 32, "2" * 32]
    body = job.list_jobs(_call(*map(_job, ids), query={"limit": "2"})).body
    assert [each["job_id"] for each in body["jobs"]] == ids
    assert body["page_info"] == {"current_count": 2, "next_marker": ids[-1]}
    jsonschema.validate(body, ROWS["list_jobs"].answer)


def test_no_jobs():
    assert job.list_jobs(_call()).body == {"jobs": [], "page_info": {"current_count": 0}}


@pytest.mark.parametrize(
    ("name", "good", "bad"),
    [
        ("status", ["INIT", "RUNNING", "SUCCESS", "FAIL"], ["", "success", "CANCELLED"]),
        ("limit", ["1", "999", "1000"], ["0", "1001", "-1", "x", "", "1.5"]),
        ("marker", [JOB], ["", "x", JOB.upper(), f"{JOB}0"]),
    ],
)
def test_parameters(name, good, bad):
    schema = jsonschema.Draft202012Validator((ROWS["list_jobs"].query or {})[name])
    assert all(map(schema.is_valid, good))
    assert not any(map(schema.is_valid, bad))


class TestSubJobs:
    def _parent(self, **changes):
        wishes = [{"disk": {"number": number}, "name": f"n{number}"} for number in (0, 2)]
        made = {model.DISK_IMAGES: {"0": "i0", "2": "i2"}}
        return dataclasses.replace(
            _job(**changes), type=model.IMAGE_OF_SERVER, arguments={"wishes": wishes}, entities=made
        )

    def test_one(self):
        call = _call(self._parent(), job_id=f"{JOB}-2", project_id=PROJECT)
        shown = job.show_job(call).body
        assert (shown["job_id"], shown["job_type"]) == (f"{JOB}-2", model.IMAGE_OF_DISK)
        assert shown["entities"] == {"image_id": "i2", "image_name": "n2"}

    def test_all_of_a_job(self):
        shown = job.show_job(_call(self._parent(), job_id=JOB, project_id=PROJECT)).body
        assert shown["entities"]["sub_jobs_list"] == [f"{JOB}-0", f"{JOB}-2"]
        assert model.DISK_IMAGES not in shown["entities"]

    def test_a_failed_job_has_no_images(self):
        parent = self._parent(status=JobStatus.FAIL)
        shown = job.show_job(_call(parent, job_id=f"{JOB}-0", project_id=PROJECT)).body
        assert (shown["status"], shown["entities"]) == ("FAIL", {"image_name": "n0"})

    @pytest.mark.parametrize("number", ["1", "-1", "x", "0000"])
    def test_none(self, number):
        with pytest.raises(JobNotFound):
            job.show_job(_call(self._parent(), job_id=f"{JOB}-{number}", project_id=PROJECT))
