# SPDX-License-Identifier: Apache-2.0
"""``ims-manage job`` and ``ims-manage worker``: what an operator asks and does."""

import json

import pytest
import sqlalchemy as sa
from oslo_config import cfg

from ims_glance import conf as ims_conf
from ims_glance.cmd import job as jobs
from ims_glance.db.schema import JOBS, WORKERS
from ims_glance.db.supervision import JobEnded, UnknownJob
from ims_glance.db.worker import Workers
from ims_glance.model.job import WAITS, JobStatus

HOST = "host-1:4711:0a1b2c3d"
ONE = f"{1:032x}"


@pytest.fixture
def run(tables, capsys, woken):
    """Run a command; what it prints."""

    def run(*arguments):
        conf = cfg.ConfigOpts()
        conf.register_cli_opt(cfg.SubCommandOpt("command", handler=jobs.add_commands))
        conf(list(arguments), project="glance", default_config_files=[], default_config_dirs=[])
        ims_conf.register_opts(conf)
        conf.set_override("connection", tables.conf.ims_database.connection, "ims_database")
        conf.command.function(conf)
        return capsys.readouterr().out

    return run


def run_out(tables, job_id):
    change = sa.update(JOBS).where(JOBS.c.id == job_id).values(lease_until=1.0)
    tables.database.write(lambda connection: connection.execute(change))


def test_list(tables, run):
    assert run("job", "list").split() == [
        "ID", "TYPE", "STATE", "TASK", "AGE", "WORKER", "ATTEMPTS", "PROJECT",
    ]  # fmt: skip
    tables.create(1)
    claimed = tables.create(2, project_id="other", type="copy")
    claimed = tables.jobs.claim(claimed.id, HOST, 60)
    tables.jobs.progress(claimed, current_task="copy data")
    _head, second, first = run("job", "list").splitlines()
    assert second.split()[:5] == [f"{2:032x}", "copy", "RUNNING", "copy", "data"]
    assert second.split()[-3:] == ["host-1:4711", "1", "other"]
    assert first.split()[:4] == [ONE, "test", "INIT", "-"]
    assert first.split()[-3:] == ["-", "0", "project"]
    for arguments, found in (
        (["--limit", "1"], [2]),
        (["--state", "init"], [1]),
        (["--state", "INIT", "--state", "RUNNING"], [2, 1]),
        (["--state", "fail"], []),
        (["--project", "other"], [2]),
        (["--type", "test"], [1]),
    ):
        shown = json.loads(run("job", "list", "--json", *arguments))
        assert [int(each["id"], 16) for each in shown] == found, arguments


def test_a_job_whose_worker_died_is_seen(tables, run):
    tables.jobs.claim(tables.create().id, HOST, 60)
    run_out(tables, ONE)
    assert "lost by host-1:4711" in run("job", "list")
    assert "lost it when its lease ran out" in run("job", "show", ONE)
    (shown,) = json.loads(run("job", "list", "--json"))
    assert shown["worker"] == HOST
    assert shown["lease_seconds_left"] < 0


@pytest.mark.parametrize("arguments", [["--limit", "0"], ["--limit", "x"], ["--state", "lost"]])
def test_what_is_no_choice_is_refused(run, capsys, arguments):
    with pytest.raises(SystemExit):
        run("job", "list", *arguments)
    assert arguments[1].upper() in capsys.readouterr().err.upper()


def test_show(tables, run):
    tables.create(entities={WAITS: {"volume v1": 1.0}, "image_name": "i"}, arguments={"size": 3})
    shown = run("job", "show", ONE)
    assert shown.startswith(f"Job {ONE} (test): INIT\n")
    assert "  waited for: volume v1, since 1970-01-01T00:00:01.000Z (" in shown
    assert '  arguments:  {"size": 3}\n' in shown
    told = json.loads(run("job", "show", ONE, "--json"))
    (wait,) = told["waits"]
    assert (wait["what"], told["entities"], told["arguments"]) == (
        "volume v1",
        {"image_name": "i"},
        {"size": 3},
    )
    # Of a sub-job one is shown what it is a part of.
    assert run("job", "show", f"{ONE}-3").startswith(f"Job {ONE} (test)")


def test_show_has_no_secret(tables, run):
    token = "gAAAAA" + "x" * 60
    delegation_id, made = tables.delegation(grant="trust-4711")
    tables.create(arguments={"attributes": {"name": token, "other": "\x1b[31m"}})
    change = sa.update(JOBS).values(delegation_id=delegation_id, fail_reason=f"\x1b[2J {token}\nx")
    tables.database.write(lambda connection: connection.execute(change))
    for arguments in ([], ["--json"]):
        shown = run("job", "show", ONE, *arguments)
        for secret in (token, made.grant, delegation_id, "\x1b"):
            assert secret not in shown
        assert "making" in shown
        assert "***" in shown


def test_unknown_jobs(run):
    for command in ("show", "cancel", "reset"):
        for job_id in (ONE, "what\x1bever", "x" * 5000):
            with pytest.raises(UnknownJob) as refused:
                run("job", command, job_id)
            assert str(refused.value).isprintable()
            assert len(str(refused.value)) < 200


def test_cancel(tables, run, woken):
    claimed = tables.claimed()
    assert "is to be undone" in run("job", "cancel", ONE)
    assert tables.jobs.get(ONE).cancel_requested
    assert woken == [ONE]
    assert "RUNNING, cancelled" in run("job", "list")
    tables.jobs.finish(claimed, JobStatus.FAIL)
    assert "has ended already (FAIL): nothing is cancelled" in run("job", "cancel", ONE)
    assert woken == [ONE]


def test_reset(tables, run, woken):
    claimed = tables.claimed(seconds=630.0)
    told = run("job", "reset", ONE)
    assert "begins it in 10 min" in told
    assert "when its last lease has run out" in told
    assert woken == []
    run_out(tables, ONE)
    again = tables.jobs.claim(ONE, HOST, 60)
    assert again.attempts == 1
    run_out(tables, ONE)
    assert "begins it at once" in run("job", "reset", ONE)
    assert woken == [ONE]
    again = tables.jobs.claim(ONE, HOST, 60)
    tables.jobs.finish(again, JobStatus.FAIL, "IMG.0014", "Away.")
    with pytest.raises(JobEnded):
        run("job", "reset", ONE)
    assert claimed.generation < again.generation


def test_workers(tables, run):
    for number in range(3):
        tables.jobs.claim(tables.create(number).id, HOST, 60)
    run_out(tables, ONE)
    _head, line = run("worker", "list").splitlines()
    assert line.split()[:5] == ["host-1", "4711", "-", "2", "1"]
    assert line.endswith(" s ago")
    (shown,) = json.loads(run("worker", "list", "--json"))
    assert (shown["name"], shown["host"], shown["pid"]) == (HOST, "host-1", "4711")
    assert shown["heard_of_seconds_ago"] < 30
    assert shown["threads"] is None
    Workers(tables.database).hear("idle:1:x", 3)
    assert run("worker", "list").splitlines()[-1].split()[:5] == ["idle", "1", "3", "0", "0"]


def test_monitoring_asks_whether_a_worker_runs(tables, run):
    with pytest.raises(jobs.NoWorker, match="No worker was heard of in the last 30 s"):
        run("worker", "check")
    for name in ("host-1:1:x", "host-1:2:x", "host-2:1:x"):
        Workers(tables.database).hear(name, 4)
    change = sa.update(WORKERS).where(WORKERS.c.name == "host-2:1:x")
    tables.database.write(
        lambda connection: connection.execute(change.values(heard=WORKERS.c.heard - 100))
    )
    assert run("worker", "check").startswith("2 worker(s), the last one heard of ")
    assert run("worker", "check", "--host", "host-1").startswith("2 worker(s)")
    assert run("worker", "check", "--host", "host-2", "--seconds", "3600").startswith("1 worker(s)")
    with pytest.raises(jobs.NoWorker, match="No worker of host host-2 was heard"):
        run("worker", "check", "--host", "host-2")
    # Of an earlier version, which says nothing: it renews its leases.
    tables.jobs.claim(tables.create().id, "host-3:1:x", 60)
    assert run("worker", "check", "--host", "host-3").startswith("1 worker(s)")
