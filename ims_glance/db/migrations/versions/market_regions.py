# SPDX-License-Identifier: Apache-2.0
"""Version ``market_regions``: how copies of products come to be in other regions.

It adds columns and no more: Glance and workers of the version before go on beside it.
"""

import sqlalchemy as sa
from alembic import op

revision = "market_regions"
down_revision = "guest_reports"


def upgrade() -> None:
    """Add the columns."""
    table = "market_images"
    op.add_column(table, sa.Column("job_id", sa.String(32)))
    op.add_column(table, sa.Column("attempts", sa.Integer(), nullable=False, server_default="0"))
    op.add_column(table, sa.Column("look_at", sa.Double()))
