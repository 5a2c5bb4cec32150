# SPDX-License-Identifier: Apache-2.0
"""Version ``workers``: which workers run, also those that have no job."""

import sqlalchemy as sa
from alembic import op

revision = "workers"
down_revision = "audit_events"


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "workers",
        sa.Column("name", sa.String(255), primary_key=True),
        sa.Column("threads", sa.Integer(), nullable=False),
        sa.Column("begun", sa.Double(), nullable=False),
        sa.Column("heard", sa.Double(), nullable=False),
        mysql_engine="InnoDB",
        mysql_charset="utf8mb4",
    )
