# SPDX-License-Identifier: Apache-2.0
"""Workers in this process, over one database, and jobs that last until the test says so."""

import contextlib
import threading
import time
from typing import Any, ClassVar

import sqlalchemy as sa
from oslo_context.context import get_current
from taskflow.patterns import linear_flow

from ims_glance.db import clock
from ims_glance.db.schema import JOBS
from ims_glance.jobs.task import Task
from ims_glance.jobs.worker import Worker
from ims_glance.model.job import COPY_CROSS_REGION

PATIENCE = 240.0


class Hold(Task):
    """Lasts until the test says so."""

    gates: ClassVar[dict[str, threading.Event]] = {}
    logged: ClassVar[dict[str, Any]] = {}

    def execute(self):
        self.logged[self.job.id] = get_current()
        while not self.gates[self.job.id].is_set():
            self.job.pause(0.05)


class Ask(Task):
    """Asks the Image API for something as the caller, with a token that it needs for that."""

    def execute(self):
        self.job.image.get("1")


def _flow_of(task):
    return lambda job: linear_flow.Flow("f").add(task(job))


@contextlib.contextmanager
def running(tables, **options):
    """A worker that looks all the time, and what it was told to wake up."""
    settings = {
        "lease_seconds": 1.5,
        "scan_seconds": 0.1,
        "sweep_seconds": 0.1,
        "delegation_idle_seconds": 0.0,
        **options,
    }
    for name, value in settings.items():
        tables.conf.set_override(name, value, "ims_jobs")

    worker = Worker(
        tables.conf,
        {"test": _flow_of(Hold), "ask": _flow_of(Ask), COPY_CROSS_REGION: _flow_of(Hold)},
    )
    worker.start()
    try:
        yield worker
    finally:
        worker.stop()


def job(tables, number=1, is_open=False, **values):
    made = tables.create(number, **values)
    Hold.gates[made.id] = threading.Event()
    if is_open:
        Hold.gates[made.id].set()
    return made.id


def until(look):
    end = time.monotonic() + PATIENCE
    while not look():
        assert time.monotonic() < end
        time.sleep(0.02)


def status(tables, job_id):
    return tables.jobs.get(job_id).status


def lasts(tables, job_id, seconds):
    """Whether the job's lease is one of at least so many seconds more."""
    query = sa.select(JOBS.c.id).where(
        JOBS.c.id == job_id, JOBS.c.lease_until > clock.now() + seconds
    )
    return tables.database.read(lambda connection: connection.scalar(query))


def rename(tables, old, new):
    """As if the tables were those of another version, or not made yet."""
    with tables.database.engine.begin() as connection:
        connection.exec_driver_sql(f"ALTER TABLE {old} RENAME TO {new}")
