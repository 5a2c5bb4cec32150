# SPDX-License-Identifier: Apache-2.0
"""Workers find out how long servers use products, whatever is lost on the way."""

import threading

import pytest
import sqlalchemy as sa
from keystoneauth1 import loading

from ims_glance import exceptions
from ims_glance.clouds import rest
from ims_glance.clouds.region import Region
from ims_glance.db import clock
from ims_glance.db.audit import AuditEvents, Wanted
from ims_glance.db.database import DatabaseUnavailable
from ims_glance.db.market.usage_schema import MARKET_LOOKS, MARKET_METERING, MARKET_USES
from ims_glance.db.schema import LEASES
from ims_glance.jobs.market.servers import RegionServers
from ims_glance.jobs.market.usage import UsageWork
from ims_glance.model.market import usage
from ims_glance.model.market.usage import HOUR
from tests.unit.db.market.rows import MarketTables, at_once
from tests.unit.flows.direct_cloud import DirectCloud

CODE = "c" * 32
HERE, THERE = "RegionOne", "RegionTwo"


@pytest.fixture
def cloud(tables):
    tables.conf.set_override("enabled", True, "ims_market")
    tables.conf.set_override("enabled", True, "ims_usage")
    tables.conf.set_override("delay_seconds", 0, "ims_usage")
    return DirectCloud()


@pytest.fixture
def image_id(tables):
    market = MarketTables(tables.database)
    market.subscribe(product := market.listed(market.draft(product_code=CODE)))
    return market.entitlements.images("buyers")[product.id][HERE]


def worker(tables, cloud, name="one"):
    work = UsageWork(tables.conf, tables.database, name, threading.Event())
    work.__dict__["_session"] = cloud.session()
    return work


@pytest.fixture
def work(tables, cloud):
    return worker(tables, cloud)


def ago(work, seconds):
    """A moment as Nova writes it."""
    return usage.iso(work._uses.now() - seconds)


def boot(cloud, work, image_id, seconds, **values):
    """A server that has run for so long."""
    return cloud.machines.server(
        [], image_id, **{
            "tenant_id": "buyers",
            "updated": ago(work, seconds),
            "OS-SRV-USG:launched_at": ago(work, seconds),
            "flavor": {"original_name": "m1"},
            **values,
        },
    )  # fmt: skip


def delete(cloud, work, server_id, seconds):
    gone = cloud.machines.servers.pop(server_id)
    moment = ago(work, seconds)
    gone |= {"status": "DELETED", "OS-SRV-USG:terminated_at": moment, "updated": moment}
    cloud.machines.deleted[server_id] = gone


def look(work):
    """Once more, as when it is time to."""
    work._next = 0.0
    work._uses._database.write(lambda connection: connection.execute(sa.delete(LEASES)))
    work.look()


def found(work):
    return list(work._uses.between(0.0, 1e12))


def told(tables):
    events = AuditEvents(tables.conf, tables.database).last(1000, Wanted())
    return [each.type.rpartition(".")[2] for each in events]


def turned_on(work, seconds):
    """Let it have been recorded for so long already."""
    row = sa.insert(MARKET_METERING).values(region=HERE, since=work._uses.now() - seconds)
    work._uses._database.write(lambda connection: connection.execute(row))


def notification(work, server_id, image_id, **values):
    return {
        "instance_id": server_id,
        "tenant_id": "buyers",
        "instance_type": "m1",
        "state": "active",
        "launched_at": ago(work, 60),
        "image_ref_url": f"http://glance/images/{image_id}",
        "image_meta": {"__productcode": CODE},
        **values,
    }


def test_nobody_is_asked_unless_the_operator_wants_it(tables, cloud, work):
    for group in ("ims_usage", "ims_market"):
        tables.conf.set_override("enabled", False, group)
        look(work)
        work.sweep()
        work.start()
        tables.conf.set_override("enabled", True, group)
    assert cloud.requests == []
    work.stop()


def test_without_any_notification_nothing_is_lost(tables, cloud, work, image_id):
    server_id = boot(cloud, work, image_id, 3 * HOUR)
    boot(cloud, work, cloud.make(b"own"), 3 * HOUR)
    turned_on(work, 4 * HOUR)
    look(work)
    (use,) = found(work)
    assert (use.server_id, use.project_id, use.flavor) == (server_id, "buyers", "m1")
    assert told(tables).count("exists") >= 3
    delete(cloud, work, server_id, 0)
    # One that came and went since the last look.
    short = boot(cloud, work, image_id, 20)
    delete(cloud, work, short, 5)
    look(work)
    ended = {use.server_id: use.ended - use.began for use in found(work)}
    assert ended.keys() == {server_id, short}
    assert ended[short] == 15
    assert ended[server_id] == pytest.approx(3 * HOUR, abs=30)
    before = told(tables)
    look(work)
    assert told(tables) == before


@pytest.mark.parametrize("is_heard", [False, True])
def test_turned_on_late_it_tells_no_hours_of_before(tables, cloud, work, image_id, is_heard):
    """Of a server of before it tells the hour in which it was turned on, as a whole, and those after it."""
    server_id = boot(cloud, work, image_id, 400 * HOUR)
    if is_heard:
        created = notification(work, server_id, image_id, launched_at=ago(work, 400 * HOUR))
        work.hear("compute.instance.create.end", created, ago(work, 1))
    look(work)
    assert told(tables) == ["start"]
    (use,) = found(work)
    now = work._uses.now()
    assert now - use.began == pytest.approx(400 * HOUR, abs=30)
    assert use.told == pytest.approx(usage.hour_of(now), abs=HOUR)
    assert work._uses.tell(HERE, use.told + 2 * HOUR) == 2
    assert told(tables).count("exists") == 2


def test_what_a_first_look_missed_is_told_from_then_on(tables, cloud, work, image_id):
    turned_on(work, 10 * HOUR)
    work._uses.set_looked(HERE, work._uses.now() - 5 * HOUR)
    boot(cloud, work, image_id, 400 * HOUR)
    look(work)
    assert 9 <= told(tables).count("exists") <= 11


def test_workers_that_were_away_lose_no_hour(tables, cloud, work, image_id):
    """What was measured before goes on where it was told last, and what came meanwhile from its beginning."""
    old = boot(cloud, work, image_id, 400 * HOUR)
    turned_on(work, 10 * HOUR)
    look(work)
    before = told(tables).count("exists")
    row = sa.update(MARKET_USES).values(told=MARKET_USES.c.told - 3 * HOUR)
    work._uses._database.write(lambda connection: connection.execute(row))
    new = boot(cloud, work, image_id, 3 * HOUR)
    again = worker(tables, cloud, "two")
    again._uses.tell(HERE, again._uses.now())
    assert told(tables).count("exists") == before + 3
    # Nova's own list has it, however long nobody looked.
    looked = sa.update(MARKET_LOOKS).values(looked=again._uses.now() - 4 * HOUR)
    again._uses._database.write(lambda connection: connection.execute(looked))
    look(again)
    assert {use.server_id for use in found(again)} == {old, new}
    assert told(tables).count("exists") >= before + 3 + 3


def test_where_it_was_recorded_before_there_was_a_bound_none_is_set(tables, cloud, work, image_id):
    work._uses.set_looked(HERE, work._uses.now() - 5 * HOUR)
    boot(cloud, work, image_id, 4 * HOUR)
    look(work)
    assert told(tables).count("exists") >= 4


def test_it_is_looked_as_often_as_is_said(cloud, work):
    work.look()
    asked = len(cloud.requests)
    work.look()
    assert len(cloud.requests) == asked


def test_two_workers_at_once_count_each_server_once(tables, cloud, work, image_id):
    for _server in range(3):
        boot(cloud, work, image_id, 2 * HOUR)
    workers = [worker(tables, cloud, name) for name in ("one", "two", "three")]
    at_once(*(each.look for each in workers))
    assert len(found(work)) == 3
    assert told(tables).count("start") == 3


def test_another_one_is_at_it(cloud, work):
    work._leases.take("usage", "other", 60.0)
    work.look()
    assert cloud.requests == []


def test_many_workers_ask_no_more_often_than_one(tables, cloud, work):
    work.look()
    asked = len(cloud.requests)
    for name in ("two", "three"):
        worker(tables, cloud, name).look()
    assert len(cloud.requests) == asked
    [(holder, seconds)] = work._uses._database.read(
        lambda connection: connection.execute(
            sa.select(LEASES.c.worker, LEASES.c.lease_until - clock.now())
        ).all()
    )
    assert holder == "one"
    assert 0 < seconds <= tables.conf.ims_usage.look_seconds


def test_one_that_fails_leaves_it_to_the_next(tables, cloud, work, monkeypatch):
    def away(_name):
        raise DatabaseUnavailable(reason="as the test wants it")

    monkeypatch.setattr(work, "_look_in", away)
    with pytest.raises(DatabaseUnavailable):
        work.look()
    worker(tables, cloud, "two").look()
    assert cloud.requests


def test_a_server_that_was_purged_ended_when_it_was_last_seen(cloud, work, image_id, monkeypatch):
    server_id = boot(cloud, work, image_id, 60)
    look(work)
    (use,) = found(work)
    del cloud.machines.servers[server_id]
    monkeypatch.setattr(usage, "hour_of", lambda moment: moment)
    look(work)
    assert found(work)[0].ended == use.seen


def test_a_server_that_no_list_has_is_asked_for(cloud, work, image_id, monkeypatch):
    server_id = boot(cloud, work, image_id, 60)
    look(work)
    monkeypatch.setattr(usage, "hour_of", lambda moment: moment)
    monkeypatch.setattr(RegionServers, "listed", lambda *_arguments: iter(()))
    look(work)
    (use,) = found(work)
    assert (use.server_id, use.ended) == (server_id, None)


def test_a_cell_that_is_down_ends_no_use(tables, cloud, work, image_id, monkeypatch, caplog):
    """Its servers are in no list, or named there and no more."""
    monkeypatch.setattr(usage, "hour_of", lambda moment: moment)
    server_id = boot(cloud, work, image_id, 60)
    look(work)
    looked = work._uses.looked(HERE)
    there = cloud.machines.servers[server_id]
    named = ("id", "tenant_id", "image", "flavor")
    down = {**{each: there[each] for each in named}, "status": "UNKNOWN"}
    cloud.machines.servers[server_id] = down
    monkeypatch.setattr(work._region(HERE), "listed", lambda *_arguments: iter(()))
    before = told(tables)
    look(work)
    monkeypatch.undo()
    assert "is its cell down?" in caplog.text
    assert [use.ended for use in found(work)] == [None]
    assert (work._uses.looked(HERE), told(tables)) == (looked, before)
    assert [each.server_id for each in work._region(HERE).listed(0.0)] == []
    # It is back, and has run all the time.
    cloud.machines.servers[server_id] = there
    look(work)
    assert [use.ended for use in found(work)] == [None]
    assert work._uses.looked(HERE) > looked


def test_a_region_that_is_away_delays_no_other(tables, cloud, work, image_id, monkeypatch, caplog):
    tables.conf.set_override("regions", [HERE, THERE], "ims_market")
    servers = work._region(HERE)

    def away(*_arguments):
        raise rest.ServiceUnavailable(service="Compute", reason="503")

    monkeypatch.setattr(servers, "listed", away)
    boot(cloud, work, image_id, 60)
    look(work)
    assert [use.region for use in found(work)] == [THERE]
    assert "RegionOne use products is looked up later" in caplog.text
    assert work._uses.looked(HERE) is None
    assert work._uses.looked(THERE) is not None
    caplog.clear()
    look(work)
    assert "is looked up later" not in caplog.text


def test_a_worker_that_stops_leaves_it_to_the_next(cloud, work, image_id):
    boot(cloud, work, image_id, 60)
    work._stopping.set()
    look(work)
    assert work._uses.looked(HERE) is None
    assert found(work) == []
    work._stopping.clear()
    work.look()
    assert work._uses.looked(HERE) is not None


def test_regions_are_asked_by_their_names(work):
    region = work._region(THERE)._compute._rest._adapter
    assert region.region_name == THERE
    assert Region.of(work._conf, None).name is None


def test_what_nova_tells_counts_at_once(tables, work, image_id):
    created = notification(work, "s", image_id)
    work.hear("compute.instance.create.end", created, ago(work, 60))
    (use,) = found(work)
    assert (use.server_id, use.ended) == ("s", None)
    assert use.version_id is not None
    work.hear("compute.instance.create.end", created, ago(work, 60))
    work.hear("compute.instance.exists", created, ago(work, 50))
    gone = {**created, "state": "deleted", "terminated_at": ago(work, 30)}
    work.hear("compute.instance.delete.end", gone, ago(work, 29))
    # And late, once more.
    work.hear("compute.instance.create.end", created, ago(work, 60))
    (use,) = found(work)
    assert use.ended - use.began == pytest.approx(30, abs=5)
    assert told(tables) == ["start", "stop"]


def test_a_server_of_which_only_the_end_was_heard(cloud, work, image_id):
    gone = notification(work, "s", image_id, state="deleted", terminated_at=ago(work, 30))
    work.hear("compute.instance.delete.end", gone, ago(work, 29))
    (use,) = found(work)
    assert use.ended - use.began == pytest.approx(30, abs=5)
    assert cloud.requests == ["GET /servers/s/os-instance-actions"]


def test_notifications_with_versions_name_the_image(cloud, work, image_id):
    def told_of(server_id, image):
        inside = {
            "uuid": server_id,
            "tenant_id": "buyers",
            "image_uuid": image,
            "state": "active",
            "launched_at": ago(work, 60),
            "flavor": {"nova_object.data": {"name": "m1"}},
        }
        work.hear("instance.create.end", {"nova_object.data": inside}, ago(work, 60))

    told_of("s", image_id)
    assert [use.server_id for use in found(work)] == ["s"]
    assert cloud.requests == []
    # Of another one Nova is asked: it may have been made of the product.
    derived = boot(cloud, work, cloud.make(b"x", __productcode=CODE), 60)
    told_of(derived, cloud.machines.servers[derived]["image"]["id"])
    assert {use.server_id for use in found(work)} == {"s", derived}
    told_of("nowhere", "other")
    assert len(found(work)) == 2


def test_a_server_without_a_product_is_none_of_ours(tables, cloud, work):
    other = notification(work, "s", "other", image_meta={})
    for name in ("create.end", "rebuild.end", "delete.end"):
        work.hear(f"compute.instance.{name}", other, ago(work, 60))
    assert found(work) == []
    assert told(tables) == cloud.requests == []


def test_what_cannot_be_asked_for_now_is_heard_again(cloud, work, image_id):
    cloud.failures["GET /servers/s"] = [503]
    versioned = {
        "uuid": "s", "tenant_id": "buyers", "flavor": {"nova_object.data": {"name": "m1"}},
    }  # fmt: skip
    with pytest.raises(exceptions.Unavailable):
        work.hear("instance.rebuild.end", {"nova_object.data": versioned}, "no moment")


def test_what_is_old_is_forgotten(tables, cloud, work, image_id):
    server_id = boot(cloud, work, image_id, 3 * 86400)
    delete(cloud, work, server_id, 2 * 86400)
    work.hear("compute.instance.delete.end", notification(
        work, server_id, image_id, launched_at=ago(work, 3 * 86400), terminated_at=ago(work, 2 * 86400)
    ), ago(work, 60))  # fmt: skip
    look(work)
    work.sweep()
    assert len(found(work)) == 1
    tables.conf.set_override("keep_days", 1, "ims_usage")
    work.sweep()
    assert found(work) == []


def test_it_logs_in_as_whoever_may_see_all_servers(tables):
    conf = tables.conf
    conf.register_opts(loading.get_auth_plugin_conf_options("password"), group="ims_usage")
    for name, value in (("auth_url", "http://127.0.0.1:1/v3"), ("username", "ims_usage")):
        conf.set_override(name, value, "ims_usage")
    session = UsageWork(conf, tables.database, "one", threading.Event())._session
    assert session.timeout == 20.0
