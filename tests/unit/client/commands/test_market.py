# SPDX-License-Identifier: Apache-2.0
"""``openstack ims market list|show|subscribe|unsubscribe|subscriptions``."""

import json

import pytest
from osc_lib import exceptions

from ims_glance.client.commands.market import (
    ListMarket,
    ListSubscriptions,
    ShowMarket,
    Subscribe,
    Unsubscribe,
)
from tests.unit.client.cloud import PROJECT, offered, offered_whole, subscribed

MARKET = f"/v1/{PROJECT}/market"


@pytest.fixture
def ready(cloud):
    page = {"products": [offered()], "page_info": {"next_marker": None, "current_count": 1}}
    cloud.ims("GET", f"{MARKET}/products", page)
    cloud.ims("GET", f"{MARKET}/products/{'a' * 32}", offered_whole())
    cloud.ims("POST", f"{MARKET}/subscriptions", subscribed(), 201)
    ended = subscribed("6" * 32, state="ended")
    cloud.ims("GET", f"{MARKET}/subscriptions", {"subscriptions": [ended, subscribed()]})
    cloud.ims("DELETE", f"{MARKET}/subscriptions/{'5' * 32}", None, 204)
    return cloud


def test_list(ready, run):
    options = ["--search", "data", "--operating-system", "Ubuntu", "--limit", "5", "-f", "json"]
    (row,) = json.loads(run(ListMarket, *options))
    assert (row["Name"], row["OS"], row["Price"]) == ("database", "Ubuntu", "free")
    query = ready.only("GET").query
    assert (query["search"], query["os"], query["limit"]) == ("data", "Ubuntu", "5")


def test_show(ready, run):
    shown = json.loads(run(ShowMarket, "database", "-f", "json"))
    assert (shown["agreement"], shown["agreement_digest"]) == ("Be kind.", "d" * 64)


def test_subscribe(ready, run):
    arguments = ["database", "--agreement", "d" * 64, "--sku", "small", "-f", "json"]
    shown = json.loads(run(Subscribe, *arguments))
    assert shown["images"][0]["region"] == "RegionOne"
    assert ready.only("POST").body["sku"] == "small"


@pytest.mark.parametrize("given", ["5" * 32, "a" * 32])
def test_unsubscribe(ready, run, given):
    run(Unsubscribe, given)
    assert ready.only("DELETE").path.endswith("5" * 32)


def test_unsubscribe_what_one_has_not(ready, run):
    with pytest.raises(exceptions.CommandError, match="no subscription '666"):
        run(Unsubscribe, "6" * 32)
    assert ready.sent("DELETE") == []


def test_subscriptions(ready, run):
    rows = json.loads(run(ListSubscriptions, "-f", "json"))
    assert [row["State"] for row in rows] == ["ended", "active"]
