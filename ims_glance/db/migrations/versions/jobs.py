# SPDX-License-Identifier: Apache-2.0
"""Version ``jobs``: the first."""

import sqlalchemy as sa
from alembic import op
from oslo_db.sqlalchemy.types import JsonEncodedDict
from sqlalchemy.dialects import mysql

revision = "jobs"
down_revision = None

_MOMENT = sa.DateTime().with_variant(mysql.DATETIME(fsp=6), "mysql", "mariadb")


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "jobs",
        sa.Column("id", sa.String(32), primary_key=True),
        sa.Column("type", sa.String(64), nullable=False),
        sa.Column("kind", sa.String(16)),
        sa.Column("project_id", sa.String(64), nullable=False),
        sa.Column("user_id", sa.String(64), nullable=False),
        sa.Column("delegation_id", sa.String(32)),
        sa.Column("status", sa.String(8), nullable=False),
        sa.Column("begin_time", _MOMENT, nullable=False),
        sa.Column("end_time", _MOMENT),
        sa.Column("error_code", sa.String(16)),
        sa.Column("fail_reason", sa.Text()),
        sa.Column("arguments", JsonEncodedDict(mysql_as_long=True), nullable=False),
        sa.Column("entities", JsonEncodedDict(mysql_as_long=True), nullable=False),
        sa.Column("image_id", sa.String(36)),
        sa.Column("creates_image", sa.Boolean(), nullable=False),
        sa.Column("done_bytes", sa.BigInteger(), nullable=False),
        sa.Column("total_bytes", sa.BigInteger(), nullable=False),
        sa.Column("current_task", sa.String(255)),
        sa.Column("cancel_requested", sa.Boolean(), nullable=False),
        sa.Column("worker", sa.String(255)),
        sa.Column("lease_until", sa.Double()),
        sa.Column("generation", sa.Integer(), nullable=False),
        mysql_engine="InnoDB",
        mysql_charset="utf8mb4",
    )
    op.create_index("jobs_project", "jobs", ["project_id", "begin_time"])
    op.create_index("jobs_status", "jobs", ["status", "lease_until"])
    op.create_index("jobs_end", "jobs", ["end_time"])
    op.create_table(
        "tallies",
        sa.Column("project_id", sa.String(64), primary_key=True),
        sa.Column("kind", sa.String(16), primary_key=True),
        sa.Column("unfinished", sa.Integer(), nullable=False),
        mysql_engine="InnoDB",
        mysql_charset="utf8mb4",
    )
    op.create_table(
        "delegations",
        sa.Column("id", sa.String(32), primary_key=True),
        sa.Column("user_id", sa.String(64), nullable=False),
        sa.Column("project_id", sa.String(64), nullable=False),
        sa.Column("roles", sa.String(64), nullable=False),
        sa.Column("state", sa.String(8), nullable=False),
        sa.Column("grant", sa.String(128)),
        sa.Column("expires_at", sa.String(32), nullable=False),
        sa.Column("begun", sa.Double(), nullable=False),
        sa.Column("jobs", sa.Integer(), nullable=False),
        mysql_engine="InnoDB",
        mysql_charset="utf8mb4",
    )
    op.create_index("delegations_caller", "delegations", ["user_id", "project_id", "roles"])
