# SPDX-License-Identifier: Apache-2.0
"""Flows in a real database, by real TaskFlow; workers die between any two steps."""

import contextlib

import pytest
from taskflow.patterns import linear_flow
from taskflow.persistence.backends.sqlalchemy import tables as sqlalchemy_tables

from ims_glance import exceptions
from ims_glance.db import job as db_jobs
from ims_glance.db.database import FAILURES
from ims_glance.db.supervision import Supervision
from ims_glance.jobs import engine as jobs_engine
from ims_glance.jobs.context import Abandoned
from ims_glance.jobs.engine import Runner
from ims_glance.jobs.task import Task
from ims_glance.model.job import JobStatus
from tests.unit import job_database
from tests.unit.jobs import job_bench


class NoLuck(exceptions.ImsError):
    code = "IMG.0057"
    template = "No luck."


class Step(Task):
    """Writes down what it does; dies where the test says."""

    def __init__(self, job, log, name, dies=(), fails=False):
        super().__init__(job, name=name)
        self.log, self.dies, self.fails = log, dies, fails

    def _do(self, what):
        self.log.append(what)
        if what in self.dies:
            self.dies.remove(what)
            raise Abandoned("killed")

    def execute(self):
        self._do(self.name)
        if self.fails:
            raise NoLuck

    def revert(self, **_):
        self._do(f"undo {self.name}")


@pytest.fixture
def bench(tables):
    return Bench(tables)


class Bench:
    def __init__(self, tables):
        self.tables = tables
        self.log = []
        self.dies = []
        self.failing = None

    def flow(self, job):
        flow = linear_flow.Flow("test")
        for name in ("a", "b", "c"):
            flow.add(Step(job, self.log, name, self.dies, name == self.failing))
        return flow

    @property
    def runner(self):
        return Runner(self.tables.database, self.tables.jobs, {"test": self.flow})

    def run_to_the_end(self, number=1):
        """Run a job by one worker after the other; the job and the number of workers."""
        job = job_bench.context(self.tables, number)
        workers = 1
        while True:
            try:
                self.runner.run(job)
                return self.tables.jobs.get(job.id), workers
            except Abandoned:
                workers += 1
                job = job_bench.again(self.tables, job)


def test_success(bench):
    job, workers = bench.run_to_the_end()
    assert (job.status, workers, bench.log) == (JobStatus.SUCCESS, 1, ["a", "b", "c"])


@pytest.mark.parametrize("failing", ["a", "b", "c"])
def test_a_failure_is_undone_from_there(bench, failing):
    bench.failing = failing
    job, _workers = bench.run_to_the_end()
    done = "abc"[: "abc".index(failing) + 1]
    assert bench.log == [*done, *(f"undo {name}" for name in reversed(done))]
    assert (job.status, job.error_code, job.fail_reason) == (JobStatus.FAIL, "IMG.0057", "No luck.")


@pytest.mark.parametrize("name", ["a", "b", "c"])
def test_killed_in_a_task_the_next_worker_begins_it_again(bench, name):
    bench.dies = [name]
    job, workers = bench.run_to_the_end()
    expected = ["a", "b", "c"]
    expected.insert(expected.index(name), name)
    assert (job.status, workers, bench.log) == (JobStatus.SUCCESS, 2, expected)


@pytest.mark.parametrize("name", ["undo a", "undo b", "undo c"])
def test_killed_while_undoing_the_next_worker_goes_on_undoing(bench, name):
    bench.failing, bench.dies = "c", [name]
    job, workers = bench.run_to_the_end()
    undone = ["undo c", "undo b", "undo a"]
    undone.insert(undone.index(name), name)
    assert (bench.log, workers) == (["a", "b", "c", *undone], 2)
    assert (job.status, job.fail_reason) == (JobStatus.FAIL, "No luck.")


def test_killed_again_and_again(bench):
    bench.failing = "c"
    bench.dies = ["a", "b", "c", "undo c", "undo b", "undo a"]
    job, workers = bench.run_to_the_end()
    assert (job.fail_reason, workers) == ("No luck.", 7)


def test_killed_between_the_last_step_and_the_record(bench, monkeypatch):
    for failing, status in ((None, JobStatus.SUCCESS), ("c", JobStatus.FAIL)):
        bench.failing = failing
        bench.log.clear()
        job = job_bench.context(bench.tables, number=1 if failing else 2)
        with monkeypatch.context() as patched:

            def dies(*_):
                raise Abandoned("killed")

            patched.setattr(bench.tables.jobs, "finish", dies)
            with pytest.raises(Abandoned):
                bench.runner.run(job)
        done = list(bench.log)
        bench.runner.run(job_bench.again(bench.tables, job))
        assert bench.log == done  # nothing is done twice
        assert bench.tables.jobs.get(job.id).status is status


@contextlib.contextmanager
def before_each_record(monkeypatch, bench, act):
    """While the block runs, *act* is called before anything is written, with its number."""
    writes, fence = [], db_jobs.check_fence
    write = type(bench.tables.database).write

    def count():
        writes.append(1)
        with monkeypatch.context() as real:
            real.setattr(type(bench.tables.database), "write", write)
            act(len(writes))

    def watched_write(database, work):
        count()
        return write(database, work)

    def watched_fence(connection, job):
        count()
        fence(connection, job)

    with monkeypatch.context() as patched:
        patched.setattr(type(bench.tables.database), "write", watched_write)
        patched.setattr(jobs_engine, "check_fence", watched_fence)
        yield


@pytest.mark.parametrize("is_heard", [True, False])
def test_a_cancel_that_was_accepted_never_ends_in_success(bench, monkeypatch, is_heard):
    """Whatever is being written when it comes, and whether the heartbeat has told of it."""
    ended = []
    for moment in range(1, 40):
        job = job_bench.context(bench.tables, number=moment)
        bench.log.clear()
        came: list[int] = []

        def cancel(number, job=job, moment=moment, came=came):
            if number == moment:
                came.append(number)
                asked = bench.tables.jobs.request_cancel(job.id, "project")
                assert not asked.is_finished
                if is_heard:
                    job.lease.cancel()

        with before_each_record(monkeypatch, bench, cancel):
            ended.append(bench.runner.run(job))
        found = bench.tables.jobs.get(job.id)
        assert found.cancel_requested is (found.status is JobStatus.FAIL)
        assert found.status is ended[-1]
        if found.cancel_requested:
            assert found.error_code == "IMG.0018"
            done = "".join(name for name in bench.log if name in "abc")
            # What was refused before it did anything is undone as well.
            undone = "".join(name[-1] for name in bench.log[len(done) :])[::-1]
            assert undone in (done, "abc"[: len(done) + 1]), moment
        if not came:
            break
    # It came at every moment until there were no more.
    assert not came
    assert ended == sorted(ended)
    assert 10 < ended.count(JobStatus.FAIL) < len(ended)


def test_a_job_that_an_older_worker_had_done_can_still_be_cancelled(bench, monkeypatch):
    """Those ended a job after its flow, and not by its last task."""
    for number, is_cancelled in ((1, False), (2, True)):
        job = job_bench.context(bench.tables, number=number)
        with monkeypatch.context() as patched:
            patched.setattr(jobs_engine, "_End", lambda job: Step(job, [], "other"))
            patched.setattr(bench.tables.jobs, "finish", lambda *_: None)
            bench.runner.run(job)
        bench.log.clear()
        if is_cancelled:
            bench.tables.jobs.request_cancel(job.id, "project")
        bench.runner.run(job_bench.again(bench.tables, job))
        status = JobStatus.FAIL if is_cancelled else JobStatus.SUCCESS
        assert bench.tables.jobs.get(job.id).status is status
        assert bench.log == (["undo c", "undo b", "undo a"] if is_cancelled else [])


def test_a_worker_taken_for_dead_records_nothing(bench):
    job = job_bench.context(bench.tables)
    other = job_bench.again(bench.tables, job)
    with pytest.raises(Abandoned, match="another worker"):
        bench.runner.run(job)
    assert bench.log == []
    assert not job.lease.holds
    bench.runner.run(other)
    assert bench.tables.jobs.get(job.id).status is JobStatus.SUCCESS


def test_the_database_goes_away_in_the_middle(bench, monkeypatch):
    """Nothing fails: another worker goes on, and what was done is not done again."""
    real, calls = db_jobs.check_fence, []

    def flaky(connection, job):
        calls.append(1)
        if len(calls) == at:
            raise FAILURES[0]("gone")
        real(connection, job)

    monkeypatch.setattr(jobs_engine, "check_fence", flaky)
    bench.failing = "c"
    for number in range(1, 30, 3):
        at = number
        calls.clear()
        bench.log.clear()
        job = job_bench.context(bench.tables, number=number)
        with contextlib.suppress(Abandoned):
            bench.runner.run(job)
        at = 0
        if not bench.tables.jobs.get(job.id).is_finished:
            bench.runner.run(job_bench.again(bench.tables, job))
        ended = bench.tables.jobs.get(job.id)
        assert (ended.status, ended.fail_reason) == (JobStatus.FAIL, "No luck."), at
        assert {"undo a", "undo b", "undo c"} <= set(bench.log)


def test_a_flow_that_cannot_be_made_fails_the_job(bench):
    def no_flow(_job):
        raise NoLuck

    job = job_bench.context(bench.tables)
    runner = Runner(bench.tables.database, bench.tables.jobs, {"test": no_flow})
    assert runner.run(job) is JobStatus.FAIL
    assert bench.tables.jobs.get(job.id).fail_reason == "No luck."


def test_a_flow_that_cannot_be_made_for_no_known_reason_is_given_up_in_the_end(bench):
    """Arguments that another version has accepted, for example."""

    def wrong(_job):
        raise KeyError("wishes")

    bench.tables.conf.set_override("attempts", 1, "ims_jobs")
    runner = Runner(bench.tables.database, bench.tables.jobs, {"test": wrong})
    job = job_bench.context(bench.tables)
    # The lease runs out: this worker would take it again at once, and another one may do better.
    with pytest.raises(KeyError):
        runner.run(job)
    assert runner.run(job_bench.again(bench.tables, job)) is JobStatus.FAIL
    reason = bench.tables.jobs.get(job.id).fail_reason
    assert "internal error (KeyError)" in reason
    assert (
        f"nothing of it was undone: what Nova and Cinder made for it is called ims-job-{job.id}"
        in reason
    )


def test_a_flow_that_breaks_taskflow_is_begun_again_and_then_given_up(bench):
    def wrong(job):
        flow = linear_flow.Flow("wrong")
        return flow.add(Step(job, bench.log, "a"), Step(job, bench.log, "a"))

    bench.tables.conf.set_override("attempts", 1, "ims_jobs")
    runner = Runner(bench.tables.database, bench.tables.jobs, {"test": wrong})
    job = job_bench.context(bench.tables)
    with pytest.raises(Abandoned, match="Duplicate"):
        runner.run(job)
    Supervision(bench.tables.database).reset(job.id)
    with pytest.raises(Abandoned, match="Duplicate"):
        runner.run(job_bench.again(bench.tables, job))
    assert runner.run(job_bench.again(bench.tables, job)) is JobStatus.FAIL
    assert "Duplicate" in bench.tables.jobs.get(job.id).fail_reason


def test_what_taskflow_recorded_is_forgotten(bench):
    bench.run_to_the_end()
    with bench.tables.database.engine.connect() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM atomdetails").scalar() == 4
    for _twice in range(2):
        bench.runner.forget(f"{1:032x}")
    with bench.tables.database.engine.connect() as connection:
        for table in ("logbooks", "flowdetails", "atomdetails"):
            assert connection.exec_driver_sql(f"SELECT count(*) FROM {table}").scalar() == 0


def test_the_tables_are_described_once_for_a_job(bench, monkeypatch):
    """TaskFlow does that for each record; it is half of a worker's time."""
    described, real = [], sqlalchemy_tables.fetch

    def fetch(metadata):
        described.append(metadata)
        return real(metadata)

    monkeypatch.setattr(sqlalchemy_tables, "fetch", fetch)
    bench.run_to_the_end()
    assert len(described) == 1


def test_statements_are_made_for_the_first_job_alone(bench):
    known = []
    for number in (1, 2, 3):
        bench.run_to_the_end(number)
        known.append(len(job_database.STATEMENTS))
    assert 0 < known[0] == known[1] == known[2]
