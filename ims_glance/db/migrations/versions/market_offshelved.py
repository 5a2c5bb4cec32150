# SPDX-License-Identifier: Apache-2.0
"""Version ``market_offshelved``: which copies of products say that these are withdrawn.

It adds a column and no more: Glance and workers of the version before go on beside it.
"""

import sqlalchemy as sa
from alembic import op

revision = "market_offshelved"
down_revision = "market_uses"


def upgrade() -> None:
    """Add the column."""
    column = sa.Column("is_offshelved", sa.Boolean(), nullable=False, server_default=sa.false())
    op.add_column("market_images", column)
