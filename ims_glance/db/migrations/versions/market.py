# SPDX-License-Identifier: Apache-2.0
"""Version ``market``: products of the marketplace, their versions, and what buyers have of them.

It adds tables and no more: Glance and workers of the version before go on beside it.
"""

from typing import Any

import sqlalchemy as sa
from alembic import op
from oslo_db.sqlalchemy.types import JsonEncodedDict
from sqlalchemy.dialects import mysql

revision = "market"
down_revision = "standing_copies"

_MOMENT = sa.DateTime().with_variant(mysql.DATETIME(fsp=6), "mysql", "mariadb")
_TERM = sa.String(64).with_variant(mysql.VARCHAR(64, collation="utf8mb4_bin"), "mysql", "mariadb")
_ENGINE: dict[str, Any] = {"mysql_engine": "InnoDB", "mysql_charset": "utf8mb4"}


def upgrade() -> None:
    """Make the tables."""
    _products()
    _versions()
    _decisions()
    _buyers()


def _products() -> None:
    op.create_table(
        "market_products",
        sa.Column("id", sa.String(32), primary_key=True),
        sa.Column("product_code", sa.String(32), nullable=False),
        sa.Column("project_id", sa.String(64), nullable=False),
        sa.Column("user_id", sa.String(64), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("access_type", sa.String(16), nullable=False),
        sa.Column("name", sa.String(255), nullable=False),
        sa.Column("document", JsonEncodedDict(mysql_as_long=True), nullable=False),
        sa.Column("note", sa.Text()),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("moves", sa.Integer(), nullable=False),
        sa.Column("submission_id", sa.String(32)),
        sa.Column("published", JsonEncodedDict(mysql_as_long=True)),
        sa.Column("summary", JsonEncodedDict(mysql_as_long=True)),
        sa.Column("agreement", sa.String(64)),
        sa.Column("listed_at", _MOMENT),
        sa.Column("withdrawn_from", sa.Double()),
        sa.Column("created_at", _MOMENT, nullable=False),
        sa.Column("updated_at", _MOMENT, nullable=False),
        **_ENGINE,
    )
    op.create_index("market_products_code", "market_products", ["product_code"], unique=True)
    op.create_index("market_products_project", "market_products", ["project_id", "created_at"])
    op.create_index("market_products_listed", "market_products", ["state", "listed_at", "id"])


def _versions() -> None:
    op.create_table(
        "market_versions",
        sa.Column("id", sa.String(32), primary_key=True),
        sa.Column("product_id", sa.String(32), nullable=False),
        sa.Column("project_id", sa.String(64), nullable=False),
        sa.Column("name", sa.String(64), nullable=False),
        sa.Column("release_notes", sa.Text()),
        sa.Column("source_image_id", sa.String(36), nullable=False),
        sa.Column("source_digest", sa.String(128)),
        sa.Column("source", JsonEncodedDict(mysql_as_long=True), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("document", JsonEncodedDict(mysql_as_long=True), nullable=False),
        sa.Column("job_id", sa.String(32)),
        sa.Column("code", sa.String(16)),
        sa.Column("reason", sa.Text()),
        sa.Column("created_at", _MOMENT, nullable=False),
        sa.Column("changed_at", _MOMENT, nullable=False),
        **_ENGINE,
    )
    op.create_index("market_versions_product", "market_versions", ["product_id", "created_at"])
    op.create_index("market_versions_state", "market_versions", ["state", "changed_at"])
    op.create_table(
        "market_images",
        sa.Column("version_id", sa.String(32), primary_key=True),
        sa.Column("region", sa.String(255), primary_key=True),
        sa.Column("product_id", sa.String(32), nullable=False),
        sa.Column("image_id", sa.String(36)),
        sa.Column("digest", sa.String(128)),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("code", sa.String(16)),
        sa.Column("reason", sa.Text()),
        **_ENGINE,
    )
    op.create_index("market_images_image", "market_images", ["image_id"])
    op.create_index("market_images_product", "market_images", ["product_id"])
    op.create_index("market_images_state", "market_images", ["state"])


def _decisions() -> None:
    op.create_table(
        "market_reviews",
        sa.Column("version_id", sa.String(32), primary_key=True),
        sa.Column("product_id", sa.String(32), nullable=False),
        sa.Column("user_id", sa.String(64), nullable=False),
        sa.Column("project_id", sa.String(64), nullable=False),
        sa.Column("decision", sa.String(16), nullable=False),
        sa.Column("reasons", sa.Text()),
        sa.Column("decided_at", _MOMENT, nullable=False),
        **_ENGINE,
    )
    op.create_index("market_reviews_product", "market_reviews", ["product_id"])
    op.create_table(
        "market_changes",
        sa.Column("product_id", sa.String(32), primary_key=True),
        sa.Column("moves", sa.Integer(), primary_key=True, autoincrement=False),
        sa.Column("version_id", sa.String(32)),
        sa.Column("user_id", sa.String(64), nullable=False),
        sa.Column("project_id", sa.String(64), nullable=False),
        sa.Column("action", sa.String(16), nullable=False),
        sa.Column("from_state", sa.String(16), nullable=False),
        sa.Column("to_state", sa.String(16), nullable=False),
        sa.Column("why", sa.Text()),
        sa.Column("changed_at", _MOMENT, nullable=False),
        **_ENGINE,
    )
    op.create_table(
        "market_files",
        sa.Column("product_id", sa.String(32), primary_key=True),
        sa.Column("digest", sa.String(64), primary_key=True),
        sa.Column(
            "content",
            sa.LargeBinary().with_variant(mysql.MEDIUMBLOB, "mysql", "mariadb"),
            nullable=False,
        ),
        **_ENGINE,
    )


def _buyers() -> None:
    op.create_table(
        "market_members",
        sa.Column("image_id", sa.String(36), primary_key=True),
        sa.Column("project_id", sa.String(64), primary_key=True),
        sa.Column("region", sa.String(255), nullable=False),
        sa.Column("product_id", sa.String(32), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("changed_at", _MOMENT, nullable=False),
        **_ENGINE,
    )
    op.create_index("market_members_state", "market_members", ["state", "changed_at"])
    op.create_index("market_members_product", "market_members", ["product_id", "project_id"])
    op.create_table(
        "market_entitlements",
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
        sa.Column("until", sa.Double()),
        **_ENGINE,
    )
    op.create_index("market_entitlements_project", "market_entitlements", ["project_id", "state"])
    op.create_index("market_entitlements_product", "market_entitlements", ["product_id", "state"])
    op.create_index("market_entitlements_until", "market_entitlements", ["state", "until"])
    op.create_table(
        "market_agreements",
        sa.Column("digest", sa.String(64), primary_key=True),
        sa.Column("content", JsonEncodedDict(mysql_as_long=True), nullable=False),
        **_ENGINE,
    )
    op.create_table(
        "market_terms",
        sa.Column("kind", sa.String(8), primary_key=True),
        sa.Column("term", _TERM, primary_key=True),
        sa.Column("product_id", sa.String(32), primary_key=True),
        **_ENGINE,
    )
    op.create_index("market_terms_product", "market_terms", ["product_id"])
