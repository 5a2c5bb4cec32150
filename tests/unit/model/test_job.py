# SPDX-License-Identifier: Apache-2.0
import dataclasses
import datetime

import pytest

from ims_glance.model import job as model
from ims_glance.model.job import JobKind, JobStatus, StoredJob

TOKEN = "gAAAAAB" + "x" * 100
OWN_BACKUP = "aaaaaaaa-aaaa-aaaa-aaaa-aaaaaaaaaaaa"
BEGIN = datetime.datetime(2026, 1, 2, 3, 4, 5, 678901)


def job(**values):
    return StoredJob(**{"id": "0" * 32, "type": "t", "project_id": "p", "user_id": "u", **values})


def test_a_running_job():
    view = model.view(
        job(
            status=JobStatus.RUNNING,
            begin_time=BEGIN,
            image_id="i",
            done_bytes=1,
            total_bytes=3,
            current_task="copy data",
            entities={"image_name": "n"},
        )
    )
    assert view == {
        "status": "RUNNING",
        "job_id": "0" * 32,
        "job_type": "t",
        "begin_time": "2026-01-02T03:04:05.678Z",
        "end_time": None,
        "error_code": None,
        "fail_reason": None,
        "entities": {
            "image_id": "i",
            "image_name": "n",
            "process_percent": 33.3,
            "current_task": "copy data",
            "done_bytes": 1,
            "total_bytes": 3,
        },
    }


def test_a_failed_job_names_no_image():
    failed = job(status=JobStatus.FAIL, image_id="i", error_code="IMG.0057", fail_reason="No luck.")
    view = model.view(failed)
    assert "image_id" not in view["entities"]
    assert (view["error_code"], view["fail_reason"]) == ("IMG.0057", "No luck.")
    assert failed.is_finished


@pytest.mark.parametrize(
    ("status", "done", "total", "percent"),
    [
        (JobStatus.INIT, 0, 0, 0.0),
        (JobStatus.RUNNING, 5, 0, 0.0),
        (JobStatus.RUNNING, 1, 2, 50.0),
        (JobStatus.RUNNING, 2, 2, 99.0),  # there is more to do than to move bytes
        (JobStatus.FAIL, 1, 2, 50.0),
        (JobStatus.SUCCESS, 0, 0, 100.0),
    ],
)
def test_percent(status, done, total, percent):
    assert job(status=status, done_bytes=done, total_bytes=total).percent == percent


def test_progress_spells_the_sub_job_differently():
    entities = model.progress_view(job(entities={"sub_job_id": "s"}))["entities"]
    assert entities["subJobId"] == "s"
    assert "sub_job_id" not in entities


def test_kinds():
    assert model.kind(model.COPY_IN_REGION, True) is JobKind.COPYING
    assert model.kind(model.VOLUME_CREATE_IMAGE, True) is JobKind.CREATING
    assert model.kind(model.ADD_MEMBERS, False) is None


@pytest.mark.parametrize(
    "values",
    [
        {"name": TOKEN},
        {"a": [{"b": f"Bearer {TOKEN}"}]},
        {"password": "x"},
        {"admin_password": "x"},
        {"a": {"X-Auth-Token": "x"}},
        {"secret": "x"},
        {"sk": "x"},
        {"name": "eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJ1In0.c2lnbmF0dXJl"},
    ],
)
def test_secrets_are_found_and_not_repeated(values):
    with pytest.raises(model.SecretInRecord) as refused:
        model.check_storable(values)
    assert TOKEN not in str(refused.value)


@pytest.mark.parametrize(
    "values",
    [
        {},
        {"name": "secret agent"},
        {"tasks": ["a"], "disk": "x", "token": None},
        None,
        [1, 2.0],
        "x",
    ],
)
def test_what_is_no_secret_is_storable(values):
    model.check_storable(values)


@pytest.mark.parametrize(
    "values",
    [
        {"name": TOKEN, "description": f"Bearer {TOKEN}", "tags": [TOKEN]},
        {"attributes": {"__admin_password": "x", "os_token": TOKEN}},
        {"wishes": [{"name": "password", "tags": ["secret=x"]}]},
    ],
)
def test_what_users_call_things_is_no_secret(values):
    model.check_names(values)


@pytest.mark.parametrize(
    "values", [{"auth_token": "x"}, {"a": [{"password": ["x"]}]}, {"secret": {"a": 1}}]
)
def test_names_of_secrets_are_found(values):
    with pytest.raises(model.SecretInRecord):
        model.check_names(values)


def test_tokens_are_blotted_out():
    assert model.without_tokens(f"refused {TOKEN}: no") == "refused ***: no"


def test_names_of_what_others_make_for_a_job():
    assert model.of_disk_name(model.disk_name("a" * 32)) == ("a" * 32, None)
    assert model.of_disk_name(model.disk_name("a" * 32, 12)) == ("a" * 32, 12)
    assert model.of_disk_name("ims-job-1") is None
    assert model.of_disk_name("my image") is None


@pytest.mark.parametrize(
    ("job_type", "arguments", "backup_id"),
    [
        (model.SERVER_BACKUP, {}, OWN_BACKUP),
        (model.WHOLE_OF_SERVER, {"with_backup": True}, OWN_BACKUP),
        (model.WHOLE_OF_SERVER, {"with_backup": False}, None),
        (model.WHOLE_OF_BACKUP, {"backup_id": "b"}, "b"),
        (model.ADD_MEMBERS, {}, None),
    ],
)
def test_the_backup_that_a_job_works_on(job_type, arguments, backup_id):
    job = StoredJob("a" * 32, job_type, "p", "u", arguments=arguments)
    assert job.backup_id == backup_id
    assert model.view(job)["entities"].get("backup_id") == backup_id
    failed = dataclasses.replace(job, status=JobStatus.FAIL)
    assert "backup_id" not in model.view(failed)["entities"]


def test_backups_count_as_jobs_that_make_images():
    assert model.kind(model.SERVER_BACKUP, False) is model.JobKind.CREATING


def test_places_of_several_images():
    wishes = [{"disk": {"number": number}, "name": "n"} for number in (0, 1, 3)]
    job = StoredJob(
        "a" * 32, model.IMAGE_OF_SERVER, "p", "u", arguments={"wishes": wishes}, image_id="i"
    )
    assert job.disks == {0, 1, 3}
    assert len(job.places) == 3
    assert "i" in job.places
    made = {model.IN_MAKING: {"0": "i0", "3": "i3"}}
    begun = dataclasses.replace(job, entities=made)
    assert begun.places == {"i0", model.disk_name("a" * 32, 1), "i3"}
    assert begun.in_making == {"i0", "i3"}
    assert model.IN_MAKING not in model.view(begun)["entities"]
    again = dataclasses.replace(begun, entities={model.BEFORE_RESET: 7}, generation=9)
    assert (again.attempts, begun.attempts) == (2, 0)
    assert model.BEFORE_RESET not in model.view(again)["entities"]
    whole = [{"disk": {"number": number}, "name": None} for number in (0, 1)]
    assert StoredJob(
        "a" * 32, model.WHOLE_OF_SERVER, "p", "u", arguments={"wishes": whole}, image_id="i"
    ).places == {"i"}
    assert StoredJob(
        "a" * 32,
        model.WHOLE_OF_SERVER,
        "p",
        "u",
        arguments={"wishes": whole},
        image_id="i",
        entities=made,
    ).places == {"i"}
    assert StoredJob("a" * 32, model.ADD_MEMBERS, "p", "u").places == set()
