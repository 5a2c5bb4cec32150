# SPDX-License-Identifier: Apache-2.0
"""Version ``audit_events``: the audit trail, and what one worker of all does at a time."""

import sqlalchemy as sa
from alembic import op
from oslo_db.sqlalchemy.types import JsonEncodedDict

revision = "audit_events"
down_revision = "second_delegation"


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "audit_events",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), primary_key=True),
        sa.Column("type", sa.String(64), nullable=False),
        sa.Column("project_id", sa.String(64)),
        sa.Column("content", JsonEncodedDict(mysql_as_long=True), nullable=False),
        sa.Column("recorded", sa.Double(), nullable=False),
        sa.Column("sent", sa.Double()),
        mysql_engine="InnoDB",
        mysql_charset="utf8mb4",
    )
    op.create_index("audit_events_sent", "audit_events", ["sent", "id"])
    op.create_index("audit_events_project", "audit_events", ["project_id", "id"])
    op.create_table(
        "leases",
        sa.Column("name", sa.String(64), primary_key=True),
        sa.Column("worker", sa.String(255), nullable=False),
        sa.Column("lease_until", sa.Double(), nullable=False),
        mysql_engine="InnoDB",
        mysql_charset="utf8mb4",
    )
