# SPDX-License-Identifier: Apache-2.0
import sqlalchemy as sa
from alembic.operations import Operations
from alembic.runtime.migration import MigrationContext

from ims_glance.db.migrations.versions import audit_events


def test_it_makes_the_tables():
    engine = sa.create_engine("sqlite://")
    with engine.begin() as connection, Operations.context(MigrationContext.configure(connection)):
        audit_events.upgrade()
        inspector = sa.inspect(connection)
        assert set(inspector.get_table_names()) == {"audit_events", "leases"}
        indexes = {index["name"] for index in inspector.get_indexes("audit_events")}
        assert indexes == {"audit_events_sent", "audit_events_project"}
