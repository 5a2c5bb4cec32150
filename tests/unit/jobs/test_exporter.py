# SPDX-License-Identifier: Apache-2.0
"""What Prometheus is told of the tables, and by whom."""

import contextlib
import socket
import threading
import time
import urllib.request

import pytest

from ims_glance import metrics
from ims_glance.db.audit import AuditEvents
from ims_glance.db.worker import Workers
from ims_glance.jobs import exporter
from ims_glance.jobs.exporter import Exporter
from ims_glance.model.job import JobStatus
from tests.unit.jobs import worker_bench

PATIENCE = 60.0


@pytest.fixture
def port(tables):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        number = int(taken.getsockname()[1])
    tables.conf.set_override("bind_port", number, "ims_metrics")
    return number


@contextlib.contextmanager
def running(tables):
    stopping = threading.Event()
    made = Exporter(tables.conf, tables.database, stopping)
    made.start()
    try:
        yield made
    finally:
        stopping.set()
        made.stop()


def scrape(port):
    """What is told, once somebody answers."""
    end = time.monotonic() + PATIENCE
    while True:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=30) as answer:
                return answer.read().decode().splitlines()
        except OSError:
            assert time.monotonic() < end
            time.sleep(0.05)


def test_jobs_workers_and_events(tables, port):
    tables.create(1)
    tables.create(2, type="copy")
    tables.claimed(3, type="copy")
    Workers(tables.database).hear("worker", 4)
    events = AuditEvents(tables.conf, tables.database)
    events.add([("audit", {"attachments": [{"content": {}}]})] * 3)
    metrics.job_ended("exported", "SUCCESS", 1.0, 7)
    with running(tables):
        told = scrape(port)
    for line in (
        "ims_database_up 1.0",
        'ims_jobs_unfinished{status="INIT",type="test"} 1.0',
        'ims_jobs_unfinished{status="INIT",type="copy"} 1.0',
        'ims_jobs_unfinished{status="RUNNING",type="copy"} 1.0',
        "ims_jobs_waiting 2.0",
        "ims_workers 1.0",
        "ims_audit_events_unsent 3.0",
        'ims_job_bytes_total{type="exported"} 7.0',
    ):
        assert line in told, line
    for name in ("ims_jobs_oldest_wait_seconds", "ims_audit_events_oldest_unsent_seconds"):
        (value,) = (float(line.split()[1]) for line in told if line.startswith(f"{name} "))
        assert 0 <= value < PATIENCE


def test_nothing_to_tell(tables, port):
    with running(tables):
        told = scrape(port)
    assert "ims_jobs_waiting 0.0" in told
    assert "ims_jobs_oldest_wait_seconds 0.0" in told
    assert "ims_audit_events_oldest_unsent_seconds 0.0" in told


def test_the_database_is_away(tables, port):
    with tables.database.engine.begin() as connection:
        connection.exec_driver_sql("DROP TABLE workers")
    with running(tables):
        told = scrape(port)
    assert "ims_database_up 0.0" in told
    assert not any(line.startswith("ims_workers") for line in told)


def test_of_several_workers_one_answers_and_then_another(tables, port, monkeypatch):
    monkeypatch.setattr(exporter, "_PAUSE", 0.05)
    with running(tables) as first:
        scrape(port)
        with running(tables) as second:
            time.sleep(0.2)
            assert second._server is None
            first.stop()
            assert "ims_database_up 1.0" in scrape(port)
            assert second._server is not None
            first._server = None


def test_it_is_off_by_default(tables, monkeypatch):
    monkeypatch.setattr(threading, "Thread", None)
    with running(tables) as made:
        assert made._server is None


def test_without_the_library_it_says_what_to_install(tables, port, monkeypatch, caplog):
    monkeypatch.setattr(metrics, "prometheus_client", None)
    with running(tables):
        assert "install 'ims_glance[metrics]' here" in caplog.text


def test_jobs_that_end_are_counted(tables, monkeypatch):
    began, ended = [], []
    monkeypatch.setattr(metrics, "job_began", lambda *told: began.append(told))
    monkeypatch.setattr(metrics, "job_ended", lambda *told: ended.append(told))
    one = worker_bench.job(tables, is_open=True)
    with worker_bench.running(tables):
        worker_bench.until(lambda: ended)
    assert [told[0] for told in began] == ["test"]
    ((kind, how, seconds, size),) = ended
    assert (kind, how, size) == ("test", JobStatus.SUCCESS, 0)
    assert worker_bench.status(tables, one) is JobStatus.SUCCESS
    assert 0 <= began[0][1] <= seconds < PATIENCE
