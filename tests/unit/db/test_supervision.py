# SPDX-License-Identifier: Apache-2.0
import pytest
import sqlalchemy as sa

from ims_glance.db.job import Fenced
from ims_glance.db.schema import JOBS
from ims_glance.db.supervision import JobEnded, SupervisedWorker, Supervision, UnknownJob
from ims_glance.db.worker import Workers
from ims_glance.model.job import WAITS, JobStatus


@pytest.fixture
def supervision(tables):
    return Supervision(tables.database)


def numbers(found):
    return [int(each.job.id, 16) for each in found]


def run_out(tables, job_id):
    """Let the lease of a job's worker run out."""
    change = sa.update(JOBS).where(JOBS.c.id == job_id).values(lease_until=1.0)
    tables.database.write(lambda connection: connection.execute(change))


def test_jobs_of_all_projects(tables, supervision):
    for number in range(4):
        tables.create(number, project_id=f"p{number % 2}", type=f"type{number // 2}")
    tables.jobs.finish(tables.jobs.claim(f"{0:032x}", "a", 60), JobStatus.SUCCESS)
    tables.jobs.claim(f"{1:032x}", "a", 60)
    assert numbers(supervision.find()) == [3, 2, 1, 0]
    assert numbers(supervision.find(limit=2)) == [3, 2]
    assert numbers(supervision.find(project_id="p1")) == [3, 1]
    assert numbers(supervision.find(job_type="type0")) == [1, 0]
    assert numbers(supervision.find([JobStatus.RUNNING, JobStatus.SUCCESS])) == [1, 0]
    assert numbers(supervision.find([JobStatus.INIT], "p0", "type1")) == [2]


def test_who_has_a_job(tables, supervision):
    job = tables.create()
    assert supervision.get(job.id).lease is None
    assert not supervision.get(job.id).is_held
    claimed = tables.jobs.claim(job.id, "worker", 60)
    found = supervision.get(job.id)
    assert (found.job, found.is_held) == (claimed, True)
    assert 50 < found.lease <= 60
    run_out(tables, job.id)
    found = supervision.get(job.id)
    assert (found.job.worker, found.is_held) == ("worker", False)
    assert found.lease < 0
    with pytest.raises(UnknownJob, match="There is no job 000"):
        supervision.get("0" * 32)


def test_its_delegation_is_shown_without_what_opens_anything(tables, supervision):
    assert supervision.get(tables.create(2).id).delegation is None
    delegation_id, made = tables.delegation(grant="the-trust")
    job = tables.create(3)
    second_id = tables.delegated("another-trust")
    values = {"delegation_id": delegation_id, "source_delegation_id": second_id}
    change = sa.update(JOBS).where(JOBS.c.id == job.id).values(**values)
    tables.database.write(lambda connection: connection.execute(change))
    found = supervision.get(job.id)
    assert found.source_delegation.state == "active"
    assert "another-trust" not in str(found)
    assert found.delegation.state == "making"
    assert found.delegation.expires_at.startswith("2030-")
    assert made.grant not in str(found)


def test_workers(tables, supervision):
    assert supervision.workers() == []
    for number in range(5):
        tables.claimed(number)
        if number < 2:
            tables.jobs.release(tables.jobs.get(f"{number:032x}"))
            tables.jobs.claim(f"{number:032x}", "other", 30)
    tables.jobs.finish(tables.jobs.get(f"{4:032x}"), JobStatus.FAIL)
    run_out(tables, f"{0:032x}")
    other, worker = supervision.workers()
    assert (other.name, other.jobs, other.lost) == ("other", 1, 1)
    assert (worker.name, worker.jobs, worker.lost) == ("worker", 2, 0)
    assert 20 < other.lease <= 30 < worker.lease <= 60
    Workers(tables.database).hear("idle", 4)
    Workers(tables.database).hear("other", 8)
    idle, other, worker = supervision.workers()
    assert (idle.name, idle.jobs, idle.lease, idle.threads) == ("idle", 0, None, 4)
    assert (other.jobs, other.threads, worker.threads, worker.heard) == (1, 8, None, None)
    assert 0 <= idle.heard < 10


@pytest.mark.parametrize(
    ("known", "state"),
    [
        ({"heard": 1.0}, "idle"),
        ({"heard": 1.0, "jobs": 1, "lease": 50.0}, "busy"),
        # It has said that it stops, and its jobs come to the end of their steps.
        ({"jobs": 1, "lease": 50.0}, "stopping"),
        ({"heard": 61.0, "lost": 1, "lease": -3.0}, "silent"),
        ({"lost": 1, "lease": -3.0}, "silent"),
    ],
)
def test_how_a_worker_is(known, state):
    assert SupervisedWorker("host:7:ab", **known).state == state


def test_when_a_worker_was_heard_of_last():
    assert SupervisedWorker("w", heard=9.0, lease=55.0).heard_of(60.0) == 5.0
    assert SupervisedWorker("w", heard=-0.1).heard_of(60.0) == 0.0
    assert SupervisedWorker("w", lease=-3.0).heard_of(60.0) == 63.0


def test_what_waits_and_what_is_held(tables, supervision):
    for number in range(4):
        tables.create(number, project_id=f"p{number % 2}", type=f"type{number // 2}")
    tables.jobs.claim(f"{0:032x}", "a", 60)
    tables.jobs.claim(f"{1:032x}", "a", 60)
    assert numbers(supervision.held(5)) == [0, 1]
    assert numbers(supervision.held(1)) == [0]
    # Nobody has what its worker lost.
    run_out(tables, f"{1:032x}")
    assert numbers(supervision.held(5)) == [0]
    found = supervision.waiting(5)
    assert [(each.type, each.project_id, each.count) for each in found] == [
        ("type0", "p1", 1),
        ("type1", "p0", 1),
        ("type1", "p1", 1),
    ]
    assert all(0 <= each.oldest < 60 for each in found)
    assert len(supervision.waiting(2)) == 2


# --- reset ---------------------------------------------------------------------------------------


def test_reset_takes_a_job_from_its_worker(tables, supervision):
    claimed = tables.claimed(seconds=600.0, entities={"image_name": "x"})
    tables.jobs.progress(claimed, entities={"image_name": "x", WAITS: {"a volume": 1.5}})
    found = supervision.reset(claimed.id)
    assert (found.job.worker, found.is_held, found.job.attempts) == (None, False, 0)
    # What was recorded stays.
    assert found.job.entities["image_name"] == "x"
    assert found.job.entities[WAITS] == {"a volume": 1.5}
    with pytest.raises(Fenced):
        tables.jobs.renew(claimed, 60)
    with pytest.raises(Fenced):
        tables.jobs.progress(claimed, current_task="mine still")
    # Its worker may be cut off from the database, and goes on as long as it had the job.
    assert 590 < found.lease <= 600
    assert tables.jobs.claimable(["test"], 5) == []
    run_out(tables, claimed.id)
    assert tables.jobs.claimable(["test"], 5) == [claimed.id]
    again = tables.jobs.claim(claimed.id, "worker", 60)
    assert (again.attempts, again.generation) == (1, claimed.generation + 2)


def test_reset_makes_no_lease_longer(tables, supervision):
    claimed = tables.claimed(seconds=600.0)
    run_out(tables, claimed.id)
    assert supervision.reset(claimed.id).lease < 0
    assert tables.jobs.claimable(["test"], 5) == [claimed.id]


def test_reset_of_a_job_that_nobody_has_begun(tables, supervision):
    job = tables.create()
    assert supervision.reset(job.id).job.status is JobStatus.INIT
    assert tables.jobs.claim(job.id, "worker", 60).attempts == 1


def test_reset_again(tables, supervision):
    job = tables.claimed()
    for _twice in range(2):
        supervision.reset(job.id)
        run_out(tables, job.id)
        assert tables.jobs.claim(job.id, "worker", 60).attempts == 1


def test_what_is_not_reset(tables, supervision):
    with pytest.raises(UnknownJob):
        supervision.reset("0" * 32)
    claimed = tables.claimed()
    tables.jobs.finish(claimed, JobStatus.FAIL, "IMG.0014", "Away.")
    before = supervision.get(claimed.id)
    with pytest.raises(JobEnded, match=r"has ended \(FAIL\), and no worker begins it again"):
        supervision.reset(claimed.id)
    assert supervision.get(claimed.id) == before
