# SPDX-License-Identifier: Apache-2.0
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext

from ims_glance.db import migrations, orphan
from ims_glance.db.database import Database
from ims_glance.db.market import usage_schema
from ims_glance.db.schema import METADATA
from tests.unit import job_database


def differences(engine):
    """What the tables of ours in a database have that the schema has not, and the reverse."""
    assert usage_schema.MARKET_USES.metadata is METADATA
    assert orphan.ORPHANS.metadata is METADATA
    ours = set(METADATA.tables)
    options = {"include_name": lambda name, kind, _parents: kind != "table" or name in ours}
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={**options, "compare_type": True})
        return compare_metadata(context, METADATA)


def test_the_tables_are_those_of_the_schema(tmp_path):
    engine = Database(job_database.configuration(job_database.sqlite(tmp_path))).engine
    assert migrations.version(engine) is None
    assert migrations.sync(engine) == migrations.newest()
    assert differences(engine) == []
    assert {"logbooks", "flowdetails", "atomdetails"} < set(sa.inspect(engine).get_table_names())


def test_again_nothing_happens(tables):
    tables.create()
    assert migrations.sync(tables.database.engine) == migrations.newest()
    assert len(tables.jobs.find("project")) == 1
