# SPDX-License-Identifier: Apache-2.0
import sqlalchemy as sa
from alembic.operations import Operations
from alembic.runtime.migration import MigrationContext

from ims_glance.db.migrations.versions import market, market_offshelved


def test_copies_of_before_say_nothing():
    engine = sa.create_engine("sqlite://")
    with engine.begin() as connection, Operations.context(MigrationContext.configure(connection)):
        market.upgrade()
        insert = "INSERT INTO market_images (version_id, region, product_id, state)"
        connection.execute(sa.text(f"{insert} VALUES ('v', 'r', 'p', 'ready')"))
        for _twice in range(2):
            market_offshelved.upgrade()
        found = connection.scalar(sa.text("SELECT is_offshelved FROM market_images"))
        assert not found
