# SPDX-License-Identifier: Apache-2.0
"""How long servers used products: one row for each time without a change, and what is told of it.

What is told is recorded in the transaction in which it is concluded, in the table of audit events, from where
it is sent. So each start, stop and hour of a server is told once, whoever looks at it, and however often.
"""

import dataclasses
import functools
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import sqlalchemy as sa
from oslo_utils import timeutils
from sqlalchemy.engine import Connection

from ims_glance.db import audit, clock
from ims_glance.db.database import Database
from ims_glance.db.market.usage_schema import MARKET_LOOKS, MARKET_METERING, MARKET_USES
from ims_glance.db.schema import (
    MARKET_ENTITLEMENTS,
    MARKET_IMAGES,
    MARKET_PRODUCTS,
)
from ims_glance.model.market import usage
from ims_glance.model.market.usage import Conclusion, SeenServer, ServerUse

_PAGE = 500
_DAY = 86400.0
_U = MARKET_USES.c


@dataclasses.dataclass(frozen=True)
class SoldCopy:
    """The product that one of the service's copies is of."""

    product_code: str
    version_id: str


class ServerUses:
    """The table.

    :raises DatabaseUnavailable: by each method, if the database is away
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def now(self) -> float:
        """By the clock of the database."""
        return float(self._database.read(_now))

    # --- looks ---------------------------------------------------------------------------------

    def observe(self, seen: SeenServer) -> None:
        """Draw conclusions from a look at a server, and record what is to be told of it."""
        self._database.write(lambda connection: _observe(connection, seen))

    def known(self, server_ids: Iterable[str]) -> set[str]:
        """Those of some servers that use a product now."""
        query = sa.select(_U.server_id).where(_U.server_id.in_(list(server_ids)), _is_open())
        return set(self._database.read(lambda connection: connection.scalars(query).all()))

    def running(self, server_id: str) -> set[str]:
        """The codes of the products that a server uses now."""
        query = sa.select(_U.product_code).where(_U.server_id == server_id, _is_open())
        return set(self._database.read(lambda connection: connection.scalars(query).all()))

    def unseen(self, region: str, since: float) -> Iterator[ServerUse]:
        """The uses in a region that go on, of servers that nobody has looked at since then."""
        yield from self._pages(_is_open(), _U.region == region, _U.seen < since)

    def copies(self, image_ids: Iterable[str]) -> dict[str, SoldCopy]:
        """Which of some images are the service's own copies, and of what; deleted ones too."""
        query = (
            sa.select(
                MARKET_IMAGES.c.image_id,
                MARKET_PRODUCTS.c.product_code,
                MARKET_IMAGES.c.version_id,
            )
            .join_from(
                MARKET_IMAGES, MARKET_PRODUCTS, MARKET_PRODUCTS.c.id == MARKET_IMAGES.c.product_id
            )
            .where(MARKET_IMAGES.c.image_id.in_(list(image_ids)))
        )
        rows = self._database.read(lambda connection: connection.execute(query).all())
        return {row[0]: SoldCopy(row[1], row[2]) for row in rows}

    def begin(self, region: str) -> None:
        """Record that from now on it is recorded what servers of a region use, unless that began before.

        Their hours before are told to nobody: turned on in a market with old servers, that would be all
        that they have run, at once.
        """
        self._database.write(lambda connection: _begin_metering(connection, region))

    def looked(self, region: str) -> float | None:
        """Until when all is known of a region; ``None`` if nobody has looked there."""
        query = sa.select(MARKET_LOOKS.c.looked).where(MARKET_LOOKS.c.region == region)
        return self._database.read(lambda connection: connection.scalar(query))

    def looks(self) -> dict[str, float]:
        """The same of all regions in which somebody has looked."""
        query = sa.select(MARKET_LOOKS.c.region, MARKET_LOOKS.c.looked)
        rows = self._database.read(lambda connection: connection.execute(query).all())
        return {row.region: row.looked for row in rows}

    def set_looked(self, region: str, moment: float) -> None:
        """Record that all is known of a region until then."""
        mine = MARKET_LOOKS.c.region == region

        def write(connection: Connection) -> None:
            there = sa.select(MARKET_LOOKS.c.looked).where(mine).with_for_update()
            known = connection.scalar(there)
            if known is None:
                connection.execute(sa.insert(MARKET_LOOKS).values(region=region, looked=moment))
            elif known < moment:
                connection.execute(sa.update(MARKET_LOOKS).where(mine).values(looked=moment))

        self._database.write(write)

    # --- what is told --------------------------------------------------------------------------

    def tell(self, region: str, horizon: float) -> int:
        """Record that each hour that is over be told, of each use in a region; how many hours.

        :param horizon: until when all is known of the region
        """
        count = 0
        is_due = sa.and_(_U.told <= horizon - usage.HOUR, sa.or_(_is_open(), _U.told < _U.ended))
        for use in self._pages(_U.region == region, is_due):
            count += self._database.write(functools.partial(_tell, use=use, horizon=horizon))
        return count

    def between(
        self,
        begin: float,
        end: float,
        project_id: str | None = None,
        product_id: str | None = None,
    ) -> Iterator[ServerUse]:
        """The uses that lasted for a part of a time, server by server."""
        conditions = [_U.began < end, sa.or_(_is_open(), _U.ended > begin)]
        conditions += [] if project_id is None else [_U.project_id == project_id]
        conditions += [] if product_id is None else [_U.product_id == product_id]
        yield from self._pages(*conditions)

    def names(self, product_ids: Iterable[str]) -> dict[str, str]:
        """What products are called where they are sold, which is what was reviewed: not what a draft says now.

        One that was never listed is called as its draft is.
        """
        table = MARKET_PRODUCTS.c
        query = sa.select(table.id, table.name, table.summary)
        query = query.where(table.id.in_(list(product_ids)))
        rows = self._database.read(lambda connection: connection.execute(query).all())
        return {row.id: str((row.summary or {}).get("name") or row.name) for row in rows}

    def forget(self, days: float) -> None:
        """Delete uses that ended so long ago, and were told."""
        old = sa.delete(MARKET_USES).where(
            _U.ended < clock.now() - days * _DAY, _U.told >= _U.ended
        )
        self._database.write(lambda connection: connection.execute(old))

    def _pages(self, *conditions: Any) -> Iterator[ServerUse]:
        key = (_U.server_id, _U.product_code, _U.number)
        last: tuple[Any, ...] | None = None
        while True:
            query = sa.select(MARKET_USES).where(*conditions).order_by(*key).limit(_PAGE)
            if last is not None:
                query = query.where(_is_after(last))
            rows = self._database.read(functools.partial(_read, query=query))
            for row in rows:
                yield ServerUse(**row)
            if len(rows) < _PAGE:
                return
            last = tuple(rows[-1][column.name] for column in key)


def _is_open() -> sa.ColumnElement[bool]:
    return _U.ended.is_(None)


def _is_after(last: tuple[Any, ...]) -> sa.ColumnElement[bool]:
    server, code, number = last
    same = sa.and_(_U.server_id == server, _U.product_code == code)
    return sa.or_(
        _U.server_id > server,
        sa.and_(_U.server_id == server, _U.product_code > code),
        sa.and_(same, _U.number > number),
    )


def _read(connection: Connection, query: sa.Select[Any]) -> Sequence[Any]:
    return connection.execute(query).mappings().all()


def _now(connection: Connection) -> float:
    return float(connection.scalar(sa.select(clock.now())) or 0.0)


def _mine(use: ServerUse) -> tuple[sa.ColumnElement[bool], ...]:
    return (
        _U.server_id == use.server_id,
        _U.product_code == use.product_code,
        _U.number == use.number,
    )


def _begin_metering(connection: Connection, region: str) -> None:
    if _metered_since(connection, region) is not None:
        return
    # Where somebody has looked already it began before there was this table: nothing of that is left out.
    looked = sa.select(MARKET_LOOKS.c.looked).where(MARKET_LOOKS.c.region == region)
    since = _now(connection) if connection.scalar(looked) is None else 0.0
    # Of two that come here at once one is refused, and looks again.
    connection.execute(sa.insert(MARKET_METERING).values(region=region, since=since))


def _metered_since(connection: Connection, region: str) -> float | None:
    query = sa.select(MARKET_METERING.c.since).where(MARKET_METERING.c.region == region)
    return connection.scalar(query)


def _observe(connection: Connection, seen: SeenServer) -> None:
    now = _now(connection)
    # A clock that is ahead of ours: what it says is of now, or else all later looks would be older.
    seen = dataclasses.replace(seen, seen=min(seen.seen, now))
    last = _last_uses(connection, seen.server_id)
    version = _sold(connection, seen.image_id)
    ends = [each.ended for each in last.values() if each.ended is not None]
    # What ends first: the next one begins no earlier.
    for code in sorted({*last, *(seen.codes or ())}, key=lambda each: (each not in last, each)):
        use = last.get(code)
        version_id = version.version_id if version and version.product_code == code else None
        looked = seen if use is not None else _after(seen, ends)
        found = usage.conclude(use, looked, code, version_id)
        if use is not None and found.ended is not None and found.began is None:
            ends.append(found.ended)
        if use is not None and seen.seen >= use.seen:
            _go_on(connection, use, seen, found, version_id)
        if found.began is not None:
            number = 0 if use is None else use.number + 1
            _begin(connection, seen, (code, number), found, version_id)


def _after(seen: SeenServer, ends: Sequence[float]) -> SeenServer:
    """The same of a product that the server did not run before: not at the time of another one's use."""
    latest = max((each for each in ends if each <= seen.seen), default=None)
    if latest is None or seen.began is None or seen.began >= latest:
        return seen
    return dataclasses.replace(seen, began=latest)


def _last_uses(connection: Connection, server_id: str) -> dict[str, ServerUse]:
    """Product code -> the last use of a server, taken until the transaction ends.

    Where there is none yet, of two at once one cannot insert the first, and looks again.
    """
    query = sa.select(MARKET_USES).where(_U.server_id == server_id)
    rows = connection.execute(query.order_by(_U.number).with_for_update()).mappings()
    return {row["product_code"]: ServerUse(**row) for row in rows}


def _sold(connection: Connection, image_id: str | None) -> SoldCopy | None:
    if image_id is None:
        return None
    query = (
        sa.select(MARKET_PRODUCTS.c.product_code, MARKET_IMAGES.c.version_id)
        .join_from(
            MARKET_IMAGES, MARKET_PRODUCTS, MARKET_PRODUCTS.c.id == MARKET_IMAGES.c.product_id
        )
        .where(MARKET_IMAGES.c.image_id == image_id)
    )
    row = connection.execute(query).first()
    return None if row is None else SoldCopy(row[0], row[1])


def _go_on(
    connection: Connection,
    use: ServerUse,
    seen: SeenServer,
    found: Conclusion,
    version_id: str | None,
) -> None:
    values: dict[str, Any] = {"seen": seen.seen}
    if use.ended is None and use.version_id is None and version_id is not None:
        values["version_id"] = version_id
    if found.ended is not None:
        values["ended"] = found.ended
    connection.execute(sa.update(MARKET_USES).where(*_mine(use)).values(**values))
    if found.ended is not None:
        ended = dataclasses.replace(use, ended=found.ended)
        _record(connection, ended, usage.STOP, ended.began, found.ended)


def _begin(
    connection: Connection,
    seen: SeenServer,
    key: tuple[str, int],
    found: Conclusion,
    version_id: str | None,
) -> None:
    code, number = key
    query = sa.select(MARKET_PRODUCTS.c.id).where(MARKET_PRODUCTS.c.product_code == code)
    product_id = connection.scalar(query)
    if product_id is None or found.began is None:
        # Of another cloud's marketplace.
        return
    use = ServerUse(
        server_id=seen.server_id,
        product_code=code,
        number=number,
        product_id=product_id,
        version_id=version_id,
        entitlement_id=_entitlement(connection, product_id, seen.project_id, found.began),
        project_id=seen.project_id,
        region=seen.region,
        flavor=seen.flavor,
        began=found.began,
        ended=found.until,
        seen=seen.seen,
        told=usage.hour_of(max(found.began, _metered_since(connection, seen.region) or 0.0)),
    )
    connection.execute(sa.insert(MARKET_USES).values(**dataclasses.asdict(use)))
    _record(connection, dataclasses.replace(use, ended=None), usage.START, use.began, None)
    if use.ended is not None:
        _record(connection, use, usage.STOP, use.began, use.ended)


def _entitlement(
    connection: Connection, product_id: str, project_id: str, began: float
) -> str | None:
    """What the project had of the product then, or has; the newest."""
    table = MARKET_ENTITLEMENTS.c
    query = (
        sa.select(table.id, table.since)
        .where(table.product_id == product_id, table.project_id == project_id)
        .order_by(table.since.desc())
    )
    rows = connection.execute(query).all()
    before = [row.id for row in rows if timeutils.delta_seconds(_EPOCH, row.since) <= began]
    return next(iter([*before, *(row.id for row in rows)]), None)


_EPOCH = timeutils.parse_isotime("1970-01-01T00:00:00Z").replace(tzinfo=None)


def _tell(connection: Connection, use: ServerUse, horizon: float) -> int:
    """Record the hours of a use that are over, unless another worker has."""
    hours = list(usage.untold(use, horizon))
    if not hours:
        return 0
    change = (
        sa.update(MARKET_USES).where(*_mine(use), _U.told == use.told).values(told=hours[-1][1])
    )
    if connection.execute(change).rowcount != 1:
        return 0
    # As it is now: it may have ended since it was read.
    row = connection.execute(sa.select(MARKET_USES).where(*_mine(use))).mappings().one()
    current = ServerUse(**row)
    for begin, end in hours:
        if usage.seconds(current, begin, end):
            _record(connection, current, usage.EXISTS, begin, end)
    return len(hours)


def _record(
    connection: Connection, use: ServerUse, kind: str, begin: float, end: float | None
) -> None:
    event = usage.event(use, kind, begin, end)
    audit.record(connection, usage.event_type(kind), event)
