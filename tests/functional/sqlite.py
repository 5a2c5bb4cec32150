# SPDX-License-Identifier: Apache-2.0
"""SQLite as the database of several workers at once.

A transaction that has read and wants to write then fails at once in SQLite if another one wrote
meanwhile, however long it may wait ("database is locked"). So each takes the lock for writing when
it begins. (Servers like MariaDB lock rows and need nothing of this.)
"""

from typing import Any

from sqlalchemy import Engine, event


def take_turns() -> None:
    """Make the transactions of this process wait for each other; may be called twice."""
    if not event.contains(Engine, "before_cursor_execute", _lock_for_writing):
        event.listen(Engine, "before_cursor_execute", _lock_for_writing, retval=True)


def _lock_for_writing(
    connection: Any, _cursor: Any, statement: str, parameters: Any, *_rest: Any
) -> tuple[str, Any]:
    if statement == "BEGIN" and connection.dialect.name == "sqlite":
        statement = "BEGIN IMMEDIATE"
    return statement, parameters
