# SPDX-License-Identifier: Apache-2.0
"""Waiting for jobs."""

import pytest
from keystoneauth1 import exceptions as keystone_exceptions

from ims_glance.client import errors, waiting
from ims_glance.client.resources.job import Job
from tests.unit.client.cloud import IMAGE_ID, JOB_ID, OTHER, job
from tests.unit.client.test_errors import answer


class Clock:
    """Time that passes only by sleeping."""

    def __init__(self):
        self.now = 0.0
        self.pauses = []

    def __call__(self):
        return self.now

    def sleep(self, seconds):
        self.pauses.append(seconds)
        self.now += seconds


def asked(*answers):
    """Something to ask that gives one answer after the other, and then the last one for ever."""
    left = list(answers)

    def fetch():
        found = left.pop(0) if len(left) > 1 else left[0]
        if isinstance(found, Exception):
            raise found
        return found

    return fetch


def shown(status, **more):
    return Job.existing(**job(status, **more))


@pytest.fixture
def clock():
    return Clock()


def wait(clock, fetch, **how):
    return waiting.wait(fetch, clock=clock, sleep=clock.sleep, **how)


def test_until_it_succeeds(clock):
    seen: list[Job] = []
    ended = wait(
        clock, asked(shown("INIT"), shown("RUNNING"), shown("SUCCESS")), callback=seen.append
    )
    assert ended.status == "SUCCESS"
    assert [each.status for each in seen] == ["INIT", "RUNNING", "SUCCESS"]


def test_the_pauses_grow_to_a_bound(clock):
    wait(clock, asked(*[shown("RUNNING")] * 20, shown("SUCCESS")))
    assert clock.pauses[0] == waiting.FIRST_PAUSE
    assert clock.pauses == sorted(clock.pauses)
    assert clock.pauses[-1] == waiting.LONGEST_PAUSE


def test_a_failure_says_why(clock):
    results = [{"image_id": IMAGE_ID, "project_id": OTHER, "status": "failed"}]
    failed = shown(
        "FAIL", error_code="IMG.0088", fail_reason="Too many.", entities={"results": results}
    )
    with pytest.raises(waiting.JobFailed) as caught:
        wait(clock, asked(failed))
    assert str(caught.value) == (
        f"Job {JOB_ID} failed: IMG.0088: Too many.\n  image {IMAGE_ID}, project {OTHER}: failed"
    )
    assert caught.value.job is failed


def test_a_failure_without_a_reason(clock):
    with pytest.raises(waiting.JobFailed, match="gives no reason"):
        wait(clock, asked(shown("FAIL")))


def test_no_longer_than_wanted(clock):
    with pytest.raises(waiting.StillRunning, match="within 10 s"):
        wait(clock, asked(shown("RUNNING")), timeout=10)
    assert clock.now <= 10


@pytest.mark.parametrize(
    "away",
    [keystone_exceptions.ConnectFailure(), errors.of(answer(503, "")), errors.of(answer(500, ""))],
)
def test_the_service_may_be_away_for_a_while(clock, away):
    assert wait(clock, asked(away, away, shown("SUCCESS"))).status == "SUCCESS"
    with pytest.raises(type(away)):
        wait(clock, asked(away))
    assert clock.now > waiting.PATIENCE


def test_a_refusal_ends_it_at_once(clock):
    with pytest.raises(errors.NotFound):
        wait(clock, asked(errors.of(answer(404, ""))))
    assert clock.pauses == []
