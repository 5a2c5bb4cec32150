# SPDX-License-Identifier: Apache-2.0
"""Version ``market_metering``: since when it is recorded how long servers use what is sold.

It adds a table and no more: Glance and workers of the version before go on beside it.
"""

import sqlalchemy as sa
from alembic import op

revision = "market_metering"
down_revision = "market_offshelved"


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "market_metering",
        sa.Column("region", sa.String(191), primary_key=True),
        sa.Column("since", sa.Double(), nullable=False),
        mysql_engine="InnoDB",
        mysql_charset="utf8mb4",
    )
