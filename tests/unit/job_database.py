# SPDX-License-Identifier: Apache-2.0
"""A database for jobs, in a file, and a configuration that names it."""

import atexit
import contextlib
import functools
import shutil
import tempfile
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from oslo_config import cfg
from sqlalchemy.engine import Connection

from ims_glance import conf as ims_conf
from ims_glance.db import delegation, migrations
from ims_glance.db.database import Database
from ims_glance.db.delegation import Caller, Delegations, Made
from ims_glance.db.job import Jobs
from ims_glance.db.schema import DELEGATIONS, JOBS
from ims_glance.model.job import StoredJob
from tests.unit.clouds.backups_server import SECRETS

CALLER = Caller("user", "project", "roles")
EXPIRES = "2030-01-01T00:00:00.123456Z"
_SQLITE = "sqlite:///"
IN_MEMORY = "sqlite://"


def configuration(url: str | None, **options: Any) -> cfg.ConfigOpts:
    """A configuration with a database; *options* are of ``[ims_jobs]``."""
    conf = cfg.ConfigOpts()
    conf([], project="glance", default_config_files=[], default_config_dirs=[])
    ims_conf.register_opts(conf)
    conf.set_override("connection", url, "ims_database")
    conf.set_override("sqlite_synchronous", False, "ims_database")
    conf.set_override("signing_secrets", SECRETS, "ims_backups")
    for name, value in options.items():
        conf.set_override(name, value, "ims_jobs")
    return conf


def sqlite(folder: Path) -> str:
    """The address of a new database."""
    return f"{_SQLITE}{folder}/jobs.sqlite"


@functools.cache
def _empty() -> Path:
    """A database with empty tables, to be copied: migrations take longer than many a test."""
    folder = tempfile.mkdtemp()
    atexit.register(shutil.rmtree, folder)
    database = Database(configuration(sqlite(Path(folder))))
    migrations.sync(database.engine)
    database.engine.dispose()
    return Path(folder) / "jobs.sqlite"


class _Statements(dict[Any, Any]):
    """What SQLAlchemy made of statements, for whichever database it was: each test has a new one."""

    def get(self, key: Any, default: Any = None) -> Any:
        """Of a key, all but the first, which is the dialect."""
        return super().get(key[1:], default)

    def __setitem__(self, key: Any, made: Any) -> None:
        super().__setitem__(key[1:], made)


STATEMENTS = _Statements()
"""Those for SQLite, of this process."""


class _SqliteDatabase(Database):
    """To make a statement takes longer than to execute it."""

    def _start(self) -> Any:
        manager = super()._start()
        manager.writer.get_engine().update_execution_options(compiled_cache=STATEMENTS)
        return manager


def _execute(change: sa.Update, connection: Connection) -> None:
    connection.execute(change)


class Tables:
    """A database with its tables; a new one, if it is SQLite's."""

    def __init__(self, url: str, **options: Any) -> None:
        self.conf = configuration(url, **options)
        self.database = (_SqliteDatabase if url.startswith("sqlite:") else Database)(self.conf)
        if url.startswith(_SQLITE):
            shutil.copy(_empty(), url.removeprefix(_SQLITE))
        elif url == IN_MEMORY:
            with contextlib.closing(self.database.engine.raw_connection()) as pooled:
                pooled.driver_connection.deserialize(_empty().read_bytes())  # type: ignore[union-attr]
        else:
            migrations.sync(self.database.engine)
        self.jobs = Jobs(self.database)
        self.delegations = Delegations(self.database)

    def delegation(self, grant: str = "trust", expires_at: str = EXPIRES) -> tuple[str, Made]:
        """A delegation that is being made, and what its first job says."""
        delegation_id = self.delegations.begin(CALLER, expires_at)
        return delegation_id, Made(delegation_id, grant)

    def delegated(self, grant: str) -> str:
        """Id of a delegation that jobs can use."""
        delegation_id, made = self.delegation(grant)
        self.database.write(lambda connection: delegation.record(connection, made))
        return delegation_id

    def elapse(self, seconds: float) -> None:
        """As if so many seconds had gone by: what was recorded lies further back."""
        for column in (JOBS.c.lease_until, DELEGATIONS.c.begun):
            earlier = column.table.update().values({column.name: column - seconds})
            self.database.write(functools.partial(_execute, earlier))

    def create(self, number: int = 1, limit: int = 10, **values: Any) -> StoredJob:
        """A recorded job."""
        job = StoredJob(
            **{
                "id": f"{number:032x}",
                "type": "test",
                "project_id": "project",
                "user_id": "user",
                **values,
            }
        )
        self.jobs.create(job, limit)
        return job

    def claimed(self, number: int = 1, seconds: float = 60.0, **values: Any) -> StoredJob:
        """A job that a worker has."""
        job = self.create(number, **values)
        claimed = self.jobs.claim(job.id, "worker", seconds)
        assert claimed is not None
        return claimed
