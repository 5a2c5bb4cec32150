# SPDX-License-Identifier: Apache-2.0
"""What operators see, and that it is nothing of what users call their things."""

import dataclasses

import jsonschema
import pytest

from ims_glance.api.common.acceptance import Acceptance
from ims_glance.api.ims.operations import worker
from ims_glance.db.job import JobNotFound
from ims_glance.db.supervision import UnknownJob
from ims_glance.db.worker import Workers
from tests.unit.api.ims import calls

ROWS = {each.name: each for each in worker.OPERATIONS}


class SilentWakeups:
    def __init__(self):
        self.sent = []

    def send(self, job_id):
        self.sent.append(job_id)


@pytest.fixture
def accepting(tables, monkeypatch):
    made = Acceptance(tables.conf)
    for name, value in (
        ("database", tables.database),
        ("_jobs", tables.jobs),
        ("_wakeups", SilentWakeups()),
    ):
        monkeypatch.setattr(made, name, value)
    return made


@pytest.fixture
def ask(tables, accepting):
    def answer(name, **arguments):
        call = calls.call(tables.conf, **arguments)
        service = dataclasses.replace(call.service, jobs=accepting)
        body = ROWS[name].handler(dataclasses.replace(call, service=service)).body
        jsonschema.validate(body, ROWS[name].answer)
        return body

    return answer


def test_workers(ask, tables):
    assert ask("list_workers") == {"workers": []}
    Workers(tables.database).hear("host:7:abcd", 4)
    tables.create(1)
    tables.jobs.claim(f"{1:032x}", "host:7:abcd", 60)
    tables.create(2)
    tables.jobs.claim(f"{2:032x}", "host:8:abcd", 60)
    busy, stopping = ask("list_workers")["workers"]
    assert (busy["host"], busy["process"], busy["state"], busy["jobs"]) == ("host", "7", "busy", 1)
    assert (busy["threads"], busy["heard_of_seconds_ago"] < 10) == (4, True)
    assert busy["begun_seconds_ago"] < 10
    assert (stopping["state"], stopping["begun_seconds_ago"]) == ("stopping", None)


def test_the_queue_of_all_projects(ask, tables):
    for number in range(3):
        tables.create(number, project_id="p", entities={"image_name": "of mine"})
    tables.create(3, project_id="q")
    tables.jobs.claim(f"{0:032x}", "w", 60)
    queue = ask("show_queue")
    waiting = [(each["project_id"], each["count"]) for each in queue["waiting"]]
    assert waiting == [("p", 2), ("q", 1)]
    assert all(0 <= each["oldest_seconds"] < 60 for each in queue["waiting"])
    (running,) = queue["running"]
    assert (running["job_id"], running["worker"]) == (f"{0:032x}", "w")
    assert running["process_percent"] == 0.0
    assert "of mine" not in str(queue)


def test_a_job_of_any_project_is_cancelled(ask, tables, accepting):
    job = tables.create(1, project_id="p")
    assert ask("cancel_queued_job", job_id=job.id)["cancel_requested"] is True
    assert tables.jobs.get(job.id).cancel_requested
    assert accepting._wakeups.sent == [job.id]


@pytest.mark.parametrize(
    ("job_id", "error"), [("d" * 32, UnknownJob), ("\u0000", JobNotFound), ("x", JobNotFound)]
)
def test_a_job_that_nobody_has(ask, job_id, error):
    with pytest.raises(error):
        ask("cancel_queued_job", job_id=job_id)
