# SPDX-License-Identifier: Apache-2.0
"""How long servers used products, in the database: each thing is counted and told once."""

import dataclasses
import functools

import pytest
import sqlalchemy as sa

from ims_glance.db.audit import AuditEvents, Wanted
from ims_glance.db.market.usage_schema import MARKET_USES
from ims_glance.db.market.uses import ServerUses
from ims_glance.model.market import usage
from ims_glance.model.market.usage import HOUR, SeenServer
from tests.unit.db.market.rows import at_once

# A moment of a while ago, at the beginning of an hour.
THEN = usage.moment_of("2026-01-05T08:00:00") or 0.0


@pytest.fixture
def uses(tables):
    return ServerUses(tables.database)


@pytest.fixture
def bought(market):
    """A product that a project has, and the image of it."""
    product = market.listed()
    given = market.subscribe(product)
    return product, given, market.entitlements.images("buyers")[product.id]["RegionOne"]


@pytest.fixture
def server(bought):
    product, _given, image_id = bought
    return SeenServer(
        "s", "RegionOne", "buyers", "m1", THEN, THEN, frozenset({product.product_code}), image_id,
        THEN - 600,
    )  # fmt: skip


def later(server, seconds, **values):
    moment = server.seen + seconds
    return dataclasses.replace(server, seen=moment, changed=moment, **values)


def told(tables):
    """What is told: kind, and for how many seconds."""
    events = AuditEvents(tables.conf, tables.database).last(1000, Wanted())
    return [(each.type.rpartition(".")[2], each.content["seconds"]) for each in events]


def found(uses):
    return list(uses.between(0.0, 1e12))


def test_a_server_from_its_beginning_to_its_end(tables, uses, bought, server):
    product, given, _image = bought
    uses.observe(server)
    (use,) = found(uses)
    assert (use.product_id, use.entitlement_id) == (product.id, given.id)
    assert use.version_id is not None
    assert (use.began, use.ended, use.told) == (THEN - 600, None, THEN - HOUR)
    assert uses.known(["s", "other"]) == {"s"}
    assert (uses.running("s"), uses.running("other")) == ({product.product_code}, set())
    # Before all is known of an hour, it is not told.
    assert uses.tell("RegionOne", THEN + HOUR - 1) == 1
    assert uses.tell("RegionTwo", THEN + HOUR) == 0
    uses.observe(later(server, HOUR + 100, ended=THEN + HOUR + 60))
    assert uses.tell("RegionOne", THEN + 9 * HOUR) == 2
    assert uses.tell("RegionOne", THEN + 9 * HOUR) == 0
    assert told(tables) == [
        ("start", None),
        ("exists", 600.0),
        ("stop", HOUR + 660),
        ("exists", HOUR),
        ("exists", 60.0),
    ]
    assert uses.known(["s"]) == uses.running("s") == set()


def test_the_outbox_knows_whose_it_is(tables, uses, server):
    uses.observe(server)
    events = AuditEvents(tables.conf, tables.database)
    assert len(events.last(9, Wanted(project_id="buyers"))) == 1
    assert [each.type for each in events.unsent(9)] == ["ims.market.usage.start"]


def test_the_same_again_changes_nothing(tables, uses, server):
    for _look in range(3):
        uses.observe(server)
        uses.observe(later(server, 30))
    assert len(found(uses)) == 1
    assert told(tables) == [("start", None)]


def test_many_workers_at_once_count_it_once(tables, uses, server):
    gone = later(server, HOUR, ended=THEN + 60)
    at_once(*[functools.partial(uses.observe, server)] * 6)
    at_once(*[functools.partial(uses.observe, gone)] * 6)
    at_once(*[functools.partial(uses.tell, "RegionOne", THEN + 5 * HOUR)] * 6)
    assert len(found(uses)) == 1
    assert sorted(told(tables), key=str) == [
        ("exists", 60.0), ("exists", 600.0), ("start", None), ("stop", 660.0),
    ]  # fmt: skip


def test_resized_and_rebuilt(tables, uses, bought, server):
    product, _given, _image = bought
    uses.observe(server)
    uses.observe(later(server, 60, flavor="m2"))
    uses.observe(later(server, 120, flavor="m2", codes=frozenset(), image_id="other"))
    uses.observe(later(server, 180, flavor="m2"))
    assert [(use.flavor, use.began - THEN, use.ended and use.ended - THEN) for use in found(uses)] == [
        ("m1", -600.0, 60.0), ("m2", 60.0, 120.0), ("m2", 180.0, None),
    ]  # fmt: skip
    assert {use.product_code for use in found(uses)} == {product.product_code}
    assert [kind for kind, _seconds in told(tables)] == ["start", "stop", "start", "stop", "start"]


def test_another_product_begins_when_the_first_one_ended(uses, market, bought, server):
    """Nova may say that the server was launched long before."""
    second = market.listed(market.draft(product_code="d" * 32, name="Other"))
    uses.observe(server)
    uses.observe(later(server, 120, codes=frozenset({second.product_code}), image_id=None))
    ended, goes_on = sorted(found(uses), key=lambda use: use.began)
    assert (goes_on.product_code, goes_on.ended) == (second.product_code, None)
    assert ended.ended == goes_on.began == THEN + 120
    # And what comes late of the time before that one.
    third = market.listed(market.draft(product_code="0" * 32, name="Third"))
    uses.observe(later(server, 60, codes=frozenset({third.product_code}), image_id=None))
    assert {use.began for use in found(uses) if use.product_id == third.id} == {THEN - 600}


def test_a_message_that_comes_late(uses, server):
    uses.observe(later(server, 120, ended=THEN + 100))
    uses.observe(server)
    assert [use.ended for use in found(uses)] == [THEN + 100]


def test_a_clock_that_is_ahead(uses, server):
    ahead = uses.now() + 9 * HOUR
    uses.observe(dataclasses.replace(server, seen=ahead, changed=ahead, began=ahead))
    (use,) = found(uses)
    assert use.seen <= uses.now()
    assert use.began <= uses.now()
    now = uses.now()
    uses.observe(dataclasses.replace(server, seen=now, changed=now, ended=now))
    assert found(uses)[0].ended is not None


def test_a_product_that_is_none_of_ours(tables, uses, server):
    uses.observe(dataclasses.replace(server, codes=frozenset({"another-cloud's"})))
    assert found(uses) == []
    assert told(tables) == []


def test_derived_images_have_the_product_without_a_version(uses, server):
    uses.observe(dataclasses.replace(server, image_id="snapshot", project_id="nobody"))
    (use,) = found(uses)
    assert (use.version_id, use.entitlement_id) == (None, None)
    # Its project subscribes no more, but Nova tells which version it is.
    uses.observe(later(server, 1, project_id="nobody"))
    assert found(uses)[0].version_id is not None


def test_copies(uses, bought):
    product, _given, image_id = bought
    sold = uses.copies([image_id, "other"])
    assert sold[image_id].product_code == product.product_code
    assert set(sold) == {image_id}
    assert uses.names([product.id, "x"]) == {product.id: product.name}


def test_a_product_is_called_as_it_was_reviewed(market, uses, bought):
    """Whatever its seller's draft says by now."""
    product, _given, _image = bought
    draft = market.draft(name="A draft")
    renamed = market.products.change(market.again(product), {"name": "Renamed"}, {})
    assert (renamed.name, product.published["name"]) == ("Renamed", "Database")
    assert uses.names([product.id, draft.id]) == {product.id: "Database", draft.id: "A draft"}


def test_looks(uses):
    assert uses.looked("RegionOne") is None
    for moment in (THEN, THEN + 5, THEN + 1):
        uses.set_looked("RegionOne", moment)
    assert uses.looked("RegionOne") == THEN + 5
    assert uses.looked("RegionTwo") is None


def test_since_when_it_is_recorded(tables, uses, server):
    """By whoever comes first; and it stays so."""
    at_once(*[functools.partial(uses.begin, "RegionOne")] * 6)
    began = uses.now()
    uses.observe(server)
    uses.observe(dataclasses.replace(server, server_id="elsewhere", region="RegionTwo"))
    here, there = sorted(found(uses), key=lambda use: use.region)
    assert here.began == there.began == THEN - 600
    assert usage.hour_of(began) - HOUR <= here.told <= began
    assert there.told == THEN - HOUR
    uses.begin("RegionOne")
    assert uses.tell("RegionOne", here.told + HOUR) == 1
    assert told(tables).count(("exists", HOUR)) == 1


def test_servers_that_nobody_looked_at(uses, server):
    for number in range(3):
        uses.observe(dataclasses.replace(later(server, number), server_id=f"s{number}"))
    assert [use.server_id for use in uses.unseen("RegionOne", THEN + 2)] == ["s0", "s1"]
    assert list(uses.unseen("RegionTwo", THEN + 9)) == []


def test_page_by_page(uses, server, monkeypatch):
    monkeypatch.setattr("ims_glance.db.market.uses._PAGE", 2)
    for number in range(5):
        uses.observe(dataclasses.replace(server, server_id=f"s{number}"))
        uses.observe(later(dataclasses.replace(server, server_id=f"s{number}"), 9, flavor="m2"))
    assert len({(use.server_id, use.number) for use in found(uses)}) == 10
    assert len(list(uses.between(THEN + 60, THEN + 61))) == 5
    assert list(uses.between(0, THEN - 700)) == []
    assert list(uses.between(0, 1e12, project_id="others")) == []
    assert list(uses.between(0, 1e12, product_id="others")) == []


def test_old_ones_are_forgotten_once_they_are_told(tables, uses, server):
    uses.observe(server)
    uses.observe(later(server, 60, ended=THEN + 60))
    uses.observe(dataclasses.replace(server, server_id="goes on"))
    uses.forget(1.0)
    assert len(found(uses)) == 2
    uses.tell("RegionOne", THEN + 9 * HOUR)
    uses.forget(1e6)
    assert len(found(uses)) == 2
    uses.forget(1.0)
    assert [use.server_id for use in found(uses)] == ["goes on"]


def test_nothing_is_told_without_being_recorded(tables, uses, server):
    """Both are one transaction."""
    broken = sa.text("DROP TABLE audit_events")
    tables.database.write(lambda connection: connection.execute(broken))
    with pytest.raises(Exception, match="cannot be used"):
        uses.observe(server)
    count = sa.select(sa.func.count()).select_from(MARKET_USES)
    assert tables.database.read(lambda connection: connection.scalar(count)) == 0
