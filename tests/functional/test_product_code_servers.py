# SPDX-License-Identifier: Apache-2.0
"""What Nova makes of a server has the code of what the server is known to run, whatever its user had Nova say of it."""

import uuid
from collections.abc import Iterator

import pytest

from ims_glance.db import migrations
from ims_glance.db.database import Database
from ims_glance.db.market.uses import ServerUses
from ims_glance.model.market.usage import SeenServer
from tests.functional import identity
from tests.functional.client import Client
from tests.functional.conftest import MakeGlance
from tests.functional.service import GlanceService
from tests.functional.test_product_code import AS_NEIGHBOUR, made
from tests.unit import job_database
from tests.unit.db.market import rows

CODE = "5e1f" * 8
SERVER = "0b1c2d3e-1111-4222-8333-444455556666"


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The address of a database in which it is recorded what one server runs."""
    address = job_database.sqlite(tmp_path_factory.mktemp("servers"))
    database = Database(job_database.configuration(address))
    migrations.sync(database.engine)
    market, uses = rows.MarketTables(database), ServerUses(database)
    market.listed(market.draft(product_code=CODE))
    now = uses.now()
    uses.observe(
        SeenServer(SERVER, "RegionOne", "demo", "m1", now, now, frozenset({CODE}), None, now)
    )
    database.engine.dispose()
    return address


@pytest.fixture(scope="module")
def service(make_glance: MakeGlance, url: str) -> Iterator[GlanceService]:
    options = {
        "ims_market": {"enabled": True},
        "ims_usage": {"enabled": True},
        "ims_database": {"connection": url},
    }
    with make_glance(options) as service:
        yield service


@pytest.fixture
def buyer(service: GlanceService) -> Client:
    return service.client(identity.DEMO)


@pytest.mark.parametrize(
    "said",
    [{}, {"__productcode": ""}, {"__productcode": "", "base_image_ref": str(uuid.UUID(int=1))}],
)
def test_the_code_is_put_back(buyer: Client, said: dict[str, str]) -> None:
    """Also where Nova says nothing of the product, or what its user told it to."""
    image = made(buyer, AS_NEIGHBOUR, instance_uuid=SERVER, **said)
    assert buyer.show(image["id"])["__productcode"] == CODE


def test_of_other_servers_nothing_is_said(buyer: Client) -> None:
    image = made(buyer, AS_NEIGHBOUR, instance_uuid=str(uuid.UUID(int=2)), base_image_ref="")
    assert "__productcode" not in image


def test_nobody_has_a_code_by_naming_a_strangers_server(service: GlanceService) -> None:
    stranger = service.client(identity.OTHER)
    assert "__productcode" not in made(stranger, instance_uuid=SERVER)


def test_while_nobody_can_look_it_up_no_code_is_lost(make_glance: MakeGlance) -> None:
    """An image that names a server is refused, and there is none."""
    options = {
        "ims_market": {"enabled": True},
        "ims_usage": {"enabled": True},
        "ims_database": {"connection": "sqlite:////nowhere/ims.sqlite", "max_retries": 0},
    }
    with make_glance(options) as service:
        user = service.client(identity.DEMO)
        body = {"name": "derived", "disk_format": "raw", "container_format": "bare"}
        named = {**body, "instance_uuid": SERVER}
        refused = user.send("POST", "/v2/images", json_body=named, headers=AS_NEIGHBOUR)
        assert (refused.status, refused.json["message"][:8]) == (503, "IMG.0014")
        assert user.call("GET", "/v2/images?name=derived").json["images"] == []
