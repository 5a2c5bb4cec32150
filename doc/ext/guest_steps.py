# SPDX-License-Identifier: Apache-2.0
"""The steps that make a guest ready, as a table of reStructuredText."""

import re
from collections.abc import Iterable, Iterator

from ims_glance.guests.inside.steps.step import Step
from ims_glance.guests.inside.steps.table import TABLE

_HEAD = ("Step", "Guests", "Looks for", "Does", "Undone")


def lines(steps: Iterable[Step] = TABLE) -> Iterator[str]:
    """A ``list-table``, a row for each step."""
    yield from (".. list-table::", "   :header-rows: 1", "   :widths: 12 18 25 30 15", "")
    yield from _row(_HEAD)
    for step in steps:
        yield from _row((step.name, step.guests, step.looks_for, step.does, step.undone))


def _row(cells: Iterable[str]) -> Iterator[str]:
    first, *others = cells
    yield f"   * - {_literal(first)}"
    for cell in others:
        yield f"     - {_literal(cell)}"


def _literal(text: str) -> str:
    """The tables write `code` with one mark, as they are read in code as well."""
    return re.sub(r"`([^`]+)`", r"``\1``", text)
