# SPDX-License-Identifier: Apache-2.0
"""Version ``second_delegation``: jobs that act in two projects.

It adds a column and no more: workers and Glance of the version before go on beside it, for they name
the columns that they read and write. They leave such jobs alone, whose type they do not know.
"""

import sqlalchemy as sa
from alembic import op

revision = "second_delegation"
down_revision = "jobs"


def upgrade() -> None:
    """Add the column."""
    op.add_column("jobs", sa.Column("source_delegation_id", sa.String(32)))
