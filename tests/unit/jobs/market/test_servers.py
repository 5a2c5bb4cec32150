# SPDX-License-Identifier: Apache-2.0
"""What servers are made of, asked of a small Nova, Glance and Cinder."""

import pytest

from ims_glance import exceptions
from ims_glance.clouds.region import Region
from ims_glance.db.market.uses import ServerUses
from ims_glance.jobs.market.servers import RegionServers
from ims_glance.model.market import usage
from tests.unit.db.market.rows import MarketTables
from tests.unit.flows.direct_cloud import DirectCloud

CODE = "c" * 32
UPDATED = "2026-01-05T08:00:00Z"
SEEN = (usage.moment_of(UPDATED) or 0.0) + 60


@pytest.fixture
def cloud():
    return DirectCloud()


@pytest.fixture
def image_id(tables):
    """Of the service's copy of a product."""
    market = MarketTables(tables.database)
    market.subscribe(product := market.listed(market.draft(product_code=CODE)))
    return market.entitlements.images("buyers")[product.id]["RegionOne"]


@pytest.fixture
def servers(tables, cloud):
    region = Region(cloud.session(), "RegionOne")
    return RegionServers(region, ServerUses(tables.database))


def boot(cloud, volumes=(), image_id=None, **values):
    attached = [{"id": each} for each in volumes]
    return cloud.machines.server(
        list(volumes), image_id, **{
            "updated": UPDATED,
            "OS-SRV-USG:launched_at": "2026-01-05T07:59:00",
            "os-extended-volumes:volumes_attached": attached,
            "flavor": {"original_name": "m1"},
            **values,
        },
    )  # fmt: skip


def codes(servers, server_id):
    return servers.one(server_id, SEEN).codes


def test_from_the_services_own_copy(cloud, servers, image_id):
    server = servers.one(boot(cloud, image_id=image_id), SEEN)
    assert (server.codes, server.image_id) == (frozenset({CODE}), image_id)
    # Glance is not asked, which may not have it any more.
    assert not [each for each in cloud.requests if "/images/" in each]


def test_from_an_image_that_was_made_of_it(cloud, servers):
    derived = cloud.make(b"x", __productcode=f"{CODE},{'d' * 32}")
    assert codes(servers, boot(cloud, image_id=derived)) == {CODE, "d" * 32}
    assert codes(servers, boot(cloud, image_id=cloud.make(b"x"))) == frozenset()
    # It was deleted before anybody looked.
    assert codes(servers, boot(cloud, image_id="gone")) is None


def test_from_a_volume(cloud, servers):
    made = {"image_id": "1", "__productcode": CODE}
    bought = cloud.volume(volume_image_metadata=made, bootable="true")
    data = cloud.volume(volume_image_metadata={"__productcode": "d" * 32}, bootable="false")
    server = servers.one(boot(cloud, [data, bought]), SEEN)
    assert (server.codes, server.image_id) == ({CODE}, "1")
    assert codes(servers, boot(cloud, [cloud.volume(bootable="true")])) == frozenset()
    # What has no volume any more was deleted.
    assert codes(servers, boot(cloud)) is None
    assert codes(servers, boot(cloud, ["gone"])) is None
    assert codes(servers, boot(cloud, [cloud.volume(bootable="false")])) == frozenset()


@pytest.mark.parametrize("status", [403, 500])
def test_one_that_cannot_be_read_hides_no_other(cloud, servers, status, caplog):
    volume = cloud.volume(bootable="true", volume_image_metadata={"__productcode": CODE})
    image = cloud.make(b"x", __productcode=CODE)
    on_volume, on_image = boot(cloud, [volume]), boot(cloud, image_id=image)
    other = boot(cloud, image_id=cloud.make(b"x", __productcode=CODE))

    def fail():
        cloud.failures[f"GET /volumes/{volume}"] = [status]
        cloud.failures[f"GET /v2/images/{image}"] = [status]

    fail()
    found = {each.server_id: each.codes for each in servers.listed(SEEN)}
    assert found == {on_volume: None, on_image: None, other: {CODE}}
    assert on_volume in caplog.text
    fail()
    for server_id in (on_volume, on_image):
        with pytest.raises(exceptions.ImsError):
            servers.one(server_id, SEEN)
    # By itself it is asked for once more.
    assert {each.server_id: each.codes for each in servers.listed(SEEN)}[on_volume] == {CODE}


@pytest.mark.parametrize("path", ["/volumes", "/v2/images"])
def test_a_service_that_is_away_ends_the_look(cloud, servers, path):
    volume, image = cloud.volume(bootable="true"), cloud.make(b"x")
    thing = {"/volumes": volume, "/v2/images": image}[path]
    boot(cloud, [volume])
    boot(cloud, image_id=image)
    cloud.failures[f"GET {path}/{thing}"] = [503]
    cloud.failures[{"/volumes": "GET /volumes/detail", "/v2/images": "GET /v2/images"}[path]] = [
        503
    ]
    with pytest.raises(exceptions.Unavailable):
        list(servers.listed(SEEN))


def test_each_is_asked_for_once(cloud, servers):
    derived = cloud.make(b"x", __productcode=CODE)
    server_id = boot(cloud, image_id=derived)
    for _look in range(3):
        assert [each.server_id for each in servers.listed(SEEN)] == [server_id]
    asked = [each for each in cloud.requests if each.endswith(derived)]
    assert len(asked) == 1
    # It was rebuilt.
    cloud.machines.servers[server_id] |= {"image": {"id": cloud.make(b"y")}, "updated": "later"}
    assert codes(servers, server_id) == frozenset()


def test_it_does_not_remember_without_an_end(cloud, servers, monkeypatch):
    monkeypatch.setattr("ims_glance.jobs.market.servers._REMEMBERED", 3)
    for _server in range(4):
        boot(cloud, image_id=cloud.make(b"x"))
    list(servers.listed(SEEN))
    assert len(servers._remembered) == 3


def test_those_that_changed(cloud, servers, image_id):
    server_id = boot(cloud, image_id=image_id)
    gone = boot(cloud, image_id=image_id)
    cloud.machines.deleted[gone] = {
        **cloud.machines.servers.pop(gone),
        "status": "DELETED",
        "OS-SRV-USG:terminated_at": "2026-01-05T08:00:00",
    }
    found = {each.server_id: each.ended for each in servers.listed(SEEN, SEEN - 600)}
    assert found == {server_id: None, gone: SEEN - 60}
    assert list(servers.listed(SEEN, SEEN)) == []
    assert servers.one("nowhere", SEEN) is None


@pytest.mark.parametrize(
    ("done", "began"),
    [
        # As Nova says.
        ([], "2026-01-05T07:59:00"),
        ([{"action": "create", "updated_at": "2026-01-04T07:00:00"}], "2026-01-05T07:59:00"),
        # It was resized: Nova counts from then on.
        (
            [
                {"action": "resize", "updated_at": "2026-01-05T07:59:00"},
                {"action": "create", "updated_at": "2026-01-04T07:00:00"},
            ],
            "2026-01-04T07:00:00",
        ),
        (
            [{"action": "rescue"}, {"action": "create", "start_time": "2026-01-03T07:00:00"}],
            "2026-01-03T07:00:00",
        ),
        ([{"action": "rescue"}, {"action": "create"}], "2026-01-05T07:59:00"),
        # What it was before it was rebuilt, or shelved, does not count.
        (
            [
                {"action": "resize", "updated_at": "2026-01-05T07:59:00"},
                {"action": "rebuild", "updated_at": "2026-01-05T07:00:00"},
                {"action": "create", "updated_at": "2025-09-04T07:00:00"},
            ],
            "2026-01-05T07:00:00",
        ),
        *[
            (
                [
                    {"action": again, "updated_at": "2026-01-05T07:30:00"},
                    {"action": "migrate", "updated_at": "2025-10-05T07:00:00"},
                    {"action": "create", "updated_at": "2025-09-04T07:00:00"},
                ],
                "2026-01-05T07:30:00",
            )
            for again in ("rebuild", "unshelve", "restore")
        ],
    ],
)
def test_since_when_it_runs(cloud, servers, image_id, done, began):
    server_id = boot(cloud, image_id=image_id)
    cloud.machines.actions[server_id] = done
    server = servers.first(servers.one(server_id, SEEN))
    assert server.began == usage.moment_of(began)
    cloud.failures[f"GET /servers/{server_id}/os-instance-actions"] = [404]
    assert servers.first(server) == server
