# SPDX-License-Identifier: Apache-2.0
"""Looking for a disk's bytes in what is stored of it."""

import sys
from collections.abc import Iterator

RUN = 32
"""Bytes of a run."""
_WORD = 8
_MOST_RUNS = 8192


def runs(data: bytes) -> list[bytes]:
    """Runs of *data* from all over it, 8192 at most; none that is one byte over and over."""
    found = list(_telling(data))
    step = -(-len(found) // _MOST_RUNS) or 1
    return found[::step]


def common(wanted: list[bytes], stored: bytes) -> list[bytes]:
    """Those of the *wanted* runs that are in *stored*, at whatever place."""
    # All words of it are looked up in a set, which takes seconds less than looking for each run.
    words = set(memoryview(b"".join(run[:_WORD] for run in wanted)).cast("Q"))
    view = memoryview(stored)
    met: set[int] = set()
    for shift in range(_WORD):
        end = shift + (len(view) - shift) // _WORD * _WORD
        if end > shift:
            met |= words.intersection(view[shift:end].cast("Q"))
    beginnings = {word.to_bytes(_WORD, sys.byteorder) for word in met}
    return [run for run in wanted if run[:_WORD] in beginnings and run in stored]


def _telling(data: bytes) -> Iterator[bytes]:
    for at in range(0, len(data) - RUN + 1, RUN):
        run = data[at : at + RUN]
        if run.count(run[0]) < RUN:
            yield run
