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

# --- the marketplace -----------------------------------------------------------------------------

# What is sold. Whoever moves a product, a version of it, or what buyers have of it, changes its row
# first: so those come one after the other.
MARKET_PRODUCTS = sa.Table(
    "market_products",
    METADATA,
    sa.Column("id", sa.String(32), primary_key=True),
    # On each image that is made of it. It never changes.
    sa.Column("product_code", sa.String(32), nullable=False),
    sa.Column("project_id", sa.String(64), nullable=False),
    sa.Column("user_id", sa.String(64), nullable=False),
    sa.Column("state", sa.String(16), nullable=False),
    sa.Column("access_type", sa.String(16), nullable=False),
    sa.Column("name", sa.String(255), nullable=False),
    # The seller's draft, with what buyers never see.
    sa.Column("document", JsonEncodedDict(mysql_as_long=True), nullable=False),
    sa.Column("note", sa.Text()),
    # How often the draft was changed, and how often the row.
    sa.Column("revision", sa.Integer(), nullable=False),
    sa.Column("moves", sa.Integer(), nullable=False),
    # The version that is copied or reviewed.
    sa.Column("submission_id", sa.String(32)),
    # What buyers see: all of it, and what of it is in lists.
    sa.Column("published", JsonEncodedDict(mysql_as_long=True)),
    sa.Column("summary", JsonEncodedDict(mysql_as_long=True)),
    sa.Column("agreement", sa.String(64)),
    sa.Column("listed_at", _MOMENT),
    # From when nobody has it any more: seconds since 1970 by the clock of the database.
    sa.Column("withdrawn_from", sa.Double()),
    sa.Column("created_at", _MOMENT, nullable=False),
    sa.Column("updated_at", _MOMENT, nullable=False),
    sa.Index("market_products_code", "product_code", unique=True),
    sa.Index("market_products_project", "project_id", "created_at"),
    sa.Index("market_products_listed", "state", "listed_at", "id"),
    mysql_engine="InnoDB",
    mysql_charset="utf8mb4",
)

# What was handed in of a product: the image, and the text as it was then.
MARKET_VERSIONS = sa.Table(
    "market_versions",
    METADATA,
    sa.Column("id", sa.String(32), primary_key=True),
    sa.Column("product_id", sa.String(32), nullable=False),
    sa.Column("project_id", sa.String(64), nullable=False),
    sa.Column("name", sa.String(64), nullable=False),
    sa.Column("release_notes", sa.Text()),
    sa.Column("source_image_id", sa.String(36), nullable=False),
    sa.Column("source_digest", sa.String(128)),
    # What of the image buyers choose by: its system, processor and size.
    sa.Column("source", JsonEncodedDict(mysql_as_long=True), nullable=False),
    sa.Column("state", sa.String(16), nullable=False),
    sa.Column("document", JsonEncodedDict(mysql_as_long=True), nullable=False),
    sa.Column("job_id", sa.String(32)),
    sa.Column("code", sa.String(16)),
    sa.Column("reason", sa.Text()),
    sa.Column("created_at", _MOMENT, nullable=False),
    sa.Column("changed_at", _MOMENT, nullable=False),
    sa.Index("market_versions_product", "product_id", "created_at"),
    sa.Index("market_versions_state", "state", "changed_at"),
    mysql_engine="InnoDB",
    mysql_charset="utf8mb4",
)

# The service's copies of a version's image, one a region.
MARKET_IMAGES = sa.Table(
    "market_images",
    METADATA,
    sa.Column("version_id", sa.String(32), primary_key=True),
    sa.Column("region", sa.String(255), primary_key=True),
    sa.Column("product_id", sa.String(32), nullable=False),
    sa.Column("image_id", sa.String(36)),
    sa.Column("digest", sa.String(128)),
    sa.Column("state", sa.String(16), nullable=False),
    sa.Column("code", sa.String(16)),
    sa.Column("reason", sa.Text()),
    # Of a copy in another region: the job that makes it, how often that failed, and when it is looked at
    # again: seconds since 1970 by the clock of the database.
    sa.Column("job_id", sa.String(32)),
    sa.Column("attempts", sa.Integer(), nullable=False, server_default="0"),
    sa.Column("look_at", sa.Double()),
    # Whether it says that its product is withdrawn (__is_offshelved).
    sa.Column("is_offshelved", sa.Boolean(), nullable=False, server_default=sa.false()),
    sa.Index("market_images_image", "image_id"),
    sa.Index("market_images_product", "product_id"),
    sa.Index("market_images_state", "state"),
    mysql_engine="InnoDB",
    mysql_charset="utf8mb4",
)

# Which projects shall be members of those copies, and whether they are.
MARKET_MEMBERS = sa.Table(
    "market_members",
    METADATA,
    sa.Column("image_id", sa.String(36), primary_key=True),
    sa.Column("project_id", sa.String(64), primary_key=True),
    sa.Column("region", sa.String(255), nullable=False),
    sa.Column("product_id", sa.String(32), nullable=False),
    sa.Column("state", sa.String(16), nullable=False),
    sa.Column("changed_at", _MOMENT, nullable=False),
    sa.Index("market_members_state", "state", "changed_at"),
    sa.Index("market_members_product", "product_id", "project_id"),
    mysql_engine="InnoDB",
    mysql_charset="utf8mb4",
)

# What projects may have of products, and what they agreed to.
MARKET_ENTITLEMENTS = sa.Table(
    "market_entitlements",
    METADATA,
    sa.Column("id", sa.String(32), primary_key=True),
    sa.Column("project_id", sa.String(64), nullable=False),
    sa.Column("user_id", sa.String(64), nullable=False),
    sa.Column("product_id", sa.String(32), nullable=False),
    sa.Column("product_code", sa.String(32), nullable=False),
    sa.Column("sku", sa.String(64)),
    sa.Column("agreement", sa.String(64), nullable=False),
    sa.Column("state", sa.String(16), nullable=False),
    sa.Column("since", _MOMENT, nullable=False),
    sa.Column("ended_at", _MOMENT),
    # When it ends by itself: seconds since 1970 by the clock of the database.
    sa.Column("until", sa.Double()),
    sa.Index("market_entitlements_project", "project_id", "state"),
    sa.Index("market_entitlements_product", "product_id", "state"),
    sa.Index("market_entitlements_until", "state", "until"),
    mysql_engine="InnoDB",
    mysql_charset="utf8mb4",
)

# What buyers agree to, by its SHA-256.
MARKET_AGREEMENTS = sa.Table(
    "market_agreements",
    METADATA,
    sa.Column("digest", sa.String(64), primary_key=True),
    sa.Column("content", JsonEncodedDict(mysql_as_long=True), nullable=False),
    mysql_engine="InnoDB",
    mysql_charset="utf8mb4",
)

# Who decided what about a version.
MARKET_REVIEWS = sa.Table(
    "market_reviews",
    METADATA,
    sa.Column("version_id", sa.String(32), primary_key=True),
    sa.Column("product_id", sa.String(32), nullable=False),
    sa.Column("user_id", sa.String(64), nullable=False),
    sa.Column("project_id", sa.String(64), nullable=False),
    sa.Column("decision", sa.String(16), nullable=False),
    sa.Column("reasons", sa.Text()),
    sa.Column("decided_at", _MOMENT, nullable=False),
    sa.Index("market_reviews_product", "product_id"),
    mysql_engine="InnoDB",
    mysql_charset="utf8mb4",
)

# Each change of a product's state, in the order in which they came.
MARKET_CHANGES = sa.Table(
    "market_changes",
    METADATA,
    sa.Column("product_id", sa.String(32), primary_key=True),
    # Of the product's row, when it was changed.
    sa.Column("moves", sa.Integer(), primary_key=True, autoincrement=False),
    sa.Column("version_id", sa.String(32)),
    sa.Column("user_id", sa.String(64), nullable=False),
    sa.Column("project_id", sa.String(64), nullable=False),
    sa.Column("action", sa.String(16), nullable=False),
    sa.Column("from_state", sa.String(16), nullable=False),
    sa.Column("to_state", sa.String(16), nullable=False),
    sa.Column("why", sa.Text()),
    sa.Column("changed_at", _MOMENT, nullable=False),
    mysql_engine="InnoDB",
    mysql_charset="utf8mb4",
)

# Logos and certificates of products, by their SHA-256.
MARKET_FILES = sa.Table(
    "market_files",
    METADATA,
    sa.Column("product_id", sa.String(32), primary_key=True),
    sa.Column("digest", sa.String(64), primary_key=True),
    sa.Column(
        "content",
        sa.LargeBinary().with_variant(mysql.MEDIUMBLOB, "mysql", "mariadb"),
        nullable=False,
    ),
    mysql_engine="InnoDB",
    mysql_charset="utf8mb4",
)

_TERM = sa.String(64).with_variant(
    # Two words are two, whatever a language makes of their letters.
    mysql.VARCHAR(64, collation="utf8mb4_bin"),
    "mysql",
    "mariadb",
)

# What listed products are found by: words, category, system, region, price.
MARKET_TERMS = sa.Table(
    "market_terms",
    METADATA,
    sa.Column("kind", sa.String(8), primary_key=True),
    sa.Column("term", _TERM, primary_key=True),
    sa.Column("product_id", sa.String(32), primary_key=True),
    sa.Index("market_terms_product", "product_id"),
    mysql_engine="InnoDB",
    mysql_charset="utf8mb4",
)

# What was found in the system of an image, and what was done to it: one row an image.
GUEST_REPORTS = sa.Table(
    "guest_reports",
    METADATA,
    sa.Column("image_id", sa.String(36), primary_key=True),
    sa.Column("project_id", sa.String(64), nullable=False),
    sa.Column("made_at", _MOMENT, nullable=False),
    sa.Column("content", JsonEncodedDict(mysql_as_long=True), nullable=False),
    mysql_engine="InnoDB",
    mysql_charset="utf8mb4",
)

# What was looked for in a version of a product, and found: one row a version. The packages are kept apart from
# the report: they are compared again when there is news of them, and nobody is shown them.
MARKET_SCANS = sa.Table(
    "market_scans",
    METADATA,
    sa.Column("version_id", sa.String(32), primary_key=True),
    sa.Column("product_id", sa.String(32), nullable=False),
    sa.Column("state", sa.String(16), nullable=False),
    sa.Column("scanned_at", _MOMENT, nullable=False),
    # Of what its packages were compared with: its newest advisory, and its digest.
    sa.Column("feed", sa.String(128), nullable=False),
    sa.Column("report", JsonEncodedDict(mysql_as_long=True), nullable=False),
    sa.Column("seen", JsonEncodedDict(mysql_as_long=True), nullable=False),
    sa.Index("market_scans_product", "product_id"),
    sa.Index("market_scans_feed", "feed"),
    mysql_engine="InnoDB",
    mysql_charset="utf8mb4",
)
