# SPDX-License-Identifier: Apache-2.0
"""Jobs as tests see them: accepted in this process, run by workers that the test starts."""

import atexit
import functools
import os
import signal
import time
import types
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from oslo_config import cfg
from oslo_messaging import conffixture
from pocket_cloud.cloud import Cloud
from pocket_cloud.setup import base

from ims_glance import conf as ims_conf
from ims_glance.api.common.acceptance import Acceptance
from ims_glance.db import migrations
from ims_glance.db.database import Database
from ims_glance.model.job import StoredJob
from tests.cloud import forks, pocket, worker_process

FAST = {
    "lease_seconds": 3.0,
    "scan_seconds": 0.3,
    "sweep_seconds": 1.0,
    "stop_seconds": 5.0,
    "delegation_idle_seconds": 0.0,
}


def configuration(
    region: str = "one", connection: str | None = None, **options: Any
) -> cfg.ConfigOpts:
    """What a region's Glance is configured with, but for the database and ``[ims_jobs]``."""
    conf = cfg.ConfigOpts()
    conf([], default_config_files=pocket.glance_config_files(region), project="glance")
    ims_conf.register_opts(conf)
    # Some of its options it registers on the one global configuration only.
    conffixture.ConfFixture(conf)
    if connection is not None:
        conf.set_override("connection", connection, "ims_database")
    for name, value in options.items():
        conf.set_override(name, value, "ims_jobs")
    return conf


def caller(connection: Any) -> types.SimpleNamespace:
    """A request's context, as Glance makes it from the token of a connection."""
    connection.authorize()
    access = connection.session.auth.get_access(connection.session)
    return types.SimpleNamespace(
        auth_token=access.auth_token,
        user_id=access.user_id,
        project_id=access.project_id,
        roles=list(access.role_names),
        login=("method password",),
    )


@functools.cache
def database() -> str:
    """A new database of this process, so that nobody else's worker takes its jobs; its address."""
    cloud = Cloud.from_environment()
    name = f"ims_test_{uuid.uuid4().hex[:8]}"
    base.sql(cloud, f"CREATE DATABASE {name}; GRANT ALL ON {name}.* TO 'ims'@'127.0.0.1';")
    atexit.register(base.sql, cloud, f"DROP DATABASE {name};")
    url: str = configuration().ims_database.connection.replace("/ims_one?", f"/{name}?")
    migrations.sync(Database(configuration(connection=url)).engine)
    return url


class Bench:
    """The API's side, with the tables in reach. Database and topic are the test's own."""

    def __init__(self, **options: Any) -> None:
        self.topic = f"ims-test-{uuid.uuid4().hex[:8]}"
        self.options = {**FAST, "topic": self.topic, **options}
        self.conf = configuration(connection=database(), **self.options)
        self.acceptance = Acceptance(self.conf)
        self.database = Database(self.conf)

    def accept(self, connection: Any, **arguments: Any) -> str:
        """Have a ``testSmall`` job accepted."""
        arguments.setdefault("name", f"test-{uuid.uuid4()}")
        return self.acceptance.accept(
            caller(connection), "testSmall", arguments, creates_image=True
        )

    def job(self, job_id: str) -> StoredJob:
        """The job as it is now."""
        return self.acceptance._jobs.get(job_id)

    def ended(self, job_id: str, seconds: float = 60.0) -> StoredJob:
        """The job when it has ended.

        :raises AssertionError: if it does not
        """
        end = time.monotonic() + seconds
        while not (job := self.job(job_id)).is_finished:
            assert time.monotonic() < end, f"still {job}"
            time.sleep(0.1)
        return job

    def until(self, job_id: str, **wanted: Any) -> StoredJob:
        """The job when its attributes are as wanted."""
        end = time.monotonic() + 60
        while True:
            job = self.job(job_id)
            if all(getattr(job, name) == value for name, value in wanted.items()):
                return job
            assert time.monotonic() < end, f"still {job}"
            time.sleep(0.05)

    def end_lease(self, job_id: str) -> None:
        """Have nobody hold a job, after its worker was seen to die.

        (What a lease is for has tests of its own: it runs out by itself in ``test_jobs``.)
        """
        change = sa.text("UPDATE jobs SET lease_until = 0 WHERE id = :id AND lease_until > 0")
        self.database.write(lambda connection: connection.execute(change, {"id": job_id}))

    def rows(self, table: str) -> list[Any]:
        """All rows of a table."""
        query = sa.text(f"SELECT * FROM {table}")
        return self.database.read(lambda connection: list(connection.execute(query)))

    @contextmanager
    def worker(
        self, die: dict[str, str] | None = None, slow: float = 0.0, **options: Any
    ) -> Iterator["Process"]:
        """A worker process, for as long as the block."""
        process = self.start(die, slow, **options)
        try:
            yield process
            # Killed at once it could leave a delegation to the next worker.
            process.end()
        finally:
            process.kill()

    def start(
        self, die: dict[str, str] | None = None, slow: float = 0.0, **options: Any
    ) -> "Process":
        """A worker process."""
        wish: dict[str, Any] = {"connection": database(), "options": {**self.options, **options}}
        if die is not None:
            wish["die"] = die
        if slow:
            wish["slow"] = slow
        return Process(wish)


class Process:
    """A worker process; its output is in ``log``."""

    def __init__(self, wish: dict[str, Any]) -> None:
        self.log = pocket.HOME / "logs" / f"test-worker-{uuid.uuid4().hex[:8]}.log"
        self._process = forks.start(
            worker_process.main, wish, environment=pocket.glance_environment(), output=self.log
        )

    @property
    def pid(self) -> int:
        """The process."""
        return int(self._process.pid or 0)

    def signal(self, number: int) -> None:
        """Send a signal, if it lives."""
        if self.lives:
            os.kill(self.pid, number)

    @property
    def lives(self) -> bool:
        """Whether the process is there."""
        return self._process.exitcode is None

    def wait(self, seconds: float = 60.0) -> int:
        """Wait for its end; the exit status, negative for a signal.

        :raises AssertionError: if it does not end
        """
        self._process.join(seconds)
        code = self._process.exitcode
        assert code is not None, f"the worker goes on after {seconds:.0f} s"
        return code

    def end(self) -> None:
        """Tell it to stop, if it lives, and wait until it has."""
        self.signal(signal.SIGCONT)
        self.signal(signal.SIGTERM)
        self.wait(20)

    def kill(self) -> None:
        """End it, however; its log is removed."""
        self.signal(signal.SIGKILL)
        self._process.join(10)
        Path(self.log).unlink(missing_ok=True)


def trusts(connection: Any) -> list[str]:
    """Ids of the trusts that a user has given."""
    answer = connection.session.get(
        "/OS-TRUST/trusts",
        endpoint_filter={"service_type": "identity", "interface": "public", "min_version": "3"},
        params={"trustor_user_id": connection.current_user_id},
    )
    return [trust["id"] for trust in answer.json()["trusts"]]


def owned(connection: Any) -> dict[str, str]:
    """The images of a project: id -> status."""
    owner = connection.current_project_id
    return {image.id: image.status for image in connection.image.images(owner=owner)}


def eventually(look: Any, wanted: Any, seconds: float = 120.0) -> None:
    """Check that something is as wanted, now or soon."""
    end = time.monotonic() + seconds
    while (found := look()) != wanted and time.monotonic() < end:
        time.sleep(0.3)
    assert found == wanted, f"{found} is not {wanted}"
