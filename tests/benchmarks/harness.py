# SPDX-License-Identifier: Apache-2.0
"""Measuring pairs, and showing what came out."""

import dataclasses
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

PAIRS = 5


@dataclasses.dataclass(frozen=True)
class Figure:
    """A line of the table of figures.

    :ivar must: the bound that the figure keeps, as text
    :ivar measured: as text, with its unit
    """

    name: str
    must: str
    measured: str

    def __str__(self) -> str:
        return f"| {self.name} | {self.must} | {self.measured} |"


def seconds(action: Callable[[], object]) -> float:
    """How long *action* takes."""
    began = time.perf_counter()
    action()
    return time.perf_counter() - began


def in_turns(
    stock: Callable[[int], float], ours: Callable[[int], float], pairs: int = PAIRS
) -> tuple[list[float], list[float]]:
    """Measure both, *pairs* times in turns, after one turn that does not count.

    :param stock: measures once; its argument is the number of the turn
    :returns: what *stock* measured, and what *ours* did, pair by pair
    """
    measured: tuple[list[float], list[float]] = ([], [])
    for turn in range(pairs + 1):
        pair = stock(turn), ours(turn)
        note(f"  {'warm-up' if turn == 0 else turn}: {pair[0]:.4g} against {pair[1]:.4g}")
        if turn:
            measured[0].append(pair[0])
            measured[1].append(pair[1])
    return measured


def median_ratio(above: list[float], below: list[float]) -> float:
    """Median of the quotients, pair by pair."""
    return statistics.median(a / b for a, b in zip(above, below, strict=True))


def note(text: str) -> None:
    """Tell how it goes, beside the table."""
    print(text, file=sys.stderr, flush=True)


@contextmanager
def announced(title: str) -> Iterator[None]:
    """Say what is measured now, and how long that took."""
    note(f"{title} ...")
    began = time.monotonic()
    yield
    note(f"{title}: {time.monotonic() - began:.0f} s")
