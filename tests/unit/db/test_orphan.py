# SPDX-License-Identifier: Apache-2.0
"""What the last look for orphans found, kept for each region."""

import dataclasses

import pytest
import sqlalchemy as sa

from ims_glance.db import orphan
from ims_glance.db.orphan import MOST, ORPHANS, Orphan, OrphanLook, OrphanLooks

HERE, THERE = "RegionOne", "RegionTwo"
# What a text of a store's can have, and not every database takes as it is.
ODD = "ims-\u0000\u202e\udc80<b>ü"
FOUND = (
    Orphan("kms", ("ims-1", "ims-1.header-a"), 1764000000.5, "belongs to no image"),
    Orphan("kms", (ODD,), 1764000001.0, "left behind: there is no job 1"),
    Orphan("image", ("1" * 36,), 1764000002.0, "belongs to nothing"),
)


@pytest.fixture
def looks(tables):
    return OrphanLooks(tables.database)


def look(*found, count=None, began=1764500000.25):
    return OrphanLook(began, 24.0, len(found) if count is None else count, found)


def test_nobody_has_looked_yet(looks):
    assert looks.last(HERE) is None


def test_what_is_recorded_is_read(looks):
    looks.record(HERE, look(*FOUND, count=7))
    assert looks.last(HERE) == look(*FOUND, count=7)


def test_a_look_that_found_nothing(looks):
    looks.record(HERE, look())
    assert looks.last(HERE) == look()


def test_a_later_look_replaces_the_one_before_and_no_other_region_s(looks):
    looks.record(HERE, look(*FOUND))
    looks.record(THERE, look(FOUND[2]))
    later = look(FOUND[1], began=1764600000.0)
    looks.record(HERE, later)
    assert looks.last(HERE) == later
    assert looks.last(THERE) == look(FOUND[2])
    # The same once more.
    looks.record(HERE, later)
    assert looks.last(HERE) == later


def test_so_many_are_kept(tables, looks):
    many = [dataclasses.replace(FOUND[0], names=(str(number),)) for number in range(MOST + 7)]
    looks.record(HERE, look(*many))
    last = looks.last(HERE)
    assert (last.count, len(last.orphans)) == (MOST + 7, MOST)
    assert [each.names for each in last.orphans] == [each.names for each in many[:MOST]]
    query = sa.select(sa.func.count()).select_from(ORPHANS)
    assert tables.database.read(lambda connection: connection.scalar(query)) == MOST


def test_a_long_reason_is_cut(looks):
    looks.record(HERE, look(dataclasses.replace(FOUND[0], reason="x" * 5000)))
    assert looks.last(HERE).orphans[0].reason == "x" * 1000


def test_it_is_all_recorded_or_nothing(tables, looks, monkeypatch):
    looks.record(HERE, look(*FOUND))
    real = orphan._replace

    def dies(connection, region, found):
        real(connection, region, found)
        raise KeyboardInterrupt

    monkeypatch.setattr(orphan, "_replace", dies)
    with pytest.raises(KeyboardInterrupt):
        looks.record(HERE, look(FOUND[0]))
    assert looks.last(HERE) == look(*FOUND)
