# SPDX-License-Identifier: Apache-2.0
"""What is concluded from looks at servers, and how it is told."""

import dataclasses
import itertools

import pytest

from ims_glance.model.market import usage
from ims_glance.model.market.usage import Conclusion, SeenServer, ServerUse

CODE = "c" * 32
SEEN = SeenServer("s", "RegionOne", "buyers", "m1", 1000.0, 900.0, frozenset({CODE}), "i", 500.0)
USE = ServerUse(
    "s", CODE, 0, "p", "v1", "e", "buyers", "RegionOne", "m1", 500.0, None, 800.0, 0.0
)  # fmt: skip


def seen(**values):
    return dataclasses.replace(SEEN, **values)


def use(**values):
    return dataclasses.replace(USE, **values)


@pytest.mark.parametrize(
    ("last", "server", "expected"),
    [
        # It runs the product, and was not known.
        (None, seen(), Conclusion(began=500.0)),
        # It is built, or its building failed.
        (None, seen(began=None), Conclusion()),
        (None, seen(codes=frozenset()), Conclusion()),
        (None, seen(codes=None), Conclusion()),
        # It came and went, and nobody looked.
        (None, seen(ended=950.0), Conclusion(began=500.0, until=950.0)),
        # Nova's clock is ahead: nothing is later than the look at it.
        (None, seen(began=2000.0), Conclusion(began=1000.0)),
        (None, seen(began=2000.0, ended=2500.0), Conclusion(began=1000.0, until=1000.0)),
        # It goes on, also if it cannot be told what is in it.
        (use(), seen(), Conclusion()),
        (use(), seen(codes=None), Conclusion()),
        # It was started anew.
        (use(), seen(began=700.0), Conclusion()),
        # It was deleted, or shelved.
        (use(), seen(ended=950.0), Conclusion(ended=950.0)),
        (use(), seen(codes=None, ended=950.0), Conclusion(ended=950.0)),
        (use(), seen(ended=400.0), Conclusion(ended=500.0)),
        (use(), seen(ended=2500.0), Conclusion(ended=1000.0)),
        # It was rebuilt, and has nothing of the product any more.
        (use(), seen(codes=frozenset()), Conclusion(ended=900.0)),
        (use(), seen(codes=frozenset({"d"})), Conclusion(ended=900.0)),
        # It was resized; it is another project's.
        (use(), seen(flavor="m2"), Conclusion(900.0, 900.0)),
        (use(), seen(project_id="others"), Conclusion(900.0, 900.0)),
        # A look that is older than what is known.
        (use(), seen(seen=700.0, ended=650.0), Conclusion()),
        (use(ended=800.0, seen=1200.0), seen(), Conclusion()),
        # It is back: from the shelf, or rebuilt to the product once more.
        (use(ended=700.0), seen(), Conclusion(began=900.0)),
        (use(ended=950.0, seen=950.0), seen(), Conclusion(began=950.0)),
        (use(ended=700.0), seen(ended=950.0), Conclusion()),
        (use(ended=700.0), seen(codes=None), Conclusion()),
    ],
)
def test_conclusions(last, server, expected):
    assert usage.conclude(last, server, CODE) == expected


@pytest.mark.parametrize(
    ("known", "found", "expected"),
    [
        ("v1", "v1", Conclusion()),
        ("v1", "v2", Conclusion(900.0, 900.0)),
        ("v1", None, Conclusion()),
        (None, "v1", Conclusion()),
    ],
)
def test_another_version_is_another_use(known, found, expected):
    assert usage.conclude(use(version_id=known), SEEN, CODE, found) == expected


def test_hours():
    told = list(usage.untold(use(began=4000.0, told=3600.0), 3600.0 * 4))
    assert told == [(3600.0, 7200.0), (7200.0, 10800.0), (10800.0, 14400.0)]
    ended = use(began=4000.0, told=3600.0, ended=7300.0)
    assert list(usage.untold(ended, 1e9)) == told[:2]
    assert list(usage.untold(dataclasses.replace(ended, told=10800.0), 1e9)) == []
    # One that is not over is not told.
    assert list(usage.untold(ended, 10799.0)) == told[:1]
    assert [usage.seconds(ended, *each) for each in told] == [3200.0, 100.0, 0.0]
    assert usage.seconds(use(), 0.0, 600.0) == 100.0


def test_an_event_is_the_same_whoever_tells_it():
    one = usage.event(use(), usage.EXISTS, 0.0, 3600.0)
    assert one == usage.event(use(seen=1.0), usage.EXISTS, 0.0, 3600.0)
    assert one["audit_period_beginning"] == "1970-01-01T00:00:00+00:00"
    assert one["audit_period_ending"] == "1970-01-01T01:00:00+00:00"
    assert (one["seconds"], one["product_code"], one["ended"]) == (3100.0, CODE, None)
    others = [
        usage.event(use(), usage.EXISTS, 3600.0, 7200.0),
        usage.event(use(number=1), usage.EXISTS, 0.0, 3600.0),
        usage.event(use(), usage.START, 0.0, None),
        usage.event(use(ended=700.0), usage.STOP, 500.0, 700.0),
    ]
    assert len({each["id"] for each in [one, *others]}) == 5
    assert [each["seconds"] for each in others] == [3600.0, 3100.0, None, 200.0]
    assert usage.event_type(usage.STOP) == "ims.market.usage.stop"


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("hour", 31 * 24 + 1),
        ("day", 32),
        ("month", 2),
        ("all", 1),
    ],
)
def test_periods(kind, expected):
    begin = usage.moment_of("2026-12-01T00:30:00Z") or 0.0
    end = usage.moment_of("2027-01-01T00:30:00") or 0.0
    found = list(usage.periods(kind, begin, end))
    assert len(found) == expected
    assert (found[0][0], found[-1][1]) == (begin, end)
    assert all(one[1] == other[0] for one, other in itertools.pairwise(found))


def test_moments():
    assert usage.moment_of("1970-01-01T00:01:00.000000") == 60.0
    assert usage.moment_of("1970-01-01 01:01:00+01:00") == 60.0
    assert usage.moment_of(None) is None
    assert usage.moment_of("") is None
