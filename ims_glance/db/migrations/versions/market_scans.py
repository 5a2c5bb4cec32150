# SPDX-License-Identifier: Apache-2.0
"""Version ``market_scans``: what was looked for in versions of products, and found.

It adds a table and no more: Glance and workers of the version before go on beside it.
"""

import sqlalchemy as sa
from alembic import op
from oslo_db.sqlalchemy.types import JsonEncodedDict
from sqlalchemy.dialects import mysql

revision = "market_scans"
down_revision = "market_uses"

_MOMENT = sa.DateTime().with_variant(mysql.DATETIME(fsp=6), "mysql", "mariadb")


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "market_scans",
        sa.Column("version_id", sa.String(32), primary_key=True),
        sa.Column("product_id", sa.String(32), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("scanned_at", _MOMENT, nullable=False),
        sa.Column("feed", sa.String(128), nullable=False),
        sa.Column("report", JsonEncodedDict(mysql_as_long=True), nullable=False),
        sa.Column("seen", JsonEncodedDict(mysql_as_long=True), nullable=False),
        mysql_engine="InnoDB",
        mysql_charset="utf8mb4",
    )
    op.create_index("market_scans_product", "market_scans", ["product_id"])
    op.create_index("market_scans_feed", "market_scans", ["feed"])
