# SPDX-License-Identifier: Apache-2.0
"""Version ``guest_reports``: what was found in images, and what was done to it.

It adds a table and no more: Glance and workers of the version before go on beside it.
"""

import sqlalchemy as sa
from alembic import op
from oslo_db.sqlalchemy.types import JsonEncodedDict
from sqlalchemy.dialects import mysql

revision = "guest_reports"
down_revision = "market"

_MOMENT = sa.DateTime().with_variant(mysql.DATETIME(fsp=6), "mysql", "mariadb")


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "guest_reports",
        sa.Column("image_id", sa.String(36), primary_key=True),
        sa.Column("project_id", sa.String(64), nullable=False),
        sa.Column("made_at", _MOMENT, nullable=False),
        sa.Column("content", JsonEncodedDict(mysql_as_long=True), nullable=False),
        mysql_engine="InnoDB",
        mysql_charset="utf8mb4",
    )
