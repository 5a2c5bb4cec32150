# SPDX-License-Identifier: Apache-2.0
"""``ims-manage market usage``: for how long servers used what is sold, for whoever writes the bills."""

import argparse
import csv
import dataclasses
import sys
from collections.abc import Callable, Iterator, Mapping
from typing import Any, TextIO

from oslo_config import cfg

from ims_glance import exceptions
from ims_glance.cmd import audit, job
from ims_glance.cmd.market import scan
from ims_glance.conf import ims_service, ims_usage
from ims_glance.db.market.uses import ServerUses
from ims_glance.model.market import usage as model
from ims_glance.model.market.usage import ServerUse
from ims_glance.model.text import table_text

PERIODS = ("hour", "day", "month", "all")
HEADS = (
    "begin", "end", "product_id", "product_code", "product", "version_id", "entitlement_id",
    "project_id", "region", "server_id", "flavor", "seconds",
)  # fmt: skip
# The names of so many products are asked for at once.
_TOGETHER = 200


class NoTime(exceptions.Invalid):
    """The time that is asked for has no length."""

    template = "--to has to be later than --from."


class NotAllKnown(exceptions.Unavailable):
    """The table is of a time of which not all is known yet."""

    template = (
        "The table is not complete: not all is known of {regions} until --to. See to it that ims-worker reaches "
        "Nova there (its log says why it does not), and print it again."
    )


def usage(conf: cfg.ConfigOpts) -> None:
    """Print how long servers used products, a line for each period, server and product."""
    chosen = conf.command
    uses = ServerUses(job.open_database(conf))
    now = uses.now()
    # What has not been yet is not on a bill.
    begin, end = chosen.begin, min(now if chosen.end is None else chosen.end, now)
    if chosen.end is not None and chosen.end <= begin:
        raise NoTime
    known = uses.looks()
    short = {name for name in _regions(conf) if known.get(name, 0.0) < end}
    found = uses.between(begin, end, chosen.project, chosen.product)
    counted = _counted(found, known, end, short)
    write(sys.stdout, rows(uses, counted, (begin, end), chosen.period))
    for name in sorted(short):
        until = model.iso(known[name]) if name in known else "no moment"
        print(f"What is used in region {name} is known until {until}.", file=sys.stderr)
    if short and chosen.end is not None and chosen.end <= now:
        raise NotAllKnown(regions=", ".join(sorted(short)))


def _regions(conf: cfg.ConfigOpts) -> list[str]:
    """Those in which workers look."""
    if not conf[ims_usage.GROUP].enabled:
        return []
    return [ims_service.region_name(conf), *conf.ims_market.regions]


def _counted(
    found: Iterator[ServerUse], known: Mapping[str, float], end: float, short: set[str]
) -> Iterator[ServerUse]:
    """The uses as far as is known: one that goes on may have ended since somebody looked.

    :param known: region -> until when all is known of it
    :param short: takes the regions of those that may go on until *end*
    """
    for use in found:
        until = max(known.get(use.region, 0.0), use.seen)
        if use.ended is None and until < end:
            short.add(use.region)
            yield dataclasses.replace(use, ended=max(until, use.began))
        else:
            yield use


def rows(
    uses: ServerUses, found: Iterator[ServerUse], asked: tuple[float, float], period: str
) -> Iterator[tuple[Any, ...]]:
    """The lines of the table, server by server.

    :param asked: the time that is asked for; seconds since 1970
    :param period: one of :data:`PERIODS`
    """
    names: dict[str, str] = {}
    for use in found:
        if use.product_id not in names:
            if len(names) >= _TOGETHER:
                names.clear()
            names |= uses.names([use.product_id])
        # From the beginning of the time that is asked for, so that all lines have the same periods.
        for begin, end in model.periods(period, *_inside(use, asked, period)):
            seconds = model.seconds(use, begin, end)
            if seconds:
                yield (
                    model.iso(begin), model.iso(end), use.product_id, use.product_code,
                    names.get(use.product_id, ""), use.version_id or "", use.entitlement_id or "",
                    use.project_id, use.region, use.server_id, use.flavor, f"{seconds:.0f}",
                )  # fmt: skip


def _inside(use: ServerUse, asked: tuple[float, float], period: str) -> tuple[float, float]:
    """The time that is asked for, without the hours of it in which a use was not yet."""
    begin, end = asked
    if period == "hour":
        begin = max(begin, model.hour_of(use.began))
        end = min(end, end if use.ended is None else model.hour_of(use.ended) + model.HOUR)
    return begin, end


def write(file: TextIO, table: Iterator[tuple[Any, ...]]) -> None:
    """Write it as CSV; nothing in it is a formula for a spreadsheet."""
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(HEADS)
    for row in table:
        writer.writerow([table_text.safe(str(each)) for each in row])


def add_commands(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add ``market`` to the commands of ``ims-manage``."""
    text = "What is sold, and what of it is used."
    parser = subparsers.add_parser("market", help=text, description=text)
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    scan.add_command(actions)
    function: Callable[[cfg.ConfigOpts], None] = usage
    listing = actions.add_parser("usage", help=usage.__doc__, description=usage.__doc__)
    listing.set_defaults(function=function)
    listing.add_argument(
        "--from",
        dest="begin",
        type=audit.moment,
        required=True,
        metavar="MOMENT",
        help="2026-11-01 or 2026-11-29T08:00 (UTC), or 30m, 12h, 7d ago",
    )
    listing.add_argument(
        "--to", dest="end", type=audit.moment, metavar="MOMENT", help="likewise (default: now)"
    )
    listing.add_argument(
        "--period",
        choices=PERIODS,
        default="hour",
        help="a line for each hour, day or month (UTC), or one for all of the time (default: %(default)s)",
    )
    listing.add_argument("--project", metavar="ID", help="only servers of this project")
    listing.add_argument("--product", metavar="ID", help="only uses of this product")
    listing.add_argument(
        "--format", choices=("csv",), default="csv", help="of the table (default: %(default)s)"
    )
