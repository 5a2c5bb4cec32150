# SPDX-License-Identifier: Apache-2.0
"""Version ``orphans``: what the last look for orphans found in each region.

It adds two tables and no more: Glance and workers of the version before go on beside it.
"""

import sqlalchemy as sa
from alembic import op
from oslo_db.sqlalchemy.types import JsonEncodedList

revision = "orphans"
down_revision = "market_metering"


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "orphan_looks",
        sa.Column("region", sa.String(255), primary_key=True),
        sa.Column("began", sa.Double(), nullable=False),
        sa.Column("min_age", sa.Double(), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        mysql_engine="InnoDB",
        mysql_charset="utf8mb4",
    )
    op.create_table(
        "orphans",
        sa.Column("region", sa.String(255), primary_key=True),
        sa.Column("number", sa.Integer(), primary_key=True, autoincrement=False),
        sa.Column("place", sa.String(255), nullable=False),
        sa.Column("names", JsonEncodedList(mysql_as_long=True), nullable=False),
        sa.Column("written", sa.Double(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        mysql_engine="InnoDB",
        mysql_charset="utf8mb4",
    )
