# SPDX-License-Identifier: Apache-2.0
"""Version ``market_offshelved``: which copies of products say that these are withdrawn.

It adds a column and no more: Glance and workers of the version before go on beside it.
"""

import sqlalchemy as sa
from alembic import op

revision = "market_offshelved"
down_revision = "market_scans"


def upgrade() -> None:
    """Add the column, unless ``market_regions`` did, as it was for a while."""
    table, name = "market_images", "is_offshelved"
    if name not in {each["name"] for each in sa.inspect(op.get_bind()).get_columns(table)}:
        op.add_column(
            table, sa.Column(name, sa.Boolean(), nullable=False, server_default=sa.false())
        )
