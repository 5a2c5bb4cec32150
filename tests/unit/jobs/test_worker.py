# SPDX-License-Identifier: Apache-2.0
"""Workers in this process, over one database."""

import threading
import time

import pytest
from keystoneauth1 import loading
from sqlalchemy.exc import OperationalError

from ims_glance.clouds import rest
from ims_glance.clouds.identity import Identity
from ims_glance.clouds.messaging.wakeup import Wakeups
from ims_glance.db import delegation
from ims_glance.db.database import DatabaseUnavailable
from ims_glance.db.job import Fenced, Jobs
from ims_glance.db.supervision import Supervision
from ims_glance.jobs import outage
from ims_glance.jobs import worker as jobs_worker
from ims_glance.model.job import COPY_CROSS_REGION, JobStatus, StoredJob
from tests.unit.clouds.silence import TIMEOUT, silence
from tests.unit.jobs.worker_bench import PATIENCE, Hold, job, lasts, rename, running, status, until


@pytest.fixture
def given_back(monkeypatch):
    """The grants that were given back."""
    grants = []
    monkeypatch.setattr(Identity, "give_back", lambda _self, grant: grants.append(grant))
    monkeypatch.setattr(Identity, "find_trust", lambda _self, user, end: f"{user} {end}")
    return grants


def test_jobs_are_found_and_run(tables):
    ids = [job(tables, number, is_open=True) for number in range(6)]
    with running(tables, threads=2):
        until(lambda: {status(tables, one) for one in ids} == {JobStatus.SUCCESS})


def test_what_is_logged_of_a_job_carries_its_id(tables):
    """In the form in which other services log it."""
    one, other = (job(tables, number, is_open=True, project_id=str(number)) for number in (1, 2))
    with running(tables):
        until(lambda: {status(tables, each) for each in (one, other)} == {JobStatus.SUCCESS})
    logged = Hold.logged[one]
    assert logged.request_id == "req-00000000-0000-0000-0000-000000000001"
    assert (logged.project_id, logged.user_id, logged.auth_token) == ("1", "user", None)
    assert Hold.logged[other].request_id == "req-00000000-0000-0000-0000-000000000002"


def test_jobs_that_follow_others_hold_up_none_that_works(tables, given_back):
    """Else two regions could wait for each other for ever."""
    names = [f"p{number}" for number in range(5)]
    following = [
        job(tables, number, type=COPY_CROSS_REGION, project_id=name)
        for number, name in enumerate(names * 2)
    ]
    with running(tables, threads=1) as worker:
        until(lambda: len(worker._following) == 10)
        for name in names:
            one = job(tables, 10 + int(name[1:]), is_open=True, project_id=name)
            until(lambda one=one: status(tables, one) is JobStatus.SUCCESS)
        assert {status(tables, each) for each in following} == {JobStatus.RUNNING}
        for each in following[:5]:
            Hold.gates[each].set()
        until(lambda: len(worker._following) == 5)
        assert worker._free == 1
    # They are let go, for another worker to go on with.
    assert {tables.jobs.get(each).worker for each in following[5:]} == {None}
    assert worker._following == worker._running == set()


def test_no_more_follow_than_there_may_be(tables, monkeypatch):
    monkeypatch.setattr(jobs_worker, "_MOST_FOLLOWING", 2)
    first, second = (job(tables, number, type=COPY_CROSS_REGION) for number in (1, 2))
    with running(tables, threads=2) as worker:
        until(lambda: len(worker._following) == 2)
        third = job(tables, 3, type=COPY_CROSS_REGION, is_open=True)
        worker.offer(third)
        one = job(tables, 4, is_open=True)
        until(lambda: status(tables, one) is JobStatus.SUCCESS)
        assert status(tables, third) is not JobStatus.SUCCESS
        Hold.gates[first].set()
        until(lambda: status(tables, third) is JobStatus.SUCCESS)
        assert status(tables, second) is JobStatus.RUNNING


def test_a_job_of_a_newer_version_is_left_to_newer_workers(tables):
    with running(tables, threads=1) as worker:
        worker.offer(newer := job(tables, type="imsOfTomorrowJob"))
        until(lambda: worker._free == 1)
    assert tables.jobs.get(newer).generation == 0


def test_both_delegations_of_a_job_are_given_back(tables, given_back):
    """It acts with the one, and reads with the other."""
    ids = [tables.delegated(grant) for grant in ("acting", "reading")]
    one = job(tables, delegation_id=ids[0], source_delegation_id=ids[1])
    with running(tables) as worker:
        until(lambda: status(tables, one) is JobStatus.RUNNING)
        until(lambda: any(context.source_grant for context in worker._running))
        (context,) = worker._running
        assert (context.grant, context.source_grant) == ("acting", "reading")
        assert given_back == []
        Hold.gates[one].set()
        until(lambda: [tables.delegations.get(each) for each in ids] == [None, None])
    assert set(given_back) == {"acting", "reading"}


def begun(tables, project_id="project"):
    return len(tables.jobs.find(project_id, JobStatus.RUNNING))


def test_no_more_at_once_than_there_are_threads(tables):
    ids = [job(tables, number, project_id=str(number % 2)) for number in range(4)]
    with running(tables, threads=2) as worker:
        until(lambda: begun(tables, "0") + begun(tables, "1") == 2)
        for one in ids:
            worker.offer(one)
        assert begun(tables, "0") + begun(tables, "1") == 2
        for one in ids:
            Hold.gates[one].set()
        until(lambda: {status(tables, one) for one in ids} == {JobStatus.SUCCESS})


def test_a_project_leaves_a_thread_to_others(tables):
    """However many jobs it has, and however long they take."""
    many = [job(tables, number) for number in range(8)]
    with running(tables, threads=3, lease_seconds=600.0):
        until(lambda: begun(tables) == 2)
        other = job(tables, 20, is_open=True, project_id="other")
        until(lambda: status(tables, other) is JobStatus.SUCCESS)
        assert begun(tables) == 2
        for one in many:
            Hold.gates[one].set()
        until(lambda: {status(tables, one) for one in many} == {JobStatus.SUCCESS})


def test_without_a_thread_no_job_is_claimed(tables, monkeypatch, caplog):
    """It is left to other workers, and to better times."""
    start = threading.Thread.start

    def refuse(thread):
        if thread.name.startswith("ims-job-"):
            raise RuntimeError("can't start new thread")
        start(thread)

    with running(tables, threads=1):
        monkeypatch.setattr(threading.Thread, "start", refuse)
        one = job(tables, is_open=True)
        until(lambda: "is left to other workers" in caplog.text)
        assert tables.jobs.get(one).generation == 0
        monkeypatch.setattr(threading.Thread, "start", start)
        until(lambda: status(tables, one) is JobStatus.SUCCESS)
    assert tables.jobs.get(one).generation == 1


def test_a_project_alone_has_the_only_thread(tables):
    one = job(tables, is_open=True)
    with running(tables, threads=1):
        until(lambda: status(tables, one) is JobStatus.SUCCESS)


def test_a_long_job_keeps_its_lease(tables, monkeypatch):
    monkeypatch.setattr(jobs_worker, "_BEATS", 600)
    one = job(tables)
    with running(tables, lease_seconds=60.0):
        until(lambda: status(tables, one) is JobStatus.RUNNING)
        for _twice in range(2):
            tables.elapse(40)
            until(lambda: lasts(tables, one, 41))
        Hold.gates[one].set()
        until(lambda: status(tables, one) is JobStatus.SUCCESS)
    assert tables.jobs.get(one).generation == 1


def test_told_to_stop_it_lets_its_jobs_go_and_wakes_another(tables, woken):
    one = job(tables)
    with running(tables, lease_seconds=60.0) as worker:
        until(lambda: tables.jobs.get(one).current_task == "hold")
        begin = time.monotonic()
        worker.stop()
        assert time.monotonic() - begin < 50
        worker.offer(one)
        assert woken == [one]
    assert tables.jobs.claim(one, "another", 60).generation == 2


def test_others_are_woken_up_before_it_has_stopped(tables, monkeypatch):
    heard = []

    class Slow:
        def cast(self, *_positional, job_id):
            time.sleep(0.5)
            heard.append(job_id)

    monkeypatch.setattr(Wakeups, "_client", lambda _self: Slow())
    one = job(tables)
    with running(tables, lease_seconds=60.0) as worker:
        until(lambda: tables.jobs.get(one).current_task == "hold")
        worker.stop()
        assert heard == [one]


def test_a_claim_that_is_being_made_while_it_stops_is_let_go_too(tables, woken, monkeypatch):
    claimed, go_on, real = threading.Event(), threading.Event(), Jobs.claim

    def claim(*arguments):
        made = real(*arguments)
        claimed.set()
        go_on.wait(PATIENCE)
        return made

    one = job(tables)
    monkeypatch.setattr(Jobs, "claim", claim)
    with running(tables, lease_seconds=60.0) as worker:
        assert claimed.wait(PATIENCE)
        stopping = threading.Thread(target=worker.stop)
        stopping.start()
        stopping.join(0.2)
        go_on.set()
        stopping.join(PATIENCE)
        assert woken == [one]
    monkeypatch.undo()
    assert tables.jobs.claim(one, "another", 60).generation == 2


@pytest.fixture
def silent_claim(monkeypatch):
    """Claims of a database that answers no more; set when one is made."""
    asked, go_on = threading.Event(), threading.Event()

    def claim(*_):
        asked.set()
        go_on.wait(PATIENCE)

    monkeypatch.setattr(Jobs, "claim", claim)
    yield asked
    go_on.set()


def test_an_idle_worker_does_not_wait_for_a_database_that_never_answers(
    tables, silent_claim, monkeypatch
):
    monkeypatch.setattr(jobs_worker, "_LAST", 0.2)
    job(tables)
    with running(tables, stop_seconds=10.0) as worker:
        assert silent_claim.wait(PATIENCE)
        begin = time.monotonic()
        worker.stop()
        assert time.monotonic() - begin < PATIENCE / 2


def test_jobs_are_waited_for_whatever_holds_the_locks(tables, woken):
    one = job(tables)
    with running(tables, lease_seconds=60.0, stop_seconds=0.2) as worker:
        until(lambda: tables.jobs.get(one).current_task == "hold")
        with worker._changed:
            begin = time.monotonic()
            worker.await_jobs()
        assert 0.2 <= time.monotonic() - begin < PATIENCE / 2


def test_a_worker_without_a_job_is_seen_until_it_stops(tables):
    supervision = Supervision(tables.database)
    with running(tables, threads=3) as worker:
        until(supervision.workers)
        (shown,) = supervision.workers()
        assert (shown.name, shown.threads, shown.jobs) == (worker.name, 3, 0)
        worker.stop()
        assert supervision.workers() == []


def test_a_job_that_is_reset_is_let_go_and_begun_again(tables, caplog):
    one = job(tables)
    with running(tables):
        until(lambda: tables.jobs.get(one).current_task == "hold")
        Supervision(tables.database).reset(one)
        until(lambda: "is let go" in caplog.text and tables.jobs.get(one).worker is not None)
        assert tables.jobs.get(one).attempts == 1
        Hold.gates[one].set()
        until(lambda: status(tables, one) is JobStatus.SUCCESS)


def test_a_wish_to_cancel_is_heard(tables):
    one = job(tables)
    with running(tables):
        until(lambda: status(tables, one) is JobStatus.RUNNING)
        tables.jobs.request_cancel(one, "project")
        until(lambda: status(tables, one) is JobStatus.FAIL)
    assert tables.jobs.get(one).error_code == "IMG.0018"


def test_a_job_that_another_claims_is_let_go(tables):
    one = job(tables)
    with running(tables, threads=1):
        until(lambda: tables.jobs.get(one).current_task == "hold")
        mine = tables.jobs.get(one)
        tables.jobs.release(mine)
        other = tables.jobs.claim(one, "another", 60)
        if other is not None:  # else it was claimed by the same worker again, for the same end
            until(lambda: not Hold.gates[one].is_set())
            time.sleep(1)
            assert tables.jobs.get(one).worker == "another"
            tables.jobs.finish(other, JobStatus.SUCCESS)


def test_a_worker_that_claims_its_own_job_again_keeps_its_threads(tables):
    one, others = job(tables), [job(tables, number, project_id=str(number)) for number in (2, 3)]
    for other in others:
        tables.jobs.claim(other, "another", 600.0)
    with running(tables, threads=3):
        for _ in range(3):
            until(lambda: tables.jobs.get(one).current_task == "hold")
            mine = tables.jobs.get(one)
            until(lambda mine=mine: is_claimed_again(tables, mine))
            time.sleep(2)  # the first run notices that
        Hold.gates[one].set()
        until(lambda: status(tables, one) is JobStatus.SUCCESS)
        for other in others:
            tables.jobs.release(tables.jobs.get(other))
        until(lambda: tasks(tables, others) == ["hold", "hold"])
        for other in others:
            Hold.gates[other].set()
        until(lambda: {status(tables, other) for other in others} == {JobStatus.SUCCESS})


def is_claimed_again(tables, mine):
    """Whether a job is, whose lease has run out as if its worker had been held up."""
    try:
        tables.jobs.release(mine)
    except Fenced:
        return True
    return False


def tasks(tables, ids):
    return [tables.jobs.get(one).current_task for one in ids]


@pytest.mark.parametrize("idle_seconds", [0.0, 0.3])
def test_the_delegation_is_given_back_after_the_last_job(tables, given_back, idle_seconds):
    delegation_id, made = tables.delegation()
    first = StoredJob(f"{1:032x}", "test", "project", "user", delegation_id=delegation_id)
    tables.jobs.create(first, 10, made)
    job(tables, 2, delegation_id=delegation_id)
    Hold.gates[first.id] = threading.Event()
    with running(tables, delegation_idle_seconds=idle_seconds):
        Hold.gates[first.id].set()
        until(lambda: status(tables, first.id) is JobStatus.SUCCESS)
        assert given_back == []
        Hold.gates[f"{2:032x}"].set()
        until(lambda: tables.delegations.get(delegation_id) is None)
    # The job's end and the look for what is left may both do it; that it is gone is fine.
    assert set(given_back) == {"trust"}


def test_keystone_is_away_when_the_job_ends(tables, given_back, monkeypatch):
    calls = []

    def away(_self, grant):
        calls.append(grant)
        if len(calls) < 3:
            raise rest.ServiceUnavailable(service="Identity", reason="x")

    monkeypatch.setattr(Identity, "give_back", away)
    delegation_id, made = tables.delegation()
    one = StoredJob(f"{1:032x}", "test", "project", "user", delegation_id=delegation_id)
    Hold.gates[one.id] = threading.Event()
    Hold.gates[one.id].set()
    tables.jobs.create(one, 10, made)
    with running(tables):
        until(lambda: tables.delegations.get(delegation_id) is None)
    assert calls == ["trust"] * 3


def test_a_trust_that_keystone_keeps_is_in_nobodys_way(tables, monkeypatch):
    def kept(_self, grant):
        if grant == "kept":
            raise rest.Refused(403, "IMG.0026", "Identity", "policy")

    monkeypatch.setattr(Identity, "give_back", kept)
    ids = []
    # The one after it, whichever is looked at first.
    for grant in ("other", "kept", "another"):
        delegation_id, made = tables.delegation(grant)
        tables.database.write(lambda connection, made=made: delegation.record(connection, made))
        ids.append(delegation_id)
    with running(tables):
        until(lambda: [tables.delegations.get(each) is None for each in ids] == [True, False, True])


def test_a_trust_whose_giver_is_gone_is_forgotten(tables, monkeypatch):
    def ended(_self, _grant):
        raise rest.DelegationEnded(service="Identity", reason="disabled")

    monkeypatch.setattr(Identity, "give_back", ended)
    delegation_id, made = tables.delegation()
    tables.database.write(lambda connection: delegation.record(connection, made))
    with running(tables):
        until(lambda: tables.delegations.get(delegation_id) is None)


def test_a_trust_that_a_crash_left_behind_is_found_by_its_end(tables, given_back):
    delegation_id, _made = tables.delegation()
    with running(tables, orphan_seconds=0.0):
        until(lambda: tables.delegations.get(delegation_id) is None)
    assert given_back == ["user 2030-01-01T00:00:00.123456Z"]


def test_old_records_are_deleted_with_those_of_taskflow(tables):
    one = job(tables, is_open=True)
    with running(tables, keep_days=0):
        until(lambda: tables.jobs.find("project") == [])
    with tables.database.engine.connect() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM logbooks").scalar() == 0
    assert one


def test_the_worker_goes_on_when_the_database_comes_back(tables, monkeypatch):
    real, is_away = tables.database.__class__._manager, threading.Event()

    def manager(self):
        if is_away.is_set():
            raise OperationalError("x", {}, Exception("gone"))
        return real(self)

    monkeypatch.setattr(tables.database.__class__, "_manager", manager)
    with running(tables):
        is_away.set()
        time.sleep(0.5)
        is_away.clear()
        one = job(tables, is_open=True)
        until(lambda: status(tables, one) is JobStatus.SUCCESS)


def test_a_job_is_not_begun_all_the_time_while_nothing_can_be_recorded(tables, monkeypatch):
    """It would be taken for one that kills its workers, and be given up."""

    def away(*_, **__):
        raise DatabaseUnavailable(reason="x")

    one = job(tables, is_open=True)
    with running(tables, lease_seconds=60.0, scan_seconds=0.4):
        with monkeypatch.context() as patched:
            patched.setattr(Jobs, "progress", away)
            until(lambda: tables.jobs.get(one).generation)
            time.sleep(2.0)
            assert tables.jobs.get(one).generation < 8
        until(lambda: status(tables, one) is JobStatus.SUCCESS)


@pytest.mark.parametrize("table", ["jobs", "atomdetails"])
def test_a_table_is_missing(tables, monkeypatch, caplog, table):
    """It is said once, with what to do; no job fails by it, and nobody asks all the time."""
    looks, real = [], type(tables.database)._in_transaction

    def counted(*arguments):
        looks.append(1)
        return real(*arguments)

    one = job(tables, is_open=True)
    rename(tables, table, "elsewhere")
    monkeypatch.setattr(outage, "LONGEST", 1.0)
    monkeypatch.setattr(type(tables.database), "_in_transaction", counted)
    with running(tables, lease_seconds=60.0):
        until(lambda: "ims-manage db sync" in caplog.text)
        looks.clear()
        time.sleep(2.0)
        assert len(looks) < 100
        assert caplog.text.count("The worker waits until this is mended") == 1
        rename(tables, "elsewhere", table)
        until(lambda: status(tables, one) is JobStatus.SUCCESS)
    assert tables.jobs.get(one).generation <= 2
    assert "The database can be used again" in caplog.text


def test_a_keystone_that_never_answers_holds_its_own_job_alone(tables, woken, caplog):
    """The job waits visibly, and is given back when the worker stops."""
    loading.load_auth_from_conf_options(tables.conf, "ims_service", auth_url="x")
    delegation_id, made = tables.delegation()
    asking = StoredJob(f"{1:032x}", "ask", "project", "user", delegation_id=delegation_id)
    tables.jobs.create(asking, 10, made)
    with silence() as url:
        login = {"auth_url": f"{url}/v3", "username": "ims", "password": "p", "timeout": TIMEOUT}
        for name, value in login.items():
            tables.conf.set_override(name, value, "ims_service")
        with running(tables, threads=2):
            until(lambda: f"Job {asking.id} waits: " in caplog.text)
            other = job(tables, 2, is_open=True, project_id="other")
            until(lambda: status(tables, other) is JobStatus.SUCCESS)
            assert status(tables, asking.id) is JobStatus.RUNNING
            begun = time.monotonic()
        assert time.monotonic() - begun < PATIENCE / 2
    assert tables.jobs.claim(asking.id, "other", 60) is not None
    assert woken == [asking.id]
    assert "Traceback" not in caplog.text
