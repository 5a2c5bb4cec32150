# SPDX-License-Identifier: Apache-2.0
"""Alembic's migrations: ``ims-manage db sync`` runs them."""

import os

from alembic import command, config, script
from alembic.runtime.migration import MigrationContext
from sqlalchemy.engine import Connection, Engine
from taskflow.persistence.backends.impl_sqlalchemy import SQLAlchemyBackend

# TaskFlow's own migrations are in the same database, under alembic's usual name.
VERSION_TABLE = "ims_alembic_version"


def sync(engine: Engine) -> str:
    """Bring the database to the newest version, TaskFlow's tables included; that version."""
    with engine.begin() as connection:
        command.upgrade(_configuration(connection), "head")
    _sync_taskflow(engine)
    return version(engine) or ""


def version(engine: Engine) -> str | None:
    """The version of the database; ``None`` if it was never synchronized."""
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"version_table": VERSION_TABLE})
        return context.get_current_revision()


def newest() -> str | None:
    """The version that :func:`sync` brings a database to."""
    return script.ScriptDirectory.from_config(_configuration()).get_current_head()


def _configuration(connection: Connection | None = None) -> config.Config:
    settings = config.Config()
    settings.set_main_option("script_location", os.path.dirname(__file__))
    settings.set_main_option(
        "version_locations", os.path.join(os.path.dirname(__file__), "versions")
    )
    settings.set_main_option("path_separator", "os")
    settings.attributes["connection"] = connection
    return settings


def _sync_taskflow(engine: Engine) -> None:
    backend = SQLAlchemyBackend({"connection": ""}, engine=engine)
    backend.get_connection().upgrade()
