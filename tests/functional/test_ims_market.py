# SPDX-License-Identifier: Apache-2.0
"""The marketplace in a real Glance: who reaches which operation, and that there is none unless it is wanted."""

import re
from collections.abc import Iterator
from typing import Any

import pytest

from ims_glance.api.ims.operation import Access
from ims_glance.api.ims.operations import MARKET
from ims_glance.db import migrations
from ims_glance.db.database import Database
from tests.functional import identity
from tests.functional.client import Answer, Client
from tests.functional.conftest import MakeGlance
from tests.functional.service import GlanceService
from tests.unit import job_database
from tests.unit.api.ims.market_world import whole
from tests.unit.db.market import rows

SELLER = identity.Caller("sellers", ("ims_seller", "member", "reader"))
OTHER_SELLER = identity.Caller("others", ("ims_seller", "member", "reader"))
REVIEWER = identity.Caller("operators", ("ims_market_reviewer", "reader"))
BUYER = identity.Caller("buyers")
NOBODY = identity.Caller("nobody", ("none",))
CALLERS = (SELLER, OTHER_SELLER, REVIEWER, BUYER, NOBODY, identity.ADMIN)
SECRETS = ("SECRET", "certificates")


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The address of a database with tables."""
    address = job_database.sqlite(tmp_path_factory.mktemp("market"))
    database = Database(job_database.configuration(address))
    migrations.sync(database.engine)
    database.engine.dispose()
    return address


@pytest.fixture(scope="module")
def market(url: str) -> Iterator[rows.MarketTables]:
    """Its tables, for what workers and reviewers do."""
    database = Database(job_database.configuration(url))
    yield rows.MarketTables(database)
    database.engine.dispose()


@pytest.fixture(scope="module")
def service(make_glance: MakeGlance, url: str) -> Iterator[GlanceService]:
    options = {"ims_market": {"enabled": True}, "ims_database": {"connection": url}}
    with make_glance(options) as service:
        yield service


def ask(client: Client, name: str, body: Any = None, **arguments: str) -> Answer:
    """What an operation of a table answers."""
    (operation,) = (each for each in MARKET if each.name == name)
    given = {"project_id": client.caller.name, **arguments}
    path = re.sub(r"\{(\w+)\}", lambda found: given.get(found[1], "0" * 32), operation.path)
    needs: Any = {} if operation.body is not None else None
    return client.send(operation.method, path, json_body=body if body is not None else needs)


def test_without_it_there_is_nothing(glance_service: GlanceService) -> None:
    """As if nobody had thought of it: not even who may do all learns more."""
    for caller in (identity.ADMIN, SELLER, BUYER):
        client = glance_service.client(caller)
        for operation in MARKET:
            answer = ask(client, operation.name)
            error = answer.json["error"]
            assert (answer.status, error["code"]) == (404, "IMG.0017"), operation.name
            assert error["message"].startswith("The IMS API has nothing at "), operation.name


@pytest.mark.parametrize("caller", CALLERS, ids=lambda each: each.name)
def test_who_reaches_what(service: GlanceService, caller: identity.Caller) -> None:
    """Each operation by each role; who may not sell or review does not see that others may."""
    client = service.client(caller)
    for operation in MARKET:
        answer = ask(client, operation.name)
        role = operation.access.value.removeprefix("role:")
        reached = role in caller.roles or "admin" in caller.roles
        message = "" if answer.status < 300 else answer.json["error"]["message"]
        is_hidden = message.startswith("The IMS API has nothing at ")
        if reached:
            assert answer.status in (200, 201, 400, 404), operation.name
            assert not is_hidden, operation.name
        elif operation.access in (Access.SELL, Access.REVIEW):
            assert (answer.status, is_hidden) == (404, True), operation.name
        else:
            assert answer.status == 403, operation.name


def test_from_a_draft_to_a_subscription(service: GlanceService, market: rows.MarketTables) -> None:
    """Through the API, but for what workers do; nothing of the seller's own gets out on the way."""
    seller, buyer = service.client(SELLER), service.client(BUYER)
    draft = ask(seller, "create_product", whole()).json
    product = market.products.get(draft["id"], "sellers")
    for stranger in (buyer, service.client(OTHER_SELLER)):
        assert ask(stranger, "show_product", product_id=draft["id"]).status == 404
    mine = ask(service.client(OTHER_SELLER), "show_own_product", product_id=draft["id"])
    assert (mine.status, mine.json["error"]["code"]) == (404, "IMG.0121")

    version = market.in_review(product)
    reviewer = service.client(REVIEWER)
    (waiting,) = ask(reviewer, "list_reviews").json["reviews"]
    assert waiting["id"] == version.id
    shown = ask(reviewer, "show_review", version_id=version.id).json
    assert "SECRET-NAME.pdf" in str(shown["document"]["basic"]["certificates"])
    approved = ask(reviewer, "approve_version", version_id=version.id)
    assert (approved.status, approved.json["product_state"]) == (200, "listed")
    again = ask(reviewer, "reject_version", {"reasons": "no"}, version_id=version.id)
    assert again.status == 400

    said = [ask(buyer, "list_products"), ask(buyer, "show_product", product_id=draft["id"])]
    (found,) = said[0].json["products"]
    wanted = {"product_id": draft["id"], "agreement_digest": found["agreement_digest"]}
    made = ask(buyer, "subscribe_product", {**wanted, "sku": "small"})
    assert (made.status, made.json["state"]) == (201, "active")
    said += [made, ask(buyer, "list_subscriptions")]
    assert not [secret for secret in SECRETS for each in said if secret in each.text]
    others = ask(service.client(OTHER_SELLER), "list_subscriptions")
    assert others.json == {"subscriptions": []}
    gone = ask(buyer, "unsubscribe_product", subscription_id=made.json["id"])
    assert gone.status == 204
