# SPDX-License-Identifier: Apache-2.0
import datetime

import pytest
import sqlalchemy as sa
from oslo_utils import timeutils

from ims_glance.db import delegation
from ims_glance.db import job as jobs
from ims_glance.db.schema import JOBS
from ims_glance.model.job import JobStatus, StoredJob


def test_what_is_recorded_comes_back(tables):
    tables.create(arguments={"a": [1, {"b": None}]}, entities={"image_name": "ü"}, image_id="i")
    job = tables.jobs.get(f"{1:032x}", "project")
    assert (job.arguments, job.entities) == ({"a": [1, {"b": None}]}, {"image_name": "ü"})
    assert (job.status, job.image_id, job.generation) == (JobStatus.INIT, "i", 0)
    assert abs((job.begin_time - timeutils.utcnow()).total_seconds()) < 5


def test_the_job_of_another_project_is_not_there(tables):
    job = tables.create()
    for project_id, job_id in (("other", job.id), ("project", "0" * 32)):
        with pytest.raises(jobs.JobNotFound) as refused:
            tables.jobs.get(job_id, project_id)
        assert refused.value.code == "IMG.0023"
    with pytest.raises(jobs.JobNotFound):
        tables.jobs.request_cancel(job.id, "other")


def test_listing_by_pages(tables):
    for number in range(5):
        tables.create(number)
    tables.create(9, project_id="other")
    tables.jobs.claim(f"{3:032x}", "worker", 60)
    pages, marker = [], None
    while page := tables.jobs.find("project", limit=2, marker=marker):
        pages.append([int(job.id, 16) for job in page])
        marker = page[-1].id
    assert pages == [[4, 3], [2, 1], [0]]
    assert [int(job.id, 16) for job in tables.jobs.find("project", JobStatus.RUNNING)] == [3]
    with pytest.raises(jobs.JobNotFound):
        tables.jobs.find("project", marker=f"{9:032x}")
    (kind,) = {job.type for job in tables.jobs.find("project")}
    assert len(tables.jobs.find("project", job_type=kind)) == 5
    assert tables.jobs.find("project", job_type="imsNoSuchJob") == []


# --- claims ------------------------------------------------------------------------------------


def test_one_claims_it(tables):
    job = tables.create()
    assert tables.jobs.claimable(["test"], 5) == [job.id]
    assert tables.jobs.claimable(["other"], 5) == []
    claimed = tables.jobs.claim(job.id, "one", 60)
    assert (claimed.status, claimed.worker, claimed.generation) == (JobStatus.RUNNING, "one", 1)
    assert tables.jobs.claim(job.id, "two", 60) is None
    assert tables.jobs.claimable(["test"], 5) == []
    assert tables.jobs.claim("0" * 32, "one", 60) is None
    assert tables.jobs.get(job.id) == claimed


def test_who_claims_it_knows_what_was_recorded_until_then(tables):
    """The last worker records something, and its owner cancels it, while it is being claimed."""
    first = tables.claimed(seconds=60)
    tables.elapse(61)
    late = sa.update(JOBS).values(image_id="late", entities={"a": "b"}, cancel_requested=True)

    def before(connection, clause, *_):
        if isinstance(clause, sa.Update) and clause is not late:
            connection.execute(late)

    sa.event.listen(tables.database.engine, "before_execute", before)
    claimed = tables.jobs.claim(first.id, "two", 60)
    sa.event.remove(tables.database.engine, "before_execute", before)
    assert (claimed.image_id, claimed.entities, claimed.cancel_requested) == (
        "late",
        {"a": "b"},
        True,
    )
    assert tables.jobs.get(first.id) == claimed


def test_a_lease_that_ran_out_is_claimed_by_another_and_fences_the_first(tables):
    first = tables.claimed(seconds=60)
    tables.elapse(61)
    second = tables.jobs.claim(first.id, "two", 60)
    assert second.generation == 2
    for write in (
        lambda job: tables.jobs.renew(job, 60),
        tables.jobs.release,
        lambda job: tables.jobs.record_image_id(job, "other"),
        lambda job: tables.jobs.progress(job, done_bytes=1),
        lambda job: tables.jobs.add_to_failure(job, "x"),
        lambda job: tables.jobs.finish(job, JobStatus.SUCCESS),
        lambda job: tables.database.write(lambda c: jobs.check_fence(c, job)),
    ):
        with pytest.raises(jobs.Fenced):
            write(first)
    tables.jobs.record_failure(first, "IMG.0001", "x")
    assert tables.jobs.get(first.id) == second
    tables.database.write(lambda connection: jobs.check_fence(connection, second))


def test_a_lease_is_renewed(tables):
    job = tables.claimed(seconds=60)
    assert tables.jobs.renew(job, 600) is False
    tables.elapse(61)
    assert tables.jobs.claim(job.id, "two", 60) is None
    tables.jobs.request_cancel(job.id, "project")
    assert tables.jobs.renew(job, 60) is True


def test_what_is_released_is_free_at_once(tables):
    job = tables.claimed()
    tables.jobs.release(job)
    assert tables.jobs.claim(job.id, "two", 60).generation == 2


def test_projects_take_turns(tables):
    """Whoever asks for one job does not wait behind somebody's hundred."""
    for number in range(4):
        tables.create(number, project_id="many")
    tables.create(4, project_id="few")
    tables.create(5, project_id="few")
    tables.create(6, project_id="one")
    found = tables.jobs.claimable(["test"], 10)
    assert [int(each, 16) for each in found] == [0, 4, 6, 1, 5, 2, 3]
    for number in (0, 1):  # What is worked on was a turn; what is over was none.
        tables.jobs.claim(f"{number:032x}", "worker", 60)
    done = tables.jobs.claim(f"{4:032x}", "worker", 60)
    tables.jobs.finish(done, JobStatus.SUCCESS)
    found = tables.jobs.claimable(["test"], 10)
    assert [int(each, 16) for each in found] == [5, 6, 2, 3]
    assert [int(each, 16) for each in tables.jobs.claimable(["test"], 10, ["few", "one"])] == [2, 3]
    assert tables.jobs.claim(f"{2:032x}", "worker", 60, ["many"]) is None
    assert tables.jobs.claim(f"{2:032x}", "worker", 60, ["few"]).generation == 1


# --- while it runs -----------------------------------------------------------------------------


def test_progress_leaves_what_is_not_told(tables):
    job = tables.claimed(entities={"image_name": "n"})
    tables.jobs.progress(job, done_bytes=5, total_bytes=10)
    tables.jobs.progress(job, current_task="task")
    tables.jobs.progress(job, entities={"image_name": "n", "results": []})
    now = tables.jobs.get(job.id)
    assert (now.done_bytes, now.total_bytes, now.current_task) == (5, 10, "task")
    assert now.entities == {"image_name": "n", "results": []}


def test_the_first_reason_stays(tables):
    job = tables.claimed()
    tables.jobs.record_failure(job, "IMG.0057", "No luck.")
    tables.jobs.record_failure(job, "IMG.0061", "Later.")
    tables.jobs.add_to_failure(job, " And more.")
    tables.jobs.finish(job, JobStatus.FAIL, "IMG.0061", "Later.")
    ended = tables.jobs.get(job.id)
    assert (ended.error_code, ended.fail_reason) == ("IMG.0057", "No luck. And more.")
    assert ended.end_time is not None
    assert ended.worker is None


def test_success_has_no_reason(tables):
    job = tables.claimed()
    tables.jobs.finish(job, JobStatus.SUCCESS)
    ended = tables.jobs.get(job.id)
    assert (ended.status, ended.error_code, ended.fail_reason) == (JobStatus.SUCCESS, None, None)
    assert tables.jobs.request_cancel(job.id, "project").cancel_requested is False
    with pytest.raises(jobs.Fenced):
        tables.jobs.finish(job, JobStatus.FAIL)


def test_a_job_that_was_cancelled_does_not_succeed(tables):
    """Whoever cancelled it was told that it will be undone."""
    job = tables.claimed(creates_image=True)
    assert not tables.jobs.request_cancel(job.id, "project").is_finished
    with pytest.raises(jobs.CancelAccepted):
        tables.jobs.finish(job, JobStatus.SUCCESS)
    with pytest.raises(jobs.TooManyTasks):
        tables.jobs.check_limit(job, 1)
    tables.jobs.finish(job, JobStatus.FAIL, "IMG.0018", "x")
    assert tables.jobs.get(job.id).status is JobStatus.FAIL
    tables.jobs.check_limit(job, 1)


# --- limits ------------------------------------------------------------------------------------


def test_as_many_as_allowed_and_places_are_given_back(tables):
    for number in range(2):
        tables.create(number, limit=2, creates_image=True)
    with pytest.raises(jobs.TooManyTasks) as refused:
        tables.create(2, limit=2, creates_image=True)
    assert refused.value.code == "IMG.0060"
    tables.create(3, limit=2, creates_image=True, project_id="other")
    tables.create(4, limit=2)  # members are shared without limit
    job = tables.jobs.claim(f"{0:032x}", "worker", 60)
    with pytest.raises(jobs.TooManyTasks):
        tables.jobs.check_limit(job, 2)
    tables.jobs.finish(job, JobStatus.FAIL, "IMG.0061", "x")
    tables.jobs.check_limit(job, 2)
    tables.create(5, limit=2, creates_image=True)


# --- delegations -------------------------------------------------------------------------------


def test_the_unfinished_ones(tables):
    tables.create(1, project_id="p")
    claimed = tables.claimed(2, project_id="p")
    tables.create(3, project_id="other")
    assert {job.id for job in tables.jobs.unfinished("p")} == {f"{1:032x}", claimed.id}
    tables.jobs.finish(claimed, JobStatus.SUCCESS)
    assert [job.id for job in tables.jobs.unfinished("p")] == [f"{1:032x}"]


def test_a_delegation_is_used_until_its_last_job_ends(tables):
    delegation_id, made = tables.delegation()
    job = StoredJob(f"{1:032x}", "test", "project", "user", delegation_id=delegation_id)
    tables.jobs.create(job, 10, made)
    tables.create(2, delegation_id=delegation_id)
    assert tables.delegations.end(delegation_id) is None
    for number in (1, 2):
        claimed = tables.jobs.claim(f"{number:032x}", "worker", 60)
        assert tables.delegations.end(delegation_id) is None
        tables.jobs.finish(claimed, JobStatus.SUCCESS)
    assert tables.delegations.end(delegation_id).grant == "trust"
    with pytest.raises(delegation.Ended):
        tables.create(3, delegation_id=delegation_id)
    with pytest.raises(jobs.JobNotFound):
        tables.jobs.get(f"{3:032x}")


# --- old records -------------------------------------------------------------------------------


def test_old_records_are_forgotten(tables):
    old, young = (tables.claimed(number) for number in (1, 2))
    waiting = tables.create(3)
    for job in (old, young):
        tables.jobs.finish(job, JobStatus.SUCCESS)
    ago = timeutils.utcnow() - datetime.timedelta(days=31)
    change = sa.update(JOBS).where(JOBS.c.id == old.id).values(end_time=ago)
    tables.database.write(lambda connection: connection.execute(change))
    assert tables.jobs.old(30) == [old.id]
    for job_id in (old.id, waiting.id):
        tables.jobs.delete(job_id)
    assert {job.id for job in tables.jobs.find("project")} == {young.id, waiting.id}
