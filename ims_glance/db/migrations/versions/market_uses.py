# SPDX-License-Identifier: Apache-2.0
"""Version ``market_uses``: how long servers use what is sold.

It adds tables and no more: Glance and workers of the version before go on beside it.
"""

import sqlalchemy as sa
from alembic import op

revision = "market_uses"
down_revision = "market_regions"


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "market_uses",
        sa.Column("server_id", sa.String(36), primary_key=True),
        sa.Column("product_code", sa.String(64), primary_key=True),
        sa.Column("number", sa.Integer(), primary_key=True, autoincrement=False),
        sa.Column("product_id", sa.String(32), nullable=False),
        sa.Column("version_id", sa.String(32)),
        sa.Column("entitlement_id", sa.String(32)),
        sa.Column("project_id", sa.String(64), nullable=False),
        sa.Column("region", sa.String(255), nullable=False),
        sa.Column("flavor", sa.String(255), nullable=False),
        sa.Column("began", sa.Double(), nullable=False),
        sa.Column("ended", sa.Double()),
        sa.Column("seen", sa.Double(), nullable=False),
        sa.Column("told", sa.Double(), nullable=False),
        sa.Index("market_uses_told", "told"),
        sa.Index("market_uses_ended", "ended"),
        mysql_engine="InnoDB",
        mysql_charset="utf8mb4",
    )
    op.create_table(
        "market_looks",
        sa.Column("region", sa.String(191), primary_key=True),
        sa.Column("looked", sa.Double(), nullable=False),
        mysql_engine="InnoDB",
        mysql_charset="utf8mb4",
    )
