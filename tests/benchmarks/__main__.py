# SPDX-License-Identifier: Apache-2.0
"""``python -m tests.benchmarks [NAME ...]``."""

import sys
from collections.abc import Callable

from tests.benchmarks import (
    console,
    copying,
    exports,
    file_formats,
    files,
    guests,
    harness,
    in_process,
    jobs,
    leftovers,
    listing,
    machines,
    market,
    market_buyers,
    over_http,
    region_bounds,
    regions,
)

FIGURES: dict[str, Callable[[], harness.Figure | list[harness.Figure]]] = {
    "add": in_process.add,
    "put": over_http.put,
    "get": over_http.get,
    "range": over_http.random_range,
    "range-rbd": over_http.range_on_rbd,
    "memory": over_http.memory,
    "rekey": over_http.rekey,
    "list": listing.listing,
    "accept": jobs.accept,
    "console": console.page,
    "copy": copying.copy,
    "copy-encrypted": copying.copy_encrypted,
    "copy-memory": copying.copy_memory,
    "whole": machines.whole,
    "standstill": machines.standstill,
    "standstill-local": machines.standstill_local,
    "whole-memory": machines.capture_memory,
    "leftovers": leftovers.leftovers,
    "export": exports.export,
    "file": files.imported,
    "file-check": files.checked,
    "file-memory": files.exported,
    "formats": file_formats.identical,
    "prepare": guests.prepared,
    "stream": regions.stream,
    "region": regions.random_data,
    "region-empty": regions.mostly_empty,
    "region-killed": region_bounds.killed,
    "region-memory": region_bounds.memory,
    "region-disks": region_bounds.disks,
    "market-search": market.search,
    "market-buy": market_buyers.buy,
    "market-subscribers": market_buyers.subscribers,
}


def main(names: list[str]) -> int:
    """Measure the named figures, or all."""
    unknown = set(names) - set(FIGURES)
    if unknown:
        print(f"no such figure: {', '.join(sorted(unknown))} (known: {', '.join(FIGURES)})")
        return 2
    figures: list[harness.Figure] = []
    for name in names or FIGURES:
        with harness.announced(name):
            found = FIGURES[name]()
        figures += found if isinstance(found, list) else [found]
    print("| figure | must | measured |\n|---|---|---|")
    for figure in figures:
        print(figure)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
