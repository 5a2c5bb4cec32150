# SPDX-License-Identifier: Apache-2.0
"""``openstack ims job list|show|wait|cancel``."""

import json

import pytest
from osc_lib import exceptions

from ims_glance.client import waiting
from ims_glance.client.commands.job import CancelJobs, ListJobs, ShowJob, WaitForJob
from tests.unit.client.cloud import JOB_ID, PROJECT, job

JOBS = f"/v1/{PROJECT}/jobs"


@pytest.fixture
def ready(cloud):
    cloud.ims("GET", JOBS, {"jobs": [job("RUNNING", entities={"process_percent": 33.333})]})
    cloud.ims("GET", f"{JOBS}/{JOB_ID}", job())
    return cloud


def test_list(ready, run):
    (row,) = json.loads(run(ListJobs, "--status", "running", "--limit", "5", "-f", "json"))
    assert (row["Job ID"], row["Status"], row["Percent"]) == (JOB_ID, "RUNNING", 33.3)
    assert ready.requests[0].query == {"status": "RUNNING", "limit": "5"}
    assert "Reason" in run(ListJobs, "--long")


def test_show(ready, run):
    assert json.loads(run(ShowJob, JOB_ID, "-f", "json"))["status"] == "SUCCESS"


def test_wait(ready, run):
    assert json.loads(run(WaitForJob, JOB_ID, "-f", "json"))["percent"] == 100.0


def test_wait_for_what_fails(ready, run):
    ready.ims("GET", f"{JOBS}/{JOB_ID}", job("FAIL", fail_reason="It was cancelled."))
    with pytest.raises(waiting.JobFailed, match="cancelled"):
        run(WaitForJob, JOB_ID)


def test_cancel(ready, run):
    ready.ims("DELETE", f"{JOBS}/{JOB_ID}", job("RUNNING"))
    ready.refuse("DELETE", f"{JOBS}/ended", 400, "IMG.0105", "It has ended.")
    with pytest.raises(exceptions.CommandError, match="1 of 2 jobs were not cancelled"):
        run(CancelJobs, "ended", JOB_ID)
    assert len(ready.sent("DELETE")) == 2


@pytest.mark.parametrize(("status", "is_said"), [("RUNNING", False), ("SUCCESS", True)])
def test_cancel_what_has_ended(ready, run, capsys, status, is_said):
    ready.ims("DELETE", f"{JOBS}/{JOB_ID}", job(status))
    run(CancelJobs, JOB_ID)
    assert ("ended before, in SUCCESS" in capsys.readouterr().err) is is_said
