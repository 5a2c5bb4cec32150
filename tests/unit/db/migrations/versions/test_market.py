# SPDX-License-Identifier: Apache-2.0
import sqlalchemy as sa
from alembic.operations import Operations
from alembic.runtime.migration import MigrationContext

from ims_glance.db.migrations.versions import market, standing_copies


def test_it_makes_the_tables():
    engine = sa.create_engine("sqlite://")
    with engine.begin() as connection, Operations.context(MigrationContext.configure(connection)):
        market.upgrade()
        inspector = sa.inspect(connection)
        names = inspector.get_table_names()
        assert len(names) == 10
        assert {name.partition("_")[0] for name in names} == {"market"}
        # A code is one product's.
        (code,) = (
            index
            for index in inspector.get_indexes("market_products")
            if index["name"] == "market_products_code"
        )
        assert code["unique"]
        # One membership of an image a project, whoever writes.
        key = inspector.get_pk_constraint("market_members")["constrained_columns"]
        assert key == ["image_id", "project_id"]


def test_it_comes_after_the_replications():
    assert market.down_revision == standing_copies.revision
