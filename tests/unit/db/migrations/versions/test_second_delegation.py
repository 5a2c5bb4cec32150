# SPDX-License-Identifier: Apache-2.0
import sqlalchemy as sa
from alembic.operations import Operations
from alembic.runtime.migration import MigrationContext

from ims_glance.db.migrations.versions import jobs, second_delegation


def test_a_worker_of_the_version_before_goes_on():
    """It reads the columns that it knows, and what it records has none."""
    engine = sa.create_engine("sqlite://")
    with engine.begin() as connection, Operations.context(MigrationContext.configure(connection)):
        jobs.upgrade()
        before = sa.Table("jobs", sa.MetaData(), autoload_with=connection)
        second_delegation.upgrade()
        values = {column.name: 1 for column in before.columns if not column.nullable}
        moment = sa.func.current_timestamp()
        connection.execute(
            sa.insert(before).values({**values, "begin_time": moment, "arguments": "{}"})
        )
        assert len(connection.execute(sa.select(before)).all()) == 1
        (row,) = connection.exec_driver_sql("SELECT source_delegation_id FROM jobs")
        assert row == (None,)


def test_it_comes_after_the_first():
    assert second_delegation.down_revision == jobs.revision
