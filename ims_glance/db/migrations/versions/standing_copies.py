# SPDX-License-Identifier: Apache-2.0
"""Version ``standing_copies``: which images are copied to another region as they become active.

It adds tables and no more: Glance and workers of the version before go on beside it.
"""

import sqlalchemy as sa
from alembic import op
from oslo_db.sqlalchemy.types import JsonEncodedDict
from sqlalchemy.dialects import mysql

revision = "standing_copies"
down_revision = "workers"

_MOMENT = sa.DateTime().with_variant(mysql.DATETIME(fsp=6), "mysql", "mariadb")


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "standing_copies",
        sa.Column("id", sa.String(32), primary_key=True),
        sa.Column("name", sa.String(255), nullable=False),
        sa.Column("project_id", sa.String(64), nullable=False),
        sa.Column("user_id", sa.String(64), nullable=False),
        sa.Column("status", sa.String(8), nullable=False),
        sa.Column("region", sa.String(255), nullable=False),
        sa.Column("target_project_id", sa.String(64), nullable=False),
        sa.Column("tag", sa.String(255)),
        sa.Column("image_name", sa.String(255)),
        sa.Column("keep", sa.Integer()),
        sa.Column("wishes", JsonEncodedDict(mysql_as_long=True), nullable=False),
        sa.Column("code", sa.String(16)),
        sa.Column("reason", sa.Text()),
        sa.Column("created_at", _MOMENT, nullable=False),
        sa.Column("delegation_id", sa.String(32)),
        sa.Column("source_delegation_id", sa.String(32)),
        sa.Column("look_at", sa.Double(), nullable=False),
        sa.Column("worker", sa.String(255)),
        sa.Column("lease_until", sa.Double()),
        sa.Column("generation", sa.Integer(), nullable=False),
        mysql_engine="InnoDB",
        mysql_charset="utf8mb4",
    )
    op.create_index("standing_copies_project", "standing_copies", ["project_id", "created_at"])
    op.create_index("standing_copies_look", "standing_copies", ["status", "look_at"])
    op.create_table(
        "standing_images",
        sa.Column("standing_id", sa.String(32), primary_key=True),
        sa.Column("image_id", sa.String(36), primary_key=True),
        sa.Column("name", sa.String(255), nullable=False),
        sa.Column("created_at", sa.String(32), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("job_id", sa.String(32)),
        sa.Column("copy_id", sa.String(36)),
        sa.Column("code", sa.String(16)),
        sa.Column("reason", sa.Text()),
        sa.Column("try_at", sa.Double()),
        mysql_engine="InnoDB",
        mysql_charset="utf8mb4",
    )
    op.create_table(
        "receptions",
        sa.Column("id", sa.String(32), primary_key=True),
        sa.Column("project_id", sa.String(64), nullable=False),
        sa.Column("user_id", sa.String(64), nullable=False),
        sa.Column("source_region", sa.String(255), nullable=False),
        sa.Column("source_project_id", sa.String(64), nullable=False),
        sa.Column("cmk_id", sa.String(255)),
        sa.Column("delegation_id", sa.String(32)),
        sa.Column("source_delegation_id", sa.String(32)),
        mysql_engine="InnoDB",
        mysql_charset="utf8mb4",
    )
