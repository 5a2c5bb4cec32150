# SPDX-License-Identifier: Apache-2.0
"""The tables of what servers use of the marketplace, beside those of :mod:`ims_glance.db.schema`.

All moments are in seconds since 1970.
"""

import sqlalchemy as sa

from ims_glance.db.schema import METADATA

# One row for each time in which a server ran a product without a change.
MARKET_USES = sa.Table(
    "market_uses",
    METADATA,
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
    # When it was last looked at, and until when it was told by the hour.
    sa.Column("seen", sa.Double(), nullable=False),
    sa.Column("told", sa.Double(), nullable=False),
    sa.Index("market_uses_told", "told"),
    sa.Index("market_uses_ended", "ended"),
    mysql_engine="InnoDB",
    mysql_charset="utf8mb4",
)

# Since when it is recorded what servers of a region use; what was before is told in no hour.
MARKET_METERING = sa.Table(
    "market_metering",
    METADATA,
    sa.Column("region", sa.String(191), primary_key=True),
    sa.Column("since", sa.Double(), nullable=False),
    mysql_engine="InnoDB",
    mysql_charset="utf8mb4",
)

# Until when all that Nova of a region tells of its servers is known.
MARKET_LOOKS = sa.Table(
    "market_looks",
    METADATA,
    sa.Column("region", sa.String(191), primary_key=True),
    sa.Column("looked", sa.Double(), nullable=False),
    mysql_engine="InnoDB",
    mysql_charset="utf8mb4",
)
