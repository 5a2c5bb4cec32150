# SPDX-License-Identifier: Apache-2.0
"""Standing copies in a database of a test."""

import dataclasses
from typing import Any

import sqlalchemy as sa

from ims_glance.db.schema import STANDING_COPIES
from ims_glance.model.standing_copy import StandingCopy, StandingImage

STANDING = StandingCopy("a" * 32, "releases", "project", "user", "RegionTwo", "there", tag="t")
IMAGE = StandingImage("1" * 36, "web", "2030-01-01T00:00:00Z")


def numbered(number: int, **values: Any) -> StandingCopy:
    """One of several."""
    return dataclasses.replace(STANDING, id=f"{number:032x}", **values)


def let_be_due(tables: Any, **values: Any) -> None:
    """Let all be looked at at once."""
    change = sa.update(STANDING_COPIES).values(**{"look_at": 0.0, **values})
    tables.database.write(lambda connection: connection.execute(change))


def users(tables: Any, delegation_id: str) -> int:
    """How many use a delegation."""
    query = sa.text("SELECT jobs FROM delegations WHERE id = :id").bindparams(id=delegation_id)
    return int(tables.database.read(lambda connection: connection.scalar(query)))
