# SPDX-License-Identifier: Apache-2.0
import sqlalchemy as sa
from alembic.operations import Operations
from alembic.runtime.migration import MigrationContext

from ims_glance.db.migrations.versions import market_metering, market_offshelved


def test_it_makes_the_table():
    engine = sa.create_engine("sqlite://")
    with engine.begin() as connection, Operations.context(MigrationContext.configure(connection)):
        market_metering.upgrade()
        inspector = sa.inspect(connection)
        assert inspector.get_table_names() == ["market_metering"]
        # A region begins once.
        key = inspector.get_pk_constraint("market_metering")["constrained_columns"]
        assert key == ["region"]


def test_it_comes_after_what_is_off_the_shelf():
    assert market_metering.down_revision == market_offshelved.revision
