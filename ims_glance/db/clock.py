# SPDX-License-Identifier: Apache-2.0
"""The clock of the database: the one clock that all hosts have in common."""

from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.expression import FunctionElement


class now(FunctionElement[float]):
    """Seconds since 1970 when the statement began."""

    type = sa.Double()
    inherit_cache = True


@compiles(now, "mysql")
@compiles(now, "mariadb")
def _mysql(_element: now, _compiler: Any, **_kw: Any) -> str:
    # Not by a conversion to the time zone of the session, which may have hours twice.
    return "(TIMESTAMPDIFF(MICROSECOND, '1970-01-01', UTC_TIMESTAMP(6)) / 1000000e0)"


@compiles(now, "postgresql")
def _postgresql(_element: now, _compiler: Any, **_kw: Any) -> str:
    return "CAST(EXTRACT(EPOCH FROM clock_timestamp()) AS DOUBLE PRECISION)"


@compiles(now, "sqlite")
def _sqlite(_element: now, _compiler: Any, **_kw: Any) -> str:
    return "((julianday('now') - 2440587.5) * 86400.0)"
