# SPDX-License-Identifier: Apache-2.0
"""Jobs in the databases of real servers: MariaDB, and PostgreSQL where that is installed."""

import contextlib
import functools
import importlib
import os
import pwd
import re
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
import sqlalchemy as sa
from taskflow.patterns import linear_flow

from ims_glance.clouds import coordination
from ims_glance.db import clock, delegation, migrations
from ims_glance.db import job as jobs
from ims_glance.db.audit import AuditEvents, Wanted
from ims_glance.db.database import Database, DatabaseBroken
from ims_glance.db.lease import Leases
from ims_glance.db.orphan import MOST, Orphan, OrphanLook, OrphanLooks
from ims_glance.db.report import GuestReports
from ims_glance.db.schema import METADATA
from ims_glance.db.standing.claims import StandingClaims
from ims_glance.db.standing.copies import StandingCopies, TooManyStandingCopies
from ims_glance.db.supervision import Supervision
from ims_glance.db.worker import Workers
from ims_glance.jobs.engine import Runner
from ims_glance.jobs.task import Task
from ims_glance.model.job import BEFORE_RESET, JobStatus, StoredJob
from tests.unit import job_database
from tests.unit.db.market import rows as market_rows
from tests.unit.db.standing.rows import IMAGE, numbered
from tests.unit.db.test_migrations import differences
from tests.unit.jobs import job_bench

_PATIENCE = 240.0
SECOND = "22222222-2222-2222-2222-222222222222"


@contextlib.contextmanager
def _running(
    command: list[str], is_ready: Callable[[], bool], end_by: signal.Signals, **options: Any
) -> Iterator[None]:
    process = subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **options
    )
    try:
        end = time.monotonic() + _PATIENCE
        while not is_ready():
            assert process.poll() is None, command
            assert time.monotonic() < end
            time.sleep(0.1)
        yield
    finally:
        process.send_signal(end_by)
        process.wait(240)


def _succeeds(*command: str) -> bool:
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


@contextlib.contextmanager
def mariadb(folder: Path) -> Iterator[str]:
    """A new server; the address of an empty database."""
    user = pwd.getpwuid(os.getuid()).pw_name
    data, socket = folder / "data", folder / "socket"
    common = ["--no-defaults", f"--user={user}", f"--datadir={data}"]
    install = ["mariadb-install-db", *common, "--skip-test-db"]
    subprocess.run(
        [*install, "--auth-root-authentication-method=normal"], capture_output=True, check=True
    )
    server = ["mariadbd", *common, f"--socket={socket}", "--skip-networking", "--skip-log-bin"]
    client = ["mariadb", "--no-defaults", f"--socket={socket}", "--user=root", "-e"]
    with _running(server, lambda: _succeeds(*client, "SELECT 1"), signal.SIGTERM):
        subprocess.run([*client, "CREATE DATABASE ims CHARACTER SET utf8mb4"], check=True)
        yield f"mysql+pymysql://root@localhost/ims?unix_socket={socket}&charset=utf8mb4"


@contextlib.contextmanager
def postgresql(folder: Path) -> Iterator[str]:
    """The same; PostgreSQL refuses to run as root."""
    # Others have to find their way to the folder.
    for parent in (folder, *folder.parents[:3]):
        parent.chmod(0o755)
    user = "postgres" if os.getuid() == 0 else pwd.getpwuid(os.getuid()).pw_name
    shutil.chown(folder, user)
    who: dict[str, Any] = {"user": user} if os.getuid() == 0 else {}
    data = folder / "data"
    initdb = [str(_POSTGRESQL / "initdb"), "-D", str(data), "-A", "trust", "-U", "ims"]
    subprocess.run([*initdb, "--no-sync"], capture_output=True, check=True, cwd=folder, **who)
    server = [str(_POSTGRESQL / "postgres"), "-D", str(data), "-k", str(folder), "-h", "", "-F"]
    ready = [str(_POSTGRESQL / "pg_isready"), "-h", str(folder)]
    # At once: by SIGTERM it would wait for those who are connected, as a coordinator of locks is to its end.
    with _running(server, lambda: _succeeds(*ready), signal.SIGINT, cwd=folder, **who):
        yield f"postgresql+psycopg2://ims@/postgres?host={folder}"


_POSTGRESQL = max(Path("/usr/lib/postgresql").glob("*/bin"), default=Path("/nonexistent"))
SERVERS = [mariadb, *([postgresql] if (_POSTGRESQL / "postgres").exists() else [])]


@pytest.fixture(scope="module", params=SERVERS, ids=lambda server: server.__name__)
def url(request, tmp_path_factory):
    with request.param(tmp_path_factory.mktemp("server")) as address:
        yield address


@pytest.fixture
def tables(url):
    made = job_database.Tables(url)
    yield made
    with made.database.engine.begin() as connection:
        for table in (
            "jobs",
            "tallies",
            "delegations",
            "logbooks",
            "audit_events",
            "leases",
            "workers",
            "standing_copies",
            "standing_images",
            "receptions",
            "guest_reports",
            "orphan_looks",
            "orphans",
            *(name for name in METADATA.tables if name.startswith("market_")),
        ):
            connection.exec_driver_sql(f"DELETE FROM {table}")
    made.database.engine.dispose()


def test_locks_exclude_whatever_was_locked_before(url, monkeypatch):
    conf = job_database.configuration(None)
    address = url.replace("+pymysql", "").replace("+psycopg2", "")
    conf.set_override("coordination_url", address, "ims_kms")
    made = mock.Mock(wraps=importlib.import_module("pymysql").Connect)
    monkeypatch.setattr("pymysql.Connect", made)
    entered = {name: threading.Event() for name in ("one", "two")}

    def enter(name):
        with coordination.lock(conf, "image", name):
            entered[name].set()

    for name in ("one", "two", "one", "two", "one"):
        with coordination.lock(conf, "image", name):
            pass
    with coordination.lock(conf, "image", "two"):
        threads = [threading.Thread(target=enter, args=[name]) for name in entered]
        for thread in threads:
            thread.start()
        assert entered["one"].wait(_PATIENCE)
        time.sleep(0.5)
        assert not entered["two"].is_set()
    assert entered["two"].wait(_PATIENCE)
    for thread in threads:
        thread.join()
    # A connection object costs more than the rest of it: the coordinator's own, one of each name, and one more
    # where two wanted the same at once.
    assert made.call_count == (4 if "mysql" in address else 0)


def test_reports_are_kept_with_images(tables):
    reports: Any = GuestReports(tables.database)
    job = tables.claimed()
    for content in ({"notes": ["ü"]}, {"notes": ["x" * 70_000]}):
        reports.keep(job, IMAGE.image_id, content)
        assert reports.get(IMAGE.image_id).content == content
    reports.copy(job, IMAGE.image_id, SECOND)
    assert reports.get(SECOND).made_at == reports.get(IMAGE.image_id).made_at
    reports.forget(IMAGE.image_id)
    assert (reports.get(IMAGE.image_id), reports.get(SECOND).content) == (None, content)


def at_once(count, work):
    """Call *work* with 0, 1, ... in threads that begin together; what they return."""
    barrier, results = threading.Barrier(count), []

    def call(number):
        barrier.wait()
        results.append(work(number))

    threads = [threading.Thread(target=call, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(240)
    assert len(results) == count
    return results


def test_one_look_for_orphans_is_kept_whoever_records_at_once(tables):
    """In a region; also the first ones, and with names that are no text of the database's."""
    looks = OrphanLooks(tables.database)

    def look(number):
        orphan = Orphan("kms", (f"ims-{number}", "\u0000\udc80\U0001f600"), 1764000000.5, "ü")
        return OrphanLook(1764500000.25 + number, 24.0, MOST + 1, (orphan,) * MOST)

    at_once(4, lambda number: looks.record("RegionOne", look(number)))
    looks.record("RegionTwo", look(9))
    assert looks.last("RegionOne") in [look(number) for number in range(4)]
    looks.record("RegionOne", OrphanLook(1.0, 0.0, 0, ()))
    assert looks.last("RegionOne") == OrphanLook(1.0, 0.0, 0, ())
    assert looks.last("RegionTwo") == look(9)


def test_the_tables_are_those_of_the_schema(tables):
    engine = tables.database.engine
    assert migrations.sync(engine) == migrations.version(engine) == migrations.newest()
    assert differences(engine) == []


def test_the_clock(tables):
    before = time.time()
    now = tables.database.read(lambda connection: connection.scalar(sa.select(clock.now())))
    assert before - 1 < now < time.time() + 1


def test_audit_events_of_many_processes(tables):
    """None is lost or doubled, and one of many sends them."""
    tables.conf.set_override("keep_events", 30, "ims_audit")
    content = {"attachments": [{"content": {"project_id": "project", "image_ids": ["\u00e9'\\"]}}]}

    def add(number):
        events = AuditEvents(tables.conf, tables.database)
        events.add([(f"{number}.{index}", content) for index in range(10)])
        return Leases(tables.database).take("audit", str(number), 60)

    assert at_once(5, add).count(True) == 1
    events = AuditEvents(tables.conf, tables.database)
    unsent = events.unsent(99)
    assert len({event.type for event in unsent}) == 50
    assert {event.content["attachments"][0]["content"]["project_id"] for event in unsent} == {
        "project"
    }
    for number in range(5):
        own = [event.type for event in unsent if event.type.startswith(f"{number}.")]
        assert own == [f"{number}.{index}" for index in range(10)]
    events.record_sent([event.id for event in unsent[:45]])
    assert len(events.unsent(99)) == 5
    at_once(3, lambda _number: events.prune())
    assert events.last(99, Wanted(time.time() - 3600, "project")) == unsent[20:]
    assert events.last(99, Wanted(image_id="project")) == unsent[20:]
    assert events.send_again(Wanted(time.time() - 3600)) == 25


def test_one_of_many_claims_it(tables):
    job = tables.create()
    claims = at_once(10, lambda number: tables.jobs.claim(job.id, str(number), 60))
    (claimed,) = filter(None, claims)
    assert tables.jobs.get(job.id) == claimed


def test_of_a_job_that_is_reset_nothing_is_lost(tables):
    """Its worker records something at the same moment: either that is there, or it was refused."""
    supervision = Supervision(tables.database)
    for number in range(5):
        job = tables.claimed(number)

        def work(place, job=job):
            if place == 0:
                supervision.reset(job.id)
                return 0
            try:
                tables.jobs.progress(job, entities={"made": place})
            except jobs.Fenced:
                return 0
            return place

        told = set(at_once(4, work))
        found = supervision.get(job.id)
        assert found.job.entities.get("made", 0) in told
        assert found.job.entities[BEFORE_RESET] == found.job.generation == 2
        assert found.lease is not None and 50 < found.lease <= 60
        assert found.job.entities.get("made") or told == {0}
    assert supervision.workers() == []
    tables.claimed(9)
    for _twice in range(2):
        Workers(tables.database).hear("worker", 4)
    (worker,) = supervision.workers()
    assert (worker.jobs, worker.lost, worker.threads) == (1, 0, 4)
    assert worker.heard is not None and worker.lease is not None and worker.heard < 10
    assert 50 < worker.lease <= 60
    assert len(supervision.find([JobStatus.RUNNING], limit=3)) == 3
    figures = supervision.figures()
    assert sum(figures.unfinished.values()) >= 3
    assert (figures.workers, figures.unsent, figures.oldest_unsent) == (1, 0, 0.0)
    assert 0 <= figures.oldest_wait < _PATIENCE
    AuditEvents(tables.conf, tables.database).add([("audit", {"attachments": [{"content": {}}]})])
    figures = supervision.figures()
    assert (figures.unsent, 0 <= figures.oldest_unsent < _PATIENCE) == (1, True)


def test_projects_take_turns(tables):
    for number, project_id in enumerate(["many", "many", "many", "few", "few"]):
        tables.create(number, project_id=project_id)
    tables.jobs.claim(f"{0:032x}", "worker", 60)
    found = tables.jobs.claimable(["test"], 10)
    assert [int(each, 16) for each in found] == [3, 1, 4, 2]
    assert tables.jobs.claimable(["test"], 10, ["few", "many"]) == []


def test_the_last_place_is_taken_once(tables):
    def create(number):
        try:
            tables.create(number, limit=3, creates_image=True)
        except jobs.TooManyTasks:
            return False
        return True

    assert sum(at_once(10, create)) == 3
    for number in range(10):
        claimed = tables.jobs.claim(f"{number:032x}", "worker", 60)
        if claimed is not None:
            tables.jobs.finish(claimed, JobStatus.SUCCESS)
    tables.create(11, limit=1, creates_image=True)


def test_cancelled_and_ended_at_once(tables):
    """Whoever was told that a job is undone never finds it done."""
    for number in range(20):
        claimed = tables.claimed(number)

        def work(which, claimed=claimed):
            if which:
                return not tables.jobs.request_cancel(claimed.id, "project").is_finished
            try:
                tables.jobs.finish(claimed, JobStatus.SUCCESS)
            except jobs.CancelAccepted:
                return True
            return False

        is_cancelled, is_undone = at_once(2, work)
        assert is_cancelled is is_undone
        ended = tables.jobs.get(claimed.id)
        assert (ended.status is JobStatus.SUCCESS) is not is_undone


@pytest.mark.parametrize(
    ("old", "new", "query", "advice"),
    [
        ("", "", "SELECT 1 FROM nothing", "ims-manage db sync"),
        ("", "", "SELECT nothing FROM jobs", "ims-manage db sync"),
        ("//root@|//ims@", "//nobody:wrong@", "SELECT 1", "may log in"),
        ("/ims\\?|/postgres\\?", "/nothing?", "SELECT 1", "make the database"),
    ],
)
def test_what_somebody_has_to_mend_is_said(tables, url, old, new, query, advice):
    address = re.sub(old, new, url) if old else url
    broken = Database(job_database.configuration(address))
    with pytest.raises(DatabaseBroken, match=advice) as refused:
        broken.read(lambda connection: connection.execute(sa.text(query)))
    assert "SELECT" not in str(refused.value)
    with contextlib.suppress(DatabaseBroken):
        broken.engine.dispose()


def test_the_tables_are_looked_at(tables):
    Runner(tables.database, tables.jobs, {}).check()


def test_accepted_and_ended_at_once_the_delegation_is_not_lost(tables):
    delegation_id, made = tables.delegation()
    first = StoredJob(f"{99:032x}", "test", "project", "user", delegation_id=delegation_id)
    tables.jobs.create(first, 10, made)

    def work(number):
        if number == 0:
            tables.jobs.finish(tables.jobs.claim(first.id, "worker", 60), JobStatus.SUCCESS)
            return tables.delegations.end(delegation_id)
        try:
            tables.create(number, delegation_id=delegation_id)
        except delegation.Ended:
            return None
        return number

    ended = any(isinstance(each, delegation.Delegation) for each in at_once(8, work))
    using = [job for job in tables.jobs.find("project") if not job.is_finished]
    # Either it was given back and nobody uses it, or somebody does and it stays.
    assert ended == (using == [])


def test_replications_of_many_workers(tables):
    """Each is one worker's, its images are recorded once, and nothing of it is left."""
    copies, claims = StandingCopies(tables.database), StandingClaims(tables.database)
    for number in (1, 2, 3):
        standing = numbered(number, project_id="other" if number == 3 else "project")
        copies.create(standing, 2, 600.0)
        copies.activate(standing.id, {})
    with pytest.raises(TooManyStandingCopies):
        copies.create(numbered(4), 2, 600.0)
    assert set(claims.due(2)) == {numbered(1).id, numbered(3).id}
    for standing_id in claims.due(10):
        taken = at_once(4, lambda number, each=standing_id: claims.claim(each, f"w{number}", 60))
        (claimed,) = [each for each in taken if each is not None]
        at_once(4, lambda _number, each=claimed: claims.add(each, [IMAGE]))
        assert copies.images(standing_id) == [IMAGE]
        claims.tell(claimed, None, None)
        copies.delete(standing_id)
        claims.remove(claimed)
    assert (copies.find(), claims.due(10)) == ([], [])
    copies.check_limit("project", 1)


class Step(Task):
    """Fails if it is the last one."""

    def execute(self):
        if self.name == "c":
            raise jobs.TooManyTasks(project_id="ü", limit=1, kind="x")
        return {"name": self.name, "ü": [1, None]}

    def revert(self, **_):
        pass


def test_a_flow_is_recorded_and_undone(tables):
    def flow(job):
        return linear_flow.Flow("f").add(*(Step(job, name=name) for name in "abc"))

    job = job_bench.context(tables, arguments={"name": "ü"})
    runner = Runner(tables.database, tables.jobs, {"test": flow})
    assert runner.run(job) is JobStatus.FAIL
    assert tables.jobs.get(job.id).error_code == "IMG.0060"
    runner.forget(job.id)
    with tables.database.engine.connect() as connection:
        for table in ("logbooks", "flowdetails", "atomdetails"):
            assert connection.exec_driver_sql(f"SELECT count(*) FROM {table}").scalar() == 0


def test_a_market_of_many_processes(tables):
    """Of decisions at once one is taken, nobody subscribes twice, and the last copy counts once."""
    market = market_rows.MarketTables(tables.database)
    seller, reviewer = market_rows.SELLER, market_rows.REVIEWER
    for _number in range(3):
        version = market.submitted()
        copies = [
            functools.partial(market.copied, version, region) for region in market_rows.REGIONS
        ]
        assert market_rows.refusals(market_rows.at_once(*copies)) == []
        version = market.versions.get_any(version.id)
        assert str(version.state) == "in review"
        approve = functools.partial(
            market.versions.approve, version, reviewer, market_rows.PUBLICATION, None
        )
        take_back = functools.partial(market.versions.take_back, version, seller)
        reject = functools.partial(market.versions.reject, version, reviewer, "no")
        results = market_rows.at_once(approve, take_back, reject, approve)
        assert len(market_rows.refusals(results)) == 3
        left = market.of(version)
        assert (str(left.state) == "listed") is (None in (results[0], results[3]))
        assert left.submission_id is None
    product = market.listed()
    subscribe = functools.partial(market.subscribe, product)
    restrict = functools.partial(market.entitlements.restrict, product.id, "sellers", seller, None)
    results = market_rows.at_once(subscribe, subscribe, restrict, subscribe)
    has_it = market.entitlements.of_project("buyers", product.product_code)
    assert len(has_it) <= 1
    assert len(market_rows.refusals(results)) == (0 if has_it else 3)
    assert len(market.members.to_do(product_id=product.id)) == 2 * len(has_it)
    market.entitlements.withdraw(product.id, "sellers", seller, None, after=3600.0)
    assert market.entitlements.end_due() == 0
    assert market.entitlements.images("buyers").keys() == {product.id for _each in has_it}
