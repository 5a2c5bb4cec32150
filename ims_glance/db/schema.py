# SPDX-License-Identifier: Apache-2.0
"""The tables as the code sees them. ``migrations`` makes them; a test compares the two.

TaskFlow's tables (``logbooks``, ``flowdetails``, ``atomdetails``) lie in the same database, made
by TaskFlow's own migrations.
"""

import sqlalchemy as sa
from oslo_db.sqlalchemy.types import JsonEncodedDict
from sqlalchemy.dialects import mysql

METADATA = sa.MetaData()

_MOMENT = sa.DateTime().with_variant(mysql.DATETIME(fsp=6), "mysql", "mariadb")

JOBS = sa.Table(
    "jobs",
    METADATA,
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
    # Who works on it: seconds since 1970 by the clock of the database, which is one for all.
    sa.Column("worker", sa.String(255)),
    sa.Column("lease_until", sa.Double()),
    sa.Column("generation", sa.Integer(), nullable=False),
    # With which it reads what another project has; most jobs have none.
    sa.Column("source_delegation_id", sa.String(32)),
    sa.Index("jobs_project", "project_id", "begin_time"),
    sa.Index("jobs_status", "status", "lease_until"),
    sa.Index("jobs_end", "end_time"),
    mysql_engine="InnoDB",
    mysql_charset="utf8mb4",
)

# How many unfinished jobs of a kind a project has: counted here and not by a query over the jobs,
# so that one conditional UPDATE takes a place, and no two requests the last one.
TALLIES = sa.Table(
    "tallies",
    METADATA,
    sa.Column("project_id", sa.String(64), primary_key=True),
    sa.Column("kind", sa.String(16), primary_key=True),
    sa.Column("unfinished", sa.Integer(), nullable=False),
    mysql_engine="InnoDB",
    mysql_charset="utf8mb4",
)

DELEGATIONS = sa.Table(
    "delegations",
    METADATA,
    sa.Column("id", sa.String(32), primary_key=True),
    sa.Column("user_id", sa.String(64), nullable=False),
    sa.Column("project_id", sa.String(64), nullable=False),
    # Digest of the names of the delegated roles, and of how their owner logged in.
    sa.Column("roles", sa.String(64), nullable=False),
    sa.Column("state", sa.String(8), nullable=False),
    sa.Column("grant", sa.String(128)),
    # When the trust ends by itself, to the microsecond, as Keystone was told: a trust has no name,
    # and by this one finds again one whose id a crash lost.
    sa.Column("expires_at", sa.String(32), nullable=False),
    # When its making began; later, when a job last left it.
    sa.Column("begun", sa.Double(), nullable=False),
    sa.Column("jobs", sa.Integer(), nullable=False),
    sa.Index("delegations_caller", "user_id", "project_id", "roles"),
    mysql_engine="InnoDB",
    mysql_charset="utf8mb4",
)

# What was done to images, and whether that was sent as a notification. In the order in which it was
# recorded.
AUDIT_EVENTS = sa.Table(
    "audit_events",
    METADATA,
    # SQLite counts no other integers by itself.
    sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), primary_key=True),
    sa.Column("type", sa.String(64), nullable=False),
    sa.Column("project_id", sa.String(64)),
    sa.Column("content", JsonEncodedDict(mysql_as_long=True), nullable=False),
    # Seconds since 1970 by the clock of the database, as in "sent", which is NULL until then; that is
    # less than nothing for what was set aside then.
    sa.Column("recorded", sa.Double(), nullable=False),
    sa.Column("sent", sa.Double()),
    sa.Index("audit_events_sent", "sent", "id"),
    sa.Index("audit_events_project", "project_id", "id"),
    mysql_engine="InnoDB",
    mysql_charset="utf8mb4",
)

# What one worker of all does at a time.
LEASES = sa.Table(
    "leases",
    METADATA,
    sa.Column("name", sa.String(64), primary_key=True),
    sa.Column("worker", sa.String(255), nullable=False),
    sa.Column("lease_until", sa.Double(), nullable=False),
    mysql_engine="InnoDB",
    mysql_charset="utf8mb4",
)

# Which workers run: seconds since 1970 by the clock of the database, as for jobs.
WORKERS = sa.Table(
    "workers",
    METADATA,
    sa.Column("name", sa.String(255), primary_key=True),
    sa.Column("threads", sa.Integer(), nullable=False),
    sa.Column("begun", sa.Double(), nullable=False),
    sa.Column("heard", sa.Double(), nullable=False),
    mysql_engine="InnoDB",
    mysql_charset="utf8mb4",
)

# Which images of a project are copied to another region as they become active. A worker that has one
# claims it as it claims jobs.
STANDING_COPIES = sa.Table(
    "standing_copies",
    METADATA,
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
    # When a worker looks at it again: seconds since 1970 by the clock of the database.
    sa.Column("look_at", sa.Double(), nullable=False),
    sa.Column("worker", sa.String(255)),
    sa.Column("lease_until", sa.Double()),
    sa.Column("generation", sa.Integer(), nullable=False),
    sa.Index("standing_copies_project", "project_id", "created_at"),
    sa.Index("standing_copies_look", "status", "look_at"),
    mysql_engine="InnoDB",
    mysql_charset="utf8mb4",
)

# What became of each image of a standing copy: one row, so that it is copied once.
STANDING_IMAGES = sa.Table(
    "standing_images",
    METADATA,
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

# The other end of standing copies of other regions, with what their copies are made with here.
RECEPTIONS = sa.Table(
    "receptions",
    METADATA,
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
