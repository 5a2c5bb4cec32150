# SPDX-License-Identifier: Apache-2.0
"""What alembic runs: the migrations on the connection that it was given."""

from alembic import context

from ims_glance.db.migrations import VERSION_TABLE
from ims_glance.db.schema import METADATA

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=METADATA,
    version_table=VERSION_TABLE,
)
with context.begin_transaction():
    context.run_migrations()
