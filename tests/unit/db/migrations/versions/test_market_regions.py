# SPDX-License-Identifier: Apache-2.0
import sqlalchemy as sa
from alembic.operations import Operations
from alembic.runtime.migration import MigrationContext

from ims_glance.db.migrations.versions import guest_reports, market, market_regions


def test_copies_of_before_were_begun_by_nobody():
    engine = sa.create_engine("sqlite://")
    with engine.begin() as connection, Operations.context(MigrationContext.configure(connection)):
        market.upgrade()
        insert = "INSERT INTO market_images (version_id, region, product_id, state)"
        connection.execute(sa.text(f"{insert} VALUES ('v', 'r', 'p', 'ready')"))
        market_regions.upgrade()
        columns = "job_id, attempts, look_at"
        found = connection.execute(sa.text(f"SELECT {columns} FROM market_images")).one()
        assert tuple(found) == (None, 0, None)


def test_it_comes_after_the_reports():
    assert market_regions.down_revision == guest_reports.revision
