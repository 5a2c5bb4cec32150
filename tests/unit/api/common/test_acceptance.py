# SPDX-License-Identifier: Apache-2.0
import datetime
import re
import threading
import time
import types

import pytest
from oslo_utils import timeutils

from ims_glance.api.common.acceptance import Acceptance, KeyDelegatesNothing, Rights
from ims_glance.clouds.identity import DelegationRefused, Identity, IdentityUnavailable, MomentTaken
from ims_glance.db import delegation
from ims_glance.db.database import NotConfigured
from ims_glance.db.job import JobNotFound, TooManyTasks
from ims_glance.model import job as model
from ims_glance.model.job import COPY_IN_REGION, JobStatus, SecretInRecord
from tests.unit import job_database
from tests.unit.api.ims import calls


def caller(**values):
    defaults = {
        "auth_token": "token",
        "user_id": "user",
        "project_id": "project",
        "roles": ["reader", "member", "ims_service"],
        "login": ("method password",),
    }
    return types.SimpleNamespace(**{**defaults, **values})


@pytest.fixture
def trusts(monkeypatch):
    """The trusts that Keystone was asked for."""
    made = []

    def create_trust(_self, *wish):
        time.sleep(0.05)
        made.append(wish)
        return f"trust {len(made)}"

    monkeypatch.setattr(Identity, "create_trust", create_trust)
    return made


@pytest.fixture
def acceptance(tables, trusts, woken):
    return Acceptance(tables.conf)


def test_a_job_is_recorded_and_a_worker_woken(acceptance, tables, woken, trusts):
    job_id = acceptance.accept(caller(), "test", {"a": 1}, {"image_name": "n"}, creates_image=True)
    job = acceptance.get(job_id, "project")
    assert woken == [job_id]
    assert re.fullmatch("[0-9a-f]{32}", job_id)
    assert (job.status, job.arguments, job.entities) == (
        JobStatus.INIT,
        {"a": 1},
        {"image_name": "n"},
    )
    assert [each.places for each in acceptance.unfinished("project")] == [{job.image_id}]
    assert tables.delegations.get(job.delegation_id).grant == "trust 1"
    ((token, user_id, project_id, roles, _expires),) = trusts
    # Not the role that our own filter adds.
    assert (token, user_id, project_id, roles) == ("token", "user", "project", ("reader", "member"))


def test_a_job_of_a_chosen_id_is_there_once(acceptance, tables, trusts):
    """However often, and however many at once ask for it; a place is taken once."""
    tables.conf.set_override("copying", 1, "ims_jobs")
    chosen = "e" * 32
    assert not acceptance.is_there(chosen, "project")

    def ask():
        found.append(acceptance.accept(caller(), COPY_IN_REGION, {}, job_id=chosen))

    found: list[str] = []
    asking = [threading.Thread(target=ask) for _ in range(5)]
    for each in asking:
        each.start()
    for each in asking:
        each.join()
    ask()
    assert found == [chosen] * 6
    assert [job.id for job in acceptance.unfinished("project")] == [chosen]
    assert acceptance.is_there(chosen, "project")
    assert not acceptance.is_there(chosen, "another")


THERE = Rights("there", ("member",))
HERE = Rights("project", ("reader",))


def test_a_job_for_two_projects_has_a_delegation_in_each(acceptance, tables, trusts):
    ids = [acceptance.accept(caller(), "test", {}, acting=THERE, reading=HERE) for _ in range(2)]
    first, second = (tables.jobs.get(each) for each in ids)
    assert {wish[1:4] for wish in trusts} == {
        ("user", "there", ("member",)),
        ("user", "project", ("reader",)),
    }
    assert len(trusts) == 2
    assert first.project_id == "project"
    assert first.delegation_id == second.delegation_id != first.source_delegation_id
    grants = [tables.delegations.get(each).grant for each in first.delegation_ids]
    assert sorted(grants) == ["trust 1", "trust 2"]


def test_the_same_rights_for_both_are_delegated_once(acceptance, tables, trusts):
    job_id = acceptance.accept(caller(), "test", {}, acting=HERE, reading=HERE)
    job = tables.jobs.get(job_id)
    assert job.delegation_id == job.source_delegation_id
    tables.jobs.finish(tables.jobs.claim(job_id, "worker", 60), JobStatus.SUCCESS)
    assert tables.delegations.left_behind(60) == [job.delegation_id]
    assert len(trusts) == 1


def test_requests_for_two_projects_do_not_wait_for_each_other(acceptance, trusts):
    ways = [(THERE, HERE), (HERE, THERE)] * 4
    threads = [
        threading.Thread(
            target=acceptance.accept,
            args=(caller(), "test", {}),
            kwargs={"acting": acting, "reading": reading},
        )
        for acting, reading in ways
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(acceptance.find("project")) == 8
    assert len(trusts) == 2


def test_nothing_is_delegated_for_longer_than_was_agreed_to(acceptance, tables, trusts):
    end = timeutils.utcnow() + datetime.timedelta(hours=1)
    rights = Rights("there", ("member",), end.isoformat())
    ids = [acceptance.accept(caller(), "test", {}, acting=rights) for _ in range(3)]
    assert len({tables.jobs.get(each).delegation_id for each in ids}) == len(trusts) == 1
    ends = datetime.datetime.strptime(trusts[0][-1], "%Y-%m-%dT%H:%M:%S.%fZ")
    assert end - datetime.timedelta(minutes=7) < ends <= end
    # Nobody rides on what ends sooner, or later, than they agreed to.
    acceptance.accept(caller(), "test", {}, acting=THERE)
    assert len(trusts) == 2


def test_one_of_two_ends_meanwhile(acceptance, tables, trusts, monkeypatch):
    """Nothing of the first attempt stays but a trust, which the workers find."""
    first = tables.jobs.get(acceptance.accept(caller(), "test", {}, acting=THERE))
    tables.jobs.finish(tables.jobs.claim(first.id, "worker", 60), JobStatus.SUCCESS)
    tables.delegations.end(first.delegation_id)
    real, answers = acceptance._shared, [first.delegation_id]
    monkeypatch.setattr(
        acceptance,
        "_shared",
        lambda who, end: answers.pop() if answers and who.project_id == "there" else real(who, end),
    )
    second = acceptance.accept(caller(), "test", {}, acting=THERE, reading=HERE)
    assert len(tables.jobs.get(second).delegation_ids) == 2
    assert len(acceptance.find("project")) == 2
    assert len(tables.delegations.left_behind(0)) == 2  # this one, and that of the first job


@pytest.mark.parametrize("rights", [{"acting": THERE}, {"reading": HERE}])
def test_an_access_key_delegates_nothing_elsewhere(acceptance, trusts, rights):
    with pytest.raises(KeyDelegatesNothing, match="with a token"):
        acceptance.accept(caller(ec2_access="AK"), "test", {}, **rights)
    assert acceptance.find("project") == []


def test_the_delegation_is_shared(acceptance, tables, trusts):
    ids = [acceptance.accept(caller(), "test", {}) for _ in range(3)]
    assert len({tables.jobs.get(one).delegation_id for one in ids}) == len(trusts) == 1
    others = [
        caller(user_id="other"),
        caller(project_id="other"),
        caller(roles=["reader"]),
        caller(login=("method password", "method totp")),
    ]
    for other in others:
        acceptance.accept(other, "test", {})
    assert len(trusts) == 5


def test_who_cannot_delegate_gets_nothing_that_another_token_delegated(
    acceptance, tables, trusts, monkeypatch
):
    """Two tokens of one user with the same roles; Keystone lets only the first make a trust."""
    acceptance.accept(caller(), "test", {})
    limited = caller(
        auth_token="limited",
        login=("application_credential 7", "method application_credential"),
    )

    def refuse(*_):
        raise DelegationRefused(reason="Delegated tokens cannot manage trusts")

    monkeypatch.setattr(Identity, "create_trust", refuse)
    with pytest.raises(DelegationRefused, match="Log in with a password"):
        acceptance.accept(limited, "test", {})
    assert len(acceptance.find("project")) == 1
    acceptance.accept(caller(), "test", {})


def test_of_many_at_once_one_asks_keystone(acceptance, trusts):
    threads = [
        threading.Thread(target=acceptance.accept, args=(caller(), "test", {})) for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(acceptance.find("project")) == 8
    assert len(trusts) == 1
    assert acceptance._callers._held == {}


def test_one_that_ends_soon_is_not_shared(acceptance, tables, trusts):
    delegation_id, made = tables.delegation(expires_at="2020-01-01T00:00:00.000000Z")
    tables.database.write(lambda c: delegation.record(c, made))
    job = tables.jobs.get(acceptance.accept(caller(), "test", {}))
    assert job.delegation_id != delegation_id


def test_one_that_ends_meanwhile_is_replaced(acceptance, tables, trusts, monkeypatch):
    first = tables.jobs.get(acceptance.accept(caller(), "test", {}))
    claimed = tables.jobs.claim(first.id, "worker", 60)
    tables.jobs.finish(claimed, JobStatus.SUCCESS)
    real, answers = acceptance._shared, [first.delegation_id]
    tables.delegations.end(first.delegation_id)
    monkeypatch.setattr(
        acceptance, "_shared", lambda *who: answers.pop() if answers else real(*who)
    )
    second = tables.jobs.get(acceptance.accept(caller(), "test", {}))
    assert second.delegation_id != first.delegation_id


def test_with_a_signature_the_access_key_is_recorded(acceptance, tables, trusts):
    job = tables.jobs.get(acceptance.accept(caller(ec2_access="AK"), "test", {}))
    assert tables.delegations.get(job.delegation_id).grant == "ec2:AK"
    assert trusts == []
    # One with a token does not get what one with a signature gave, nor the reverse.
    other = tables.jobs.get(acceptance.accept(caller(), "test", {}))
    assert other.delegation_id != job.delegation_id


def test_limits(acceptance, tables, trusts):
    tables.conf.set_override("creating", 2, "ims_jobs")
    tables.conf.set_override("copying", 1, "ims_jobs")
    who = caller()
    for _ in range(2):
        acceptance.accept(who, "test", {}, creates_image=True)
    acceptance.accept(who, COPY_IN_REGION, {}, creates_image=True)
    for job_type in ("test", COPY_IN_REGION):
        for refused in (who, caller(user_id="other")):
            with pytest.raises(TooManyTasks):
                acceptance.accept(refused, job_type, {}, creates_image=True)
    acceptance.accept(who, "members", {})
    # For what is refused nobody delegates.
    assert len(trusts) == 1


def test_a_limit_is_known_before_anybody_delegates(acceptance, tables, trusts):
    tables.conf.set_override("copying", 1, "ims_jobs")
    acceptance.check_limit("project", model.RECEIVE_IMAGE, creates_image=True)
    acceptance.accept(caller(), model.COPY_CROSS_REGION, {})
    for job_type in (model.COPY_CROSS_REGION, model.RECEIVE_IMAGE, COPY_IN_REGION):
        with pytest.raises(TooManyTasks):
            acceptance.check_limit("project", job_type)
    acceptance.check_limit("other", model.COPY_CROSS_REGION)
    assert len(trusts) == 1


@pytest.mark.parametrize(("arguments", "entities"), [({"password": "x"}, {}), ({}, {"token": "x"})])
def test_no_secret_is_recorded(acceptance, arguments, entities):
    with pytest.raises(SecretInRecord):
        acceptance.accept(caller(), "test", arguments, entities)
    assert acceptance.find("project") == []


@pytest.mark.parametrize("word", calls.WORDS)
def test_what_the_caller_calls_things_is_recorded(acceptance, word):
    said = {"name": word, "description": word, "tags": [word], "attributes": {"os_token": word}}
    job_id = acceptance.accept(caller(), "test", said, {"image_name": word})
    job = acceptance.get(job_id, "project")
    assert (job.arguments, job.entities) == (said, {"image_name": word})


def test_without_keystone_nothing_is_accepted(acceptance, tables, woken, monkeypatch):
    def away(*_):
        raise IdentityUnavailable(reason="x")

    monkeypatch.setattr(Identity, "create_trust", away)
    with pytest.raises(IdentityUnavailable):
        acceptance.accept(caller(), "test", {})
    assert (acceptance.find("project"), woken) == ([], [])
    # If it had made the trust all the same, it would be found.
    assert len(tables.delegations.left_behind(0)) == 1


def test_keystone_knows_seconds_only(acceptance, tables, monkeypatch):
    ends, attempts = set(), []

    def create_trust(_self, *wish):
        attempts.append(wish)
        if len(attempts) % 3:
            raise MomentTaken
        ends.add(wish[-1].partition(".")[0])
        return "trust"

    monkeypatch.setattr(Identity, "create_trust", create_trust)
    for number in range(20):
        acceptance.accept(caller(user_id=str(number)), "test", {})
    assert len(ends) >= 19
    assert tables.delegations.left_behind(0) == []
    monkeypatch.setattr(Identity, "create_trust", lambda *_: (_ for _ in ()).throw(MomentTaken()))
    with pytest.raises(MomentTaken):
        acceptance.accept(caller(user_id="other"), "test", {})
    assert tables.delegations.left_behind(0) == []


def test_cancelling(acceptance, tables, woken):
    job_id = acceptance.accept(caller(), "test", {})
    assert acceptance.cancel(job_id, "project").cancel_requested
    assert woken == [job_id, job_id]
    claimed = tables.jobs.claim(job_id, "worker", 60)
    assert claimed.cancel_requested
    tables.jobs.finish(claimed, JobStatus.FAIL, "IMG.0018", "x")
    assert acceptance.cancel(job_id, "project").is_finished
    assert len(woken) == 2
    with pytest.raises(JobNotFound):
        acceptance.cancel(job_id, "other")


def test_without_a_database_there_are_no_jobs_and_the_rest_works(trusts):
    acceptance = Acceptance(job_database.configuration(None))
    assert acceptance.backup_ids_in_use("project") == set()
    assert acceptance.unfinished("project") == []
    assert not acceptance.is_made_for("project", "f" * 32, 0, "trust")
    with pytest.raises(NotConfigured):
        acceptance.accept(caller(), "test", {})
    assert trusts == []


def test_nothing_is_connected_before_it_is_needed(monkeypatch):
    monkeypatch.setattr("oslo_db.sqlalchemy.enginefacade.transaction_context", None)
    Acceptance(job_database.configuration("mysql+pymysql://u:p@127.0.0.1:1/x"))


def test_backups_that_jobs_work_on(acceptance):
    made = acceptance.accept(caller(), model.SERVER_BACKUP, {})
    acceptance.accept(caller(), model.WHOLE_OF_BACKUP, {"backup_id": "b"}, creates_image=True)
    acceptance.accept(caller(), "test", {})
    assert acceptance.backup_ids_in_use("project") == {model.id_of_backup(made), "b"}
    assert acceptance.backup_ids_in_use("other") == set()


WISHES = {"wishes": [{"disk": {"number": number}, "name": "n"} for number in (0, 2)]}


@pytest.mark.parametrize(
    ("changes", "is_made"),
    [
        ({}, True),
        ({"number": 1}, False),
        ({"number": None}, False),
        ({"project_id": "other"}, False),
        ({"job_id": "f" * 32}, False),
        # A user who knows their job's id, with a token of their own, or of a trust of their own.
        ({"grant": None}, False),
        ({"grant": "trust 2"}, False),
        ({"grant": "ec2:"}, False),
    ],
)
def test_what_is_made_for_a_job_is_known_by_the_token(acceptance, changes, is_made):
    job_id = acceptance.accept(caller(), "test", WISHES, creates_image=True)
    asked = {"project_id": "project", "job_id": job_id, "number": 2, "grant": "trust 1"}
    assert acceptance.is_made_for(**{**asked, **changes}) is is_made


def test_what_is_made_for_a_job_with_an_access_key(acceptance):
    job_id = acceptance.accept(caller(ec2_access="AK"), "test", WISHES, creates_image=True)
    assert acceptance.is_made_for("project", job_id, 2, "ec2:")
    assert not acceptance.is_made_for("project", job_id, 2, "ec2:other")
    assert not acceptance.is_made_for("project", job_id, 2, "trust")


def test_the_image_of_a_volume_is_the_only_one(acceptance):
    job_id = acceptance.accept(caller(), model.VOLUME_CREATE_IMAGE, {}, creates_image=True)
    assert acceptance.is_made_for("project", job_id, None, "trust 1")
    assert not acceptance.is_made_for("project", job_id, 0, "trust 1")


def test_nothing_is_made_for_a_job_that_has_ended(acceptance, tables):
    job_id = acceptance.accept(caller(), "test", WISHES, creates_image=True)
    acceptance.accept(caller(), "test", WISHES, creates_image=True)
    tables.jobs.finish(tables.jobs.claim(job_id, "worker", 60), JobStatus.FAIL, "IMG.0018", "x")
    assert not acceptance.is_made_for("project", job_id, 2, "trust 1")
