# SPDX-License-Identifier: Apache-2.0
import time

import pytest

from ims_glance import exceptions
from ims_glance.clouds import rest
from ims_glance.jobs import task as jobs_task
from ims_glance.jobs.context import Abandoned, Cancelled
from ims_glance.jobs.task import Task, TaskBroken
from ims_glance.model.job import WAITS, SecretInRecord, view
from tests.unit.jobs import job_bench

TOKEN = "gAAAAAB" + "x" * 100


class Away(exceptions.Unavailable):
    template = "It is away."


class NoLuck(exceptions.ImsError):
    code = "IMG.0057"
    template = "No luck."


@pytest.fixture(autouse=True)
def _quick(monkeypatch):
    monkeypatch.setattr(jobs_task, "_FIRST_WAIT", 0.01)


@pytest.fixture
def job(tables):
    return job_bench.context(tables)


class MakeTwo(Task):
    """Returns or raises what it is told, one after the other."""

    def __init__(self, job, *outcomes):
        super().__init__(job, provides="two")
        self.outcomes = list(outcomes)

    def _next(self):
        outcome = self.outcomes.pop(0)
        if isinstance(outcome, BaseException):
            raise outcome
        return outcome

    def execute(self, one):
        return self._next()

    def revert(self, one, result, **_):
        return self._next()


def test_taskflow_sees_the_signature_and_a_short_name(job):
    task = MakeTwo(job)
    assert (task.name, task.requires, task.provides) == ("make two", {"one"}, {"two"})
    assert Task.execute is not MakeTwo.execute


def test_what_is_away_for_long_is_on_record(tables, job, monkeypatch):
    """For the operator; once, however often it is asked."""
    monkeypatch.setattr(jobs_task, "_WORTH_RECORDING", -1.0)
    away = rest.ServiceUnavailable(service="Volume", reason="HTTP 503")
    assert MakeTwo(job, away, away, Away(), 2).execute(1) == 2
    waits = tables.jobs.get(job.id).entities[WAITS]
    assert list(waits) == ["make two: Volume service unavailable", "make two: away"]
    assert all(abs(since - time.time()) < 30 for since in waits.values())
    assert "waits" not in view(tables.jobs.get(job.id))["entities"]


def test_neighbours_that_are_away_are_waited_for(tables, job):
    task = MakeTwo(job, Away(), Away(), 2)
    assert task.execute(one=1) == 2
    assert tables.jobs.get(job.id).current_task == "make two"
    assert tables.jobs.get(job.id).fail_reason is None


def test_until_the_patience_is_over(tables, job):
    tables.conf.set_override("patience_seconds", 0.05, "ims_jobs")
    task = MakeTwo(job, *[Away()] * 1000)
    with pytest.raises(Away):
        task.execute(one=1)
    assert tables.jobs.get(job.id).fail_reason == "It is away."


class Looks(MakeTwo):
    """Waits for something for a while, before a neighbour is away, or not."""

    def __init__(self, job, now, *outcomes, at):
        super().__init__(job, *outcomes)
        self._now, self._at = now, at

    def execute(self, one):
        self._now[0] += 300.0 if len(self.outcomes) == self._at else 0.0
        self.job.last_look = self._now[0]
        return self._next()


@pytest.fixture
def now(monkeypatch, job):
    """The time, which passes in pauses alone."""
    seconds = [0.0]
    monkeypatch.setattr(jobs_task, "clock", lambda: seconds[0])
    monkeypatch.setattr(job, "pause", lambda pause: seconds.__setitem__(0, seconds[0] + pause))
    return seconds


def test_patience_is_not_used_up_by_waiting(tables, job, now):
    tables.conf.set_override("patience_seconds", 200.0, "ims_jobs")
    assert Looks(job, now, Away(), Away(), 2, at=3).execute(one=1) == 2


def test_patience_ends_though_there_is_an_answer_now_and_then(tables, job, now):
    tables.conf.set_override("patience_seconds", 50.0, "ims_jobs")
    with pytest.raises(Away):
        Looks(job, now, *[Away()] * 1000, at=0).execute(one=1)


@pytest.mark.parametrize(("seconds", "ends"), [(0, True), (300, True), (3600, False)])
def test_a_wait_of_hours_outlives_hiccups(tables, job, monkeypatch, seconds, ends):
    """One an hour, answered again within a minute; every few minutes is another matter."""
    now = [0.0]
    monkeypatch.setattr(jobs_task, "clock", lambda: now[0])
    monkeypatch.setattr(job, "pause", lambda _seconds: now.__setitem__(0, now[0] + 15.0))

    class Waits(MakeTwo):
        def execute(self, one):
            now[0] += seconds
            self.job.last_look = now[0]
            now[0] += 10.0
            return self._next()

    task = Waits(job, *[Away()] * 100, 2)
    if ends:
        with pytest.raises(Away):
            task.execute(one=1)
    else:
        assert task.execute(one=1) == 2


class Copies(MakeTwo):
    """Copies for an hour, beginning at the first byte each time, before a neighbour is away, or not.

    :param further: bytes that each attempt copies more than the one before
    """

    def __init__(self, job, now, *outcomes, further):
        super().__init__(job, *outcomes)
        self._now, self._further, self.size = now, further, 100

    def execute(self, one):
        for done in (1, self.size):
            self._now[0] += 1800.0
            self.job.progress(done, 10000)
            self.job.last_progress = self._now[0]
        self.size += self._further
        return self._next()


def test_patience_begins_anew_when_it_comes_further(tables, job, now):
    tables.conf.set_override("patience_seconds", 20.0, "ims_jobs")
    assert Copies(job, now, *[Away()] * 50, 2, further=1).execute(one=1) == 2


def test_what_breaks_at_the_same_byte_each_time_ends(tables, job, now):
    tables.conf.set_override("patience_seconds", 20.0, "ims_jobs")
    copies = Copies(job, now, *[Away()] * 1000, further=0)
    with pytest.raises(Away):
        copies.execute(one=1)
    assert now[0] - (1000 - len(copies.outcomes)) * 3600 < 20 + jobs_task._LONGEST_WAIT


def test_a_refusal_is_not_tried_again_and_recorded(tables, job):
    task = MakeTwo(job, NoLuck(), 2)
    with pytest.raises(NoLuck):
        task.execute(one=1)
    now = tables.jobs.get(job.id)
    assert (now.error_code, now.fail_reason) == ("IMG.0057", "No luck.")
    assert task.outcomes == [2]


def test_what_nobody_thought_of_is_recorded_without_its_words(tables, job):
    with pytest.raises(TaskBroken) as broken:
        MakeTwo(job, KeyError(TOKEN)).execute(one=1)
    reason = tables.jobs.get(job.id).fail_reason
    assert reason == str(broken.value)
    assert "KeyError" in reason
    assert TOKEN not in reason
    # TaskFlow records causes and contexts as well.
    assert broken.value.__cause__ is None
    assert broken.value.__suppress_context__


def test_results_are_recorded_so_they_hold_no_secret(job):
    with pytest.raises(SecretInRecord):
        MakeTwo(job, {"session": TOKEN}).execute(one=1)


def test_a_cancelled_job_waits_for_nobody(tables, job):
    job.lease.cancel()
    with pytest.raises(Cancelled):
        MakeTwo(job, Away(), 2).execute(one=1)
    assert tables.jobs.get(job.id).error_code == "IMG.0018"


def test_an_abandoned_one_is_no_failure(tables, job):
    with pytest.raises(Abandoned):
        MakeTwo(job, Abandoned("x")).execute(one=1)
    assert tables.jobs.get(job.id).fail_reason is None


@pytest.mark.parametrize("error", [NoLuck(), KeyError()])
def test_an_error_after_the_end_of_the_lease_is_no_failure(tables, job, error):
    """Libraries make errors of their own of what stops them."""

    class Stopped(Task):
        def execute(self):
            self.job.lease.end()
            raise error

        def revert(self, **_):
            self.execute()

    for method in (Stopped(job).execute, Stopped(job).revert):
        job.lease._is_over = False
        with pytest.raises(Abandoned):
            method()
    assert tables.jobs.get(job.id).fail_reason is None


def test_undoing_waits_for_neighbours_even_when_cancelled(tables, job):
    job.lease.cancel()
    task = MakeTwo(job, Away(), Away(), None)
    task.revert(one=1, result=None)
    now = tables.jobs.get(job.id)
    assert (now.current_task, now.fail_reason) == ("undo make two", None)


@pytest.mark.parametrize(
    ("error", "words"), [(NoLuck(), "No luck."), (KeyError(TOKEN), "KeyError")]
)
def test_what_cannot_be_undone_is_said_and_the_rest_goes_on(tables, job, error, words):
    job.fail(NoLuck())
    MakeTwo(job, error).revert(one=1, result=None)
    reason = tables.jobs.get(job.id).fail_reason
    assert reason == f"No luck. What 'make two' did could not be undone: {words}"
