# SPDX-License-Identifier: Apache-2.0
import sqlalchemy as sa
from alembic.operations import Operations
from alembic.runtime.migration import MigrationContext

from ims_glance.db.migrations.versions import market_metering, orphans


def test_it_makes_the_tables():
    engine = sa.create_engine("sqlite://")
    with engine.begin() as connection, Operations.context(MigrationContext.configure(connection)):
        orphans.upgrade()
        inspector = sa.inspect(connection)
        assert sorted(inspector.get_table_names()) == ["orphan_looks", "orphans"]
        # A region has one look.
        key = inspector.get_pk_constraint("orphan_looks")["constrained_columns"]
        assert key == ["region"]


def test_it_comes_after_what_is_metered():
    assert orphans.down_revision == market_metering.revision
