# SPDX-License-Identifier: Apache-2.0
import sqlalchemy as sa
from alembic.operations import Operations
from alembic.runtime.migration import MigrationContext

from ims_glance.db.migrations.versions import guest_reports


def test_it_makes_the_table():
    engine = sa.create_engine("sqlite://")
    with engine.begin() as connection, Operations.context(MigrationContext.configure(connection)):
        guest_reports.upgrade()
        assert sa.inspect(connection).get_table_names() == ["guest_reports"]
