# SPDX-License-Identifier: Apache-2.0
"""The job engine on the real cloud, with a small job of the test's own."""

import json
import signal
import threading
import time

import pytest

from ims_glance.db.job import TooManyTasks
from ims_glance.model.job import JobStatus
from tests.cloud import jobs, pocket, tenants

pytestmark = pytest.mark.pocket

TASKS = ("make image", "linger", "finish")


@pytest.fixture(scope="module")
def demo():
    with tenants.tenant() as connection:
        yield connection


@pytest.fixture
def bench():
    return jobs.Bench()


@pytest.fixture(autouse=True)
def _nothing_is_left(demo):
    yield
    jobs.eventually(lambda: (jobs.owned(demo), jobs.trusts(demo)), ({}, []))


def succeeded(demo, bench, job_id, seconds=60.0):
    """Check that a job made its image, once; and remove it."""
    job = bench.ended(job_id, seconds)
    assert (job.status, job.fail_reason) == (JobStatus.SUCCESS, None)
    assert demo.image.get_image(job.image_id).status == "queued"
    assert len(list(demo.image.images(name=job.arguments["name"]))) == 1
    demo.image.delete_image(job.image_id)
    return job


def failed(bench, job_id, code, seconds=60.0):
    """Check that a job failed for that reason."""
    job = bench.ended(job_id, seconds)
    assert (job.status, job.error_code) == (JobStatus.FAIL, code)
    assert job.fail_reason
    return job


def test_a_job_succeeds(demo, bench):
    with bench.worker():
        job = succeeded(demo, bench, bench.accept(demo, seconds=1))
    assert (job.done_bytes, job.total_bytes, job.generation) == (1, 1, 1)
    assert bench.acceptance.find(job.project_id, JobStatus.SUCCESS, 1)[0].id == job.id


@pytest.mark.parametrize(
    ("end", "code", "reason"),
    [
        ("fail", "IMG.0057", "No luck."),
        ("broken", "IMG.0061", "Task finish failed with an internal error (KeyError)"),
        ("away", "IMG.0014", "It is away."),
    ],
)
def test_a_job_that_fails_is_undone(demo, bench, end, code, reason):
    with bench.worker(patience_seconds=3):
        job = failed(bench, bench.accept(demo, end=end), code)
    assert job.fail_reason.startswith(reason)


@pytest.mark.parametrize("point", ["RUNNING", "SUCCESS"])
@pytest.mark.parametrize("task", TASKS)
def test_killed_at_a_task_it_is_finished_by_another(demo, bench, tmp_path, task, point):
    die = {"task": task, "point": point, "mark": str(tmp_path / "died")}
    job_id = bench.accept(demo, seconds=1)
    with bench.worker(die) as first:
        assert first.wait() == -signal.SIGKILL
    bench.end_lease(job_id)
    with bench.worker():
        job = succeeded(demo, bench, job_id)
    assert job.generation == 2


@pytest.mark.parametrize("point", ["REVERTING", "REVERTED"])
@pytest.mark.parametrize("task", TASKS)
def test_killed_while_it_is_undone_it_is_undone_by_another(demo, bench, tmp_path, task, point):
    die = {"task": task, "point": point, "mark": str(tmp_path / "died")}
    job_id = bench.accept(demo, end="fail")
    with bench.worker(die) as first:
        assert first.wait() == -signal.SIGKILL
    bench.end_lease(job_id)
    with bench.worker():
        job = failed(bench, job_id, "IMG.0057")
    assert job.fail_reason == "No luck."


def test_the_lease_of_a_dead_worker_runs_out(demo, bench, tmp_path):
    die = {"task": "linger", "point": "RUNNING", "mark": str(tmp_path / "died")}
    job_id = bench.accept(demo)
    with bench.worker(die) as first:
        assert first.wait() == -signal.SIGKILL
    with bench.worker():
        job = succeeded(demo, bench, job_id)
    assert job.generation == 2


def test_cancelled_jobs_are_undone(demo, bench):
    waiting = bench.accept(demo)
    bench.acceptance.cancel(waiting, demo.current_project_id)
    with bench.worker():
        failed(bench, waiting, "IMG.0018")
        running = bench.accept(demo, seconds=60)
        bench.until(running, current_task="linger")
        bench.acceptance.cancel(running, demo.current_project_id)
        failed(bench, running, "IMG.0018", 10)
        done = bench.accept(demo)
        succeeded(demo, bench, done)
        assert bench.acceptance.cancel(done, demo.current_project_id).status is JobStatus.SUCCESS


def test_a_worker_that_is_stopped_lets_its_jobs_go_at_once(demo):
    bench = jobs.Bench(lease_seconds=60.0, scan_seconds=60.0)
    # They hear of it from the queue, and not by their look at the table once in a minute.
    with bench.worker() as first:
        jobs.eventually(lambda: pocket.consumers(bench.topic), 1)
        job_id = bench.accept(demo, seconds=20)
        bench.until(job_id, current_task="linger")
        with bench.worker() as second:
            jobs.eventually(lambda: pocket.consumers(bench.topic), 2)
            assert bench.job(job_id).current_task == "linger"
            first.signal(signal.SIGTERM)
            assert first.wait(20) == 0
            bench.until(job_id, generation=2)
            succeeded(demo, bench, job_id)
            assert second.lives


def test_starts_of_workers_leave_no_queue_behind(bench):
    """But those of broadcasts, which RabbitMQ itself deletes some time after a worker's death."""
    for _ in range(10):
        with bench.worker():
            jobs.eventually(lambda: pocket.consumers(bench.topic), 1)
    ours = {name: rest for name, rest in pocket.queues().items() if bench.topic in name}
    lasting = {name for name, arguments in ours.items() if "x-expires" not in arguments}
    assert lasting == {bench.topic, f"{bench.topic}.workers"}


def test_an_operator_sees_workers_without_a_job():
    """Those of the cloud itself; another test may just hold them still."""
    assert "worker(s)" in pocket.manage("worker", "check", "--seconds", "300").stdout
    shown = json.loads(pocket.manage("worker", "list", "--json").stdout)
    assert [each for each in shown if each["threads"] and each["heard_of_seconds_ago"] < 300]


def test_two_workers_with_the_same_job(demo, bench):
    """One is frozen until another has its job; when it goes on it does no harm."""
    job_id = bench.accept(demo, seconds=6)
    with bench.worker() as first:
        bench.until(job_id, current_task="linger")
        first.signal(signal.SIGSTOP)
        with bench.worker():
            bench.until(job_id, generation=2, current_task="linger")
            first.signal(signal.SIGCONT)
            job = succeeded(demo, bench, job_id)
            # More than 2 if the second one had no processor until its own lease had run out.
            assert job.generation >= 2
            time.sleep(1)
            assert bench.job(job_id) == job
        assert "another worker has the job" in first.log.read_text() or "the lease ended" in (
            first.log.read_text()
        )


def test_offered_to_many_a_job_is_run_once(demo):
    # Nobody is to think that a worker died because others have the processor.
    bench = jobs.Bench(lease_seconds=60.0)
    with bench.worker(), bench.worker(), bench.worker():
        ids = [bench.accept(demo, name=f"many-{number}") for number in range(8)]
        ended = [succeeded(demo, bench, job_id) for job_id in ids]
    assert {job.generation for job in ended} == {1}


def test_the_limit_holds_against_many_at_once(demo):
    bench = jobs.Bench(creating=5)
    accepted, refused = [], []
    who = jobs.caller(demo)

    def accept():
        try:
            accepted.append(
                bench.acceptance.accept(who, "testSmall", {"name": "x"}, creates_image=True)
            )
        except TooManyTasks as error:
            refused.append(error)

    threads = [threading.Thread(target=accept) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(accepted), len(refused)) == (5, 7)
    for job_id in accepted:
        bench.acceptance.cancel(job_id, demo.current_project_id)
    with bench.worker():
        for job_id in accepted:
            failed(bench, job_id, "IMG.0018")
    tallies = {row.project_id: row.unfinished for row in bench.rows("tallies")}
    assert tallies[who.project_id] == 0
