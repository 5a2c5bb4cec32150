# SPDX-License-Identifier: Apache-2.0
import sqlalchemy as sa
from alembic.operations import Operations
from alembic.runtime.migration import MigrationContext

from ims_glance.db.migrations.versions import market_regions, market_uses


def test_it_makes_the_tables():
    engine = sa.create_engine("sqlite://")
    with engine.begin() as connection, Operations.context(MigrationContext.configure(connection)):
        market_uses.upgrade()
        inspector = sa.inspect(connection)
        assert inspector.get_table_names() == ["market_looks", "market_uses"]
        # A use is one row, whoever writes.
        key = inspector.get_pk_constraint("market_uses")["constrained_columns"]
        assert key == ["server_id", "product_code", "number"]


def test_it_comes_after_the_regions():
    assert market_uses.down_revision == market_regions.revision
