# SPDX-License-Identifier: Apache-2.0
"""How long servers use products: what is concluded from each look at a server, and how it is told.

A *use* is a stretch of time in which one server of one project ran one product with one flavor. Each moment
is in seconds since 1970. Those of servers are taken as Nova says them (so that a use is as long as it was by
one clock), but none is later than the look at it.
"""

import dataclasses
import datetime
import uuid
from collections.abc import Iterator
from typing import Any

HOUR = 3600.0
START, STOP, EXISTS = "start", "stop", "exists"
EVENT_TYPE = "ims.market.usage"

# By which an event is the same whoever tells it, and however often.
_NAMESPACE = uuid.UUID("5f0d8a6e-64c1-4f0b-9a55-4d0e0f3c1b7a")


@dataclasses.dataclass(frozen=True)
class SeenServer:
    """A server as somebody saw it.

    :ivar codes: of the products in it; ``None`` if that cannot be told: those that were known
    :ivar image_id: of the image that it, or its first disk, was made of
    :ivar seen: when it was so
    :ivar changed: when it last became another one, as far as is known
    :ivar began: since when it runs; ``None`` if it never did
    :ivar ended: since when it is there no more, or on no host
    """

    server_id: str
    region: str
    project_id: str
    flavor: str
    seen: float
    changed: float
    codes: frozenset[str] | None = None
    image_id: str | None = None
    began: float | None = None
    ended: float | None = None


@dataclasses.dataclass(frozen=True)
class ServerUse:
    """A use.

    :ivar number: of the uses of this product by this server
    :ivar version_id: ``None`` if it runs something that was made of the product
    :ivar entitlement_id: of what the project had when it began; ``None`` if it had nothing
    :ivar ended: ``None`` while it goes on
    :ivar seen: when the server was last looked at
    :ivar told: until when it was told hour by hour
    """

    server_id: str
    product_code: str
    number: int
    product_id: str
    version_id: str | None
    entitlement_id: str | None
    project_id: str
    region: str
    flavor: str
    began: float
    ended: float | None
    seen: float
    told: float


@dataclasses.dataclass(frozen=True)
class Conclusion:
    """What follows from a look.

    :ivar ended: when the use that went on ended; ``None`` if it goes on
    :ivar began: when another one began; ``None`` if none did
    :ivar until: when that one ended; ``None`` if it goes on
    """

    ended: float | None = None
    began: float | None = None
    until: float | None = None


def conclude(
    last: ServerUse | None, seen: SeenServer, code: str, version_id: str | None = None
) -> Conclusion:
    """What follows from a look at a server for its use of one product.

    A look that is older than what is known says nothing: messages come late, and two workers look at once.

    :param last: its last use of that product, if there is one
    :param version_id: of what it runs, if that is known
    """
    if last is not None and seen.seen < last.seen:
        return Conclusion()
    goes_on = last if last is not None and last.ended is None else None
    is_in_it = goes_on is not None if seen.codes is None else code in seen.codes
    runs = is_in_it and seen.began is not None and seen.ended is None
    moment = min(seen.seen, seen.changed if seen.ended is None else seen.ended)
    if goes_on is not None:
        if runs and _is_same(goes_on, seen, version_id):
            return Conclusion()
        moment = max(moment, goes_on.began)
        return Conclusion(moment, moment if runs else None)
    if not is_in_it or seen.began is None:
        return Conclusion()
    began = min(seen.began, seen.seen)
    if last is not None and last.ended is not None:
        # It was shelved, or ran something else, meanwhile.
        began = max(moment, last.ended)
        return Conclusion(began=began) if runs else Conclusion()
    return Conclusion(began=began, until=None if runs else max(began, moment))


def _is_same(use: ServerUse, seen: SeenServer, version_id: str | None) -> bool:
    # Notifications do not tell the version of what is on a volume.
    is_other_version = None not in (version_id, use.version_id) and version_id != use.version_id
    words = (use.project_id, use.region, use.flavor)
    return words == (seen.project_id, seen.region, seen.flavor) and not is_other_version


# --- by the hour ---------------------------------------------------------------------------------


def hour_of(moment: float) -> float:
    """When the hour of a moment began."""
    return moment // HOUR * HOUR


def seconds(use: ServerUse, begin: float, end: float) -> float:
    """For how much of a time a use lasted.

    One that goes on lasts to the end of it.
    """
    until = end if use.ended is None else min(use.ended, end)
    return max(0.0, until - max(use.began, begin))


def untold(use: ServerUse, horizon: float) -> Iterator[tuple[float, float]]:
    """The hours of a use that were not told, and are over: begin and end of each.

    :param horizon: until when all is known
    """
    begin = use.told
    while begin + HOUR <= horizon and (use.ended is None or begin < use.ended):
        yield begin, begin + HOUR
        begin += HOUR


def event(use: ServerUse, kind: str, begin: float, end: float | None) -> dict[str, Any]:
    """What is told of a use.

    :param kind: :data:`START`, :data:`STOP` or :data:`EXISTS`
    :param begin: of the time that it is told for
    :param end: of it; ``None`` if it goes on
    """
    told = f"{use.server_id} {use.product_code} {use.number} {kind} {begin:.0f}"
    return {
        "id": str(uuid.uuid5(_NAMESPACE, told)),
        "eventTime": iso(begin if end is None else end),
        "audit_period_beginning": iso(begin),
        "audit_period_ending": None if end is None else iso(end),
        "server_id": use.server_id,
        "project_id": use.project_id,
        "region": use.region,
        "flavor": use.flavor,
        "product_id": use.product_id,
        "product_code": use.product_code,
        "version_id": use.version_id,
        "entitlement_id": use.entitlement_id,
        "began": iso(use.began),
        "ended": None if use.ended is None else iso(use.ended),
        "seconds": None if end is None else round(seconds(use, begin, end), 3),
    }


def event_type(kind: str) -> str:
    """What an event is called."""
    return f"{EVENT_TYPE}.{kind}"


# --- periods of a bill ---------------------------------------------------------------------------


def periods(kind: str, begin: float, end: float) -> Iterator[tuple[float, float]]:
    """A time in hours, days or months of UTC, or as a whole; the first and last may be shorter.

    :param kind: ``hour``, ``day``, ``month`` or ``all``
    """
    while begin < end:
        until = min(end, _next(kind, begin, end))
        yield begin, until
        begin = until


def _next(kind: str, moment: float, end: float) -> float:
    if kind == "all":
        return end
    if kind == "hour":
        return hour_of(moment) + HOUR
    day = datetime.datetime.fromtimestamp(moment, datetime.UTC).replace(
        hour=0, minute=0, second=0, microsecond=0
    )
    if kind == "month":
        day = day.replace(day=28) + datetime.timedelta(days=4)
        return day.replace(day=1).timestamp()
    return (day + datetime.timedelta(days=1)).timestamp()


def iso(moment: float) -> str:
    """A moment as Nova writes it, with its time zone."""
    return datetime.datetime.fromtimestamp(moment, datetime.UTC).isoformat(timespec="seconds")


def moment_of(text: object) -> float | None:
    """The moment that Nova wrote, which is UTC unless it says otherwise; ``None`` if it wrote none."""
    try:
        found = datetime.datetime.fromisoformat(str(text))
    except ValueError:
        return None
    return (found if found.tzinfo else found.replace(tzinfo=datetime.UTC)).timestamp()
