# SPDX-License-Identifier: Apache-2.0
import threading
import time

import pytest

from ims_glance import exceptions
from ims_glance.clouds.identity import Identity
from ims_glance.db.database import DatabaseUnavailable
from ims_glance.db.supervision import Supervision
from ims_glance.jobs import context as jobs_context
from ims_glance.jobs.context import Abandoned, Cancelled, GivenUp, JobContext, NoDelegation
from ims_glance.jobs.lease import Lease, clock
from ims_glance.model.job import SecretInRecord


class NoLuck(exceptions.ImsError):
    code = "IMG.0057"
    template = "No luck with {token}."


@pytest.fixture
def job(tables):
    tables.conf.set_override("progress_seconds", 0.0, "ims_jobs")
    claimed = tables.claimed(entities={"image_name": "n"}, image_id="first", creates_image=True)
    identity = Identity(tables.conf)
    return JobContext(tables.conf, claimed, tables.jobs, identity, Lease(clock() + 600), "trust")


def recorded(tables, job):
    return tables.jobs.get(job.id)


def test_where_the_image_comes_from(tables, monkeypatch):
    """It is another region's, and there the job acts with what it was given for that."""
    claimed = tables.claimed(arguments={"source_region": "RegionTwo"})
    identity, lease = Identity(tables.conf), Lease(clock() + 600)
    asked = []

    def session_of(_self, *grant):
        asked.append(grant)
        return "session"

    monkeypatch.setattr(Identity, "session_of", session_of)
    job = JobContext(tables.conf, claimed, tables.jobs, identity, lease, "acting", "reading")
    assert (job.source_region.session, job.source_region.name) == ("session", "RegionTwo")
    assert asked == [("reading", claimed.request_id)]
    job = JobContext(tables.conf, claimed, tables.jobs, identity, lease, "acting")
    with pytest.raises(NoDelegation):
        _ = job.source_region


def test_progress_is_recorded(tables, job):
    job.progress(5, 10)
    job.begin_task("copy data")
    job.tell(results=[])
    now = recorded(tables, job)
    assert (now.done_bytes, now.total_bytes, now.current_task) == (5, 10, "copy data")
    assert now.entities == job.entities == {"image_name": "n", "results": []}
    assert clock() - job.last_progress < 5


def test_progress_is_not_recorded_all_the_time_but_at_the_end(tables, job):
    tables.conf.set_override("progress_seconds", 60.0, "ims_jobs")
    job.progress(1, 10)
    job.progress(2, 10)
    assert recorded(tables, job).done_bytes == 1
    job.progress(10, 10)
    assert recorded(tables, job).done_bytes == 10


def test_how_far_an_attempt_came(job):
    for done in (5, 0, 3):
        job.progress(done, 10)
    assert job.furthest == 5


def test_the_image_id_is_recorded_before_it_is_used(tables, job):
    assert job.image_id == "first"
    chosen = job.new_image_id()
    assert job.image_id == recorded(tables, job).image_id == chosen != "first"


def test_images_of_disks_are_recorded(tables, job):
    job.record_disk_image(0, "a")
    job.record_disk_image(2, "b")
    job.record_disk_image(0, "c")
    assert recorded(tables, job).in_making == {"b", "c"}
    assert recorded(tables, job).entities["image_name"] == "n"


def test_what_changes_again_and_again_is_written_now_and_then(tables, job):
    tables.conf.set_override("progress_seconds", 60.0, "ims_jobs")
    for number in range(5):
        job.tell_soon(results=[number])
    assert recorded(tables, job).entities["results"] == [0]
    assert job.entities["results"] == [4]
    job.write_told()
    assert recorded(tables, job).entities == {"image_name": "n", "results": [4]}


def test_no_secret_is_told(tables, job):
    with pytest.raises(SecretInRecord):
        job.tell(token="x" * 10)
    assert "token" not in job.entities


def test_why_it_fails_is_recorded_without_tokens(tables, job):
    job.fail(NoLuck(token="gAAAAAB" + "x" * 100))
    job.leave_behind("make image", "Refused.")
    now = recorded(tables, job)
    assert now.error_code == "IMG.0057"
    assert now.fail_reason == (
        "No luck with ***. What 'make image' did could not be undone: Refused."
    )


def test_a_lease_that_is_over_abandons_everything(job):
    job.check()
    job.lease.until = clock() - 1
    with job.reverting():
        for use in (job.check, lambda: job.progress(1, 2), lambda: job.pause(5)):
            with pytest.raises(Abandoned):
                use()


def test_one_that_another_has_writes_nothing(tables, job):
    tables.jobs.release(job.job)
    tables.jobs.claim(job.id, "other", 60)
    with pytest.raises(Abandoned, match="another worker"):
        job.progress(1, 2)
    with pytest.raises(Abandoned, match="the lease ended"):
        job.check()
    assert recorded(tables, job).done_bytes == 0


def test_a_database_that_is_away_abandons_the_job(tables, job, monkeypatch):
    def away(*_positional, **_named):
        raise DatabaseUnavailable(reason="x")

    monkeypatch.setattr(tables.jobs, "progress", away)
    with pytest.raises(Abandoned, match="database"):
        job.progress(1, 2)


def test_abandoned_is_no_failure():
    assert not issubclass(Abandoned, Exception)


def test_cancelled_unless_it_is_being_undone(job):
    job.lease.cancel()
    with pytest.raises(Cancelled) as cancelled:
        job.check()
    assert cancelled.value.code == "IMG.0018"
    with job.reverting():
        job.check()
        begin = time.monotonic()
        job.pause(0.2)
        assert time.monotonic() - begin >= 0.2


def test_a_pause_ends_when_there_is_news(job):
    threading.Timer(0.1, job.lease.cancel).start()
    begin = time.monotonic()
    with pytest.raises(Cancelled):
        job.pause(240)
    assert time.monotonic() - begin < 120


def test_what_was_begun_too_often_is_given_up(tables, job):
    tables.conf.set_override("attempts", 1, "ims_jobs")
    job.check()
    tables.jobs.release(job.job)
    again = tables.jobs.claim(job.id, "other", 60)
    second = JobContext(tables.conf, again, tables.jobs, Identity(tables.conf), job.lease)
    with pytest.raises(GivenUp, match="begun 1 times"):
        second.check()
    with second.reverting():
        second.check()
    Supervision(tables.database).reset(job.id)
    tables.jobs.release(tables.jobs.get(job.id))
    third = tables.jobs.claim(job.id, "other", 60)
    JobContext(tables.conf, third, tables.jobs, Identity(tables.conf), job.lease).check()


def test_patience_is_longer_for_undoing(job):
    assert job.patience == 300
    assert not job.is_reverting
    with job.reverting():
        assert job.is_reverting
        assert job.patience == 86400


def test_without_a_delegation_nothing_can_be_done(tables, job):
    orphan = JobContext(tables.conf, job.job, tables.jobs, Identity(tables.conf), job.lease)
    with pytest.raises(jobs_context.NoDelegation):
        _ = orphan.image
