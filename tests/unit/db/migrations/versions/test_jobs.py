# SPDX-License-Identifier: Apache-2.0
import sqlalchemy as sa
from alembic.operations import Operations
from alembic.runtime.migration import MigrationContext

from ims_glance.db.migrations.versions import jobs


def test_it_makes_the_tables():
    engine = sa.create_engine("sqlite://")
    with engine.begin() as connection, Operations.context(MigrationContext.configure(connection)):
        jobs.upgrade()
        inspector = sa.inspect(connection)
        assert set(inspector.get_table_names()) == {"jobs", "tallies", "delegations"}
        indexes = {index["name"] for index in inspector.get_indexes("jobs")}
        assert indexes == {"jobs_project", "jobs_status", "jobs_end"}


def test_it_is_the_first():
    assert (jobs.revision, jobs.down_revision) == ("jobs", None)
