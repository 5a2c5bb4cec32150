# SPDX-License-Identifier: Apache-2.0
"""The table of audit events: the outbox from which they are sent, and the history that is shown.

What the marketplace tells of servers goes out in the same way.

It is bounded in number and age. An event that was sent stays in it as long as one that was not. One that
cannot be sent though others can is *set aside*: it is shown, and does not hold up those behind it.
What the marketplace tells is bounded by itself, so that it pushes no other event out, and is not deleted
before it was sent: bills are made of it.
"""

import dataclasses
import json
import logging
from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from oslo_config import cfg
from sqlalchemy.engine import Connection

from ims_glance.db import clock
from ims_glance.db.database import Database, DatabaseRefused
from ims_glance.db.schema import AUDIT_EVENTS
from ims_glance.model.market import usage

LOG = logging.getLogger(__name__)

_DAY = 86400.0
# Rows that one transaction deletes.
_DELETED = 1000
# What is kept of an event that no database takes, and how much of it; characters.
_TOLD = "told"
_MOST_TOLD = 4000
# So many of a project's newest events are looked through for an image.
HISTORY = 20_000
# So many events are added before old ones are looked for, where no worker does that.
_PRUNED = 1000


@dataclasses.dataclass(frozen=True)
class AuditEvent:
    """A row.

    :ivar content: the CADF event; empty if nobody can read it any more
    """

    id: int
    type: str
    content: Mapping[str, Any]
    is_set_aside: bool = False


@dataclasses.dataclass(frozen=True)
class Wanted:
    """Which events are meant.

    :ivar since: seconds since 1970 by the clock of the database; they were recorded then or later
    :ivar image_id: one of the images that they name
    """

    since: float | None = None
    project_id: str | None = None
    image_id: str | None = None

    def clauses(self) -> list[sa.ColumnElement[bool]]:
        """The same in SQL."""
        found: list[sa.ColumnElement[bool]] = []
        if self.since is not None:
            found.append(AUDIT_EVENTS.c.recorded >= self.since)
        if self.project_id is not None:
            found.append(AUDIT_EVENTS.c.project_id == self.project_id)
        if self.image_id is not None:
            text = sa.type_coerce(AUDIT_EVENTS.c.content, sa.Text())
            found.append(text.contains(f'"{self.image_id}"', autoescape=True))
        return found


class AuditEvents:
    """The table.

    :raises DatabaseUnavailable: by each method, if the database is away
    """

    def __init__(self, conf: cfg.ConfigOpts, database: Database) -> None:
        self._options = conf.ims_audit
        self._database = database
        self._added = 0

    def add(self, events: Sequence[tuple[str, Mapping[str, Any]]]) -> None:
        """Record events in their order.

        :param events: type and content of each
        """
        self._added += len(events)
        if self._added >= _PRUNED:
            self.prune()
            self._added = 0
        rows = [_row(kind, content) for kind, content in events]
        try:
            self._insert(rows)
        except DatabaseRefused:
            # One of them is not for a database; the others are none the worse.
            for row in rows:
                self._insert_alone(row)

    def _insert(self, rows: Sequence[Mapping[str, Any]], sent: Any = None) -> None:
        new = sa.insert(AUDIT_EVENTS).values(recorded=clock.now(), sent=sent)
        self._database.write(lambda connection: connection.execute(new, list(rows)))

    def _insert_alone(self, row: Mapping[str, Any]) -> None:
        try:
            self._insert([row])
        except DatabaseRefused as error:
            LOG.error("Audit event %s is set aside, and not kept as it is: %s", row["type"], error)
            told = repr(row["content"]).encode("ascii", "backslashreplace").decode()
            kept = {"type": row["type"], "project_id": None, "content": {_TOLD: told[:_MOST_TOLD]}}
            self._insert([kept], sent=-clock.now())

    def unsent(self, limit: int) -> list[AuditEvent]:
        """The oldest events that were not sent, the oldest first."""
        query = _rows().where(AUDIT_EVENTS.c.sent.is_(None))
        return self._read(query.order_by(AUDIT_EVENTS.c.id).limit(limit))

    def record_sent(self, event_ids: Sequence[int]) -> None:
        """Record that these events were sent."""
        self._set_sent([AUDIT_EVENTS.c.id.in_(event_ids)], clock.now())

    def set_aside(self, event_id: int) -> None:
        """Send it no more; it stays to be looked at, as long as others."""
        self._set_sent([AUDIT_EVENTS.c.id == event_id], -clock.now())

    def send_again(self, wanted: Wanted) -> int:
        """Let events be sent once more; how many were sent before."""
        return self._set_sent([AUDIT_EVENTS.c.sent.is_not(None), *wanted.clauses()], None)

    def last(self, limit: int, wanted: Wanted) -> list[AuditEvent]:
        """The newest events, the newest last."""
        query = _rows().where(*wanted.clauses()).order_by(AUDIT_EVENTS.c.id.desc()).limit(limit)
        return self._read(query)[::-1]

    def history(self, limit: int, project_id: str, image_id: str) -> list[AuditEvent]:
        """The newest of the audit events with which a project did something to an image, the newest last.

        They are looked for among the project's newest :data:`HISTORY` events of any kind alone: no index knows images.
        """
        mine = AUDIT_EVENTS.c.project_id == project_id
        # The index of projects has all that is asked for.
        last = _ids(-1).where(mine).offset(HISTORY).limit(1)
        edge = self._database.read(lambda connection: connection.scalar(last)) or 0
        wanted = Wanted(project_id=project_id, image_id=image_id)
        among = (AUDIT_EVENTS.c.id > edge, ~_is_usage())
        query = _rows().where(*wanted.clauses(), *among).order_by(AUDIT_EVENTS.c.id.desc())
        return self._read(query.limit(limit))[::-1]

    def prune(self) -> None:
        """Delete events that are older, or more, than are kept; what was not sent of usage stays."""
        unsent = self._prune_all(~_is_usage())
        self._prune_all(_is_usage(), AUDIT_EVENTS.c.sent.is_not(None))
        if unsent:
            LOG.warning(
                "%d audit events were deleted before they could be sent (see keep_days and "
                "keep_events in [ims_audit])",
                unsent,
            )

    def _prune_all(self, *kind: sa.ColumnElement[bool]) -> int:
        """Delete what is too old, or too many, of one kind; how many were not sent."""
        last = _ids(-1).where(*kind).offset(self._options.keep_events).limit(1)
        edge = self._database.read(lambda connection: connection.scalar(last)) or 0
        unsent, goes_on = 0, True
        while goes_on:
            lost, goes_on = self._database.write(
                lambda connection: self._prune(connection, edge, kind)
            )
            unsent += lost
        return unsent

    def _prune(
        self, connection: Connection, edge: int, kind: Sequence[sa.ColumnElement[bool]]
    ) -> tuple[int, bool]:
        """Delete some of the oldest; how many were not sent, and whether there may be more."""
        is_old = AUDIT_EVENTS.c.recorded < clock.now() - self._options.keep_days * _DAY
        columns = (is_old.label("is_old"), AUDIT_EVENTS.c.sent)
        some = _ids(1).where(*kind).add_columns(*columns).limit(_DELETED)
        gone = [row for row in connection.execute(some).all() if row.id <= edge or row.is_old]
        if gone:
            ids = [row.id for row in gone]
            connection.execute(sa.delete(AUDIT_EVENTS).where(AUDIT_EVENTS.c.id.in_(ids)))
        return sum(row.sent is None for row in gone), len(gone) == _DELETED

    def _set_sent(self, clauses: Sequence[sa.ColumnElement[bool]], moment: Any) -> int:
        change = sa.update(AUDIT_EVENTS).where(*clauses).values(sent=moment)
        return int(self._database.write(lambda connection: connection.execute(change).rowcount))

    def _read(self, query: sa.Select[Any]) -> list[AuditEvent]:
        rows = self._database.read(lambda connection: connection.execute(query).all())
        return [AuditEvent(row.id, row.type, _read(row.text), (row.sent or 0) < 0) for row in rows]


def record(connection: Connection, kind: str, content: Mapping[str, Any]) -> None:
    """Record an event in a transaction of somebody else, with what it is about.

    :param content: not of the audit trail alone: what has no ``attachments`` names its ``project_id`` itself
    """
    new = sa.insert(AUDIT_EVENTS).values(recorded=clock.now(), sent=None, **_row(kind, content))
    connection.execute(new)


def _is_usage() -> sa.ColumnElement[bool]:
    return AUDIT_EVENTS.c.type.startswith(f"{usage.EVENT_TYPE}.", autoescape=True)


def _rows() -> sa.Select[Any]:
    # As text: one row that is no JSON must not make all others unreadable.
    text = sa.type_coerce(AUDIT_EVENTS.c.content, sa.Text()).label("text")
    return sa.select(AUDIT_EVENTS.c.id, AUDIT_EVENTS.c.type, text, AUDIT_EVENTS.c.sent)


def _read(text: str) -> Mapping[str, Any]:
    try:
        content = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return content if isinstance(content, dict) else {}


def _row(kind: str, content: Mapping[str, Any]) -> dict[str, Any]:
    return {"type": kind[:64], "project_id": _project(content), "content": dict(content)}


def _ids(direction: int) -> sa.Select[Any]:
    column = AUDIT_EVENTS.c.id
    return sa.select(column).order_by(column if direction > 0 else column.desc())


def _project(content: Mapping[str, Any]) -> str | None:
    attached = content["attachments"][0]["content"] if "attachments" in content else content
    project_id = attached.get("project_id")
    return None if project_id is None else str(project_id)[:64]
