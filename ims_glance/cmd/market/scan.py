# SPDX-License-Identifier: Apache-2.0
"""``ims-manage market scan``: what is sold, compared with the vulnerability feed of this host."""

import argparse
from collections.abc import Callable, Iterator

from oslo_config import cfg

from ims_glance.cmd import job, job_view
from ims_glance.db.market.products import Products
from ims_glance.db.market.scans import KeptScan, ProductScans
from ims_glance.jobs.market.scans import compared
from ims_glance.model.market.scan.report import ScanReport

_HEADS = ("VERSION", "PRODUCT", "STATE", "BEFORE", "BLOCKING")


def scan(conf: cfg.ConfigOpts) -> None:
    """Compare the packages of what is sold, or waits for a reviewer, with the feed; list what would be refused."""
    database = job.open_database(conf)
    scans, products = ProductScans(database), Products(database)
    found = compared(conf, scans, _nothing, is_forced=conf.command.again)
    count = 0

    def rows() -> Iterator[tuple[str, ...]]:
        nonlocal count
        for before, report in found:
            count += 1
            if conf.command.all or report.blocking:
                yield _row(products, before, report)

    job_view.print_table(_HEADS, rows())
    print(f"{count} versions were compared.")


def _row(products: Products, before: KeptScan, report: ScanReport) -> tuple[str, ...]:
    product = products.get_any(before.product_id)
    return (
        before.version_id,
        job_view.printable(product.name if product else "-"),
        report.state,
        before.report.state,
        job_view.printable("; ".join(each.where for each in report.blocking[:3]) or "-"),
    )


def _nothing() -> None:
    """Whoever asked waits for it."""


def add_command(actions: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add ``scan`` to those of ``ims-manage market``."""
    function: Callable[[cfg.ConfigOpts], None] = scan
    parser = actions.add_parser("scan", help=scan.__doc__, description=scan.__doc__)
    parser.set_defaults(function=function)
    parser.add_argument(
        "--again",
        action="store_true",
        help="also what was compared with this feed, or with a newer one, before",
    )
    parser.add_argument(
        "--all",
        action="store_true",
        help="list all that were compared, not only what would be refused",
    )
