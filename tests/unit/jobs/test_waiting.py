# SPDX-License-Identifier: Apache-2.0
"""Looks with growing pauses, until a deadline that outlives workers."""

import time

import pytest

from ims_glance.clouds.identity import Identity
from ims_glance.clouds.rest import ServiceUnavailable
from ims_glance.jobs import waiting
from ims_glance.jobs.context import JobContext
from ims_glance.jobs.lease import Lease, clock
from ims_glance.jobs.waiting import Wait
from ims_glance.model.job import view


class Clock:
    """A clock that pauses move on, and nothing else."""

    now = 1000.0
    pauses: list[float]

    def pause(self, seconds):
        self.pauses.append(seconds)
        self.now += seconds


@pytest.fixture
def hands(monkeypatch):
    hands = Clock()
    hands.pauses = []
    monkeypatch.setattr(waiting, "clock", lambda: hands.now)
    monkeypatch.setattr(time, "time", lambda: hands.now)
    return hands


@pytest.fixture
def work(tables, hands, monkeypatch):
    """A function that gives the job to a worker, the next one each time."""
    tables.conf.set_override("patience_seconds", 20.0, "ims_jobs")
    made = tables.create()

    def work():
        lease = Lease(clock() + 600)
        if (held := tables.jobs.get(made.id)).worker:
            tables.jobs.release(held)
        claimed = tables.jobs.claim(made.id, "worker", 600)
        job = JobContext(tables.conf, claimed, tables.jobs, Identity(tables.conf), lease)
        monkeypatch.setattr(job, "pause", hands.pause)
        return job

    return work


def test_what_is_there_is_not_waited_for(work, hands):
    assert Wait(work(), "a volume", 100.0).until(lambda: "volume") == "volume"
    assert hands.pauses == []


def test_pauses_grow_with_what_was_waited_for(work, hands):
    wait = Wait(work(), "a root disk", 10000.0)
    assert wait.until(lambda: hands.now > 9000.0) is True
    assert hands.pauses[0] == waiting.POLL
    assert hands.pauses == sorted(hands.pauses)
    assert hands.pauses[-1] == waiting.LONGEST
    assert len(hands.pauses) < 1000


def test_a_paused_server_is_soon_seen_to_be_ready(work, hands):
    Wait(work(), "a root disk", 10000.0, waiting.SOON).until(lambda: hands.now > 9000.0)
    assert hands.pauses[0] == waiting.SOON
    assert max(hands.pauses) == pytest.approx(1.0)


def test_after_the_deadline_there_is_a_last_look(work, hands):
    wait, looks = Wait(work(), "a volume", 100.0), []
    assert wait.until(lambda: looks.append(hands.now)) is None
    assert wait.is_over
    assert looks[-1] > 1100.0 >= looks[-2]


def test_another_worker_goes_on_with_the_same_deadline(work, hands):
    for _ in range(3):
        wait = Wait(work(), "a volume", 100.0)
        wait.until(lambda: hands.now > 1070.0)
    assert hands.now < 1072.0
    Wait(work(), "a volume", 100.0).until(lambda: False)
    assert 1100.0 < hands.now < 1110.0
    Wait(work(), "another", 100.0).until(lambda: False)
    assert hands.now > 1200.0


def test_a_worker_that_comes_after_the_deadline_has_a_while(work, hands):
    wait = Wait(work(), "a volume", 100.0)
    for _ in range(10):
        wait.pause()
    hands.now += 3600.0
    begun = hands.now
    Wait(work(), "a volume", 100.0).until(lambda: False)
    assert 20.0 < hands.now - begun < 25.0


def test_how_long_was_waited_is_told_with_whichever_workers(work, hands):
    for _ in range(3):
        wait = Wait(work(), "a volume", 100.0)
        wait.until(lambda: hands.now > 1070.0)
    assert 70.0 < wait.waited < 75.0


def test_a_neighbour_that_goes_away_after_hours_is_waited_for(work, hands):
    """What the patience is counted from: whoever was looked at has answered until now."""
    job = work()
    wait = Wait(job, "a volume", 10000.0)
    wait.until(lambda: hands.now > 9000.0)
    assert hands.now - job.last_look <= waiting.LONGEST


def test_short_waits_are_not_recorded_and_clients_see_none(work, tables, hands):
    job = work()
    wait = Wait(job, "a snapshot", 100.0, waiting.SOON)
    for _ in range(20):
        wait.pause()
    assert job.waits == {}
    wait.until(lambda: hands.now > 1020.0)
    assert job.waits == {"a snapshot": 1000.0}
    assert "waits" not in str(view(tables.jobs.get(job.id)))


@pytest.mark.parametrize("seconds", [5.0, 1e9])
def test_who_is_away_while_it_is_waited_for_is_asked_again(work, hands, seconds):
    """As long as the job has patience: what is waited for goes on meanwhile."""
    job = work()
    back = hands.now + seconds

    def look():
        if hands.now < back:
            raise ServiceUnavailable(service="Image", reason="503")
        return "there"

    wait = Wait(job, "an image", 100.0)
    if seconds < job.patience:
        assert wait.asked(look, lambda: True) == "there"
        return
    begun = hands.now
    with pytest.raises(ServiceUnavailable):
        wait.asked(look, lambda: True)
    assert job.patience <= hands.now - begun < job.patience + waiting.LONGEST + 1.0


def test_nobody_is_asked_again_for_what_is_not_worth_it(work, hands):
    begun = hands.now

    def look():
        raise ServiceUnavailable(service="Image", reason="503")

    with pytest.raises(ServiceUnavailable):
        Wait(work(), "an image", 100.0).asked(look, lambda: hands.now < begun + 5.0)
    assert 5.0 <= hands.now - begun < 8.0
