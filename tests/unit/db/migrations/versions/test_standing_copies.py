# SPDX-License-Identifier: Apache-2.0
import sqlalchemy as sa
from alembic.operations import Operations
from alembic.runtime.migration import MigrationContext

from ims_glance.db.migrations.versions import standing_copies, workers


def test_it_makes_the_tables():
    engine = sa.create_engine("sqlite://")
    with engine.begin() as connection, Operations.context(MigrationContext.configure(connection)):
        standing_copies.upgrade()
        inspector = sa.inspect(connection)
        made = {"standing_copies", "standing_images", "receptions"}
        assert set(inspector.get_table_names()) == made
        indexes = {index["name"] for index in inspector.get_indexes("standing_copies")}
        assert indexes == {"standing_copies_project", "standing_copies_look"}
        # One row an image, whoever writes.
        key = inspector.get_pk_constraint("standing_images")["constrained_columns"]
        assert key == ["standing_id", "image_id"]


def test_it_comes_after_the_workers():
    assert standing_copies.down_revision == workers.revision
