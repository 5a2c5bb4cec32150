# SPDX-License-Identifier: Apache-2.0
"""``openstack ims product create|set|show|list|delete|submit|withdraw|restrict|version add``."""

import json

import pytest
import yaml
from osc_lib import exceptions

from ims_glance.client.commands.product import (
    AddProductVersion,
    CreateProduct,
    DeleteProducts,
    ListProducts,
    RestrictProduct,
    SetProduct,
    ShowProduct,
    SubmitProduct,
    WithdrawProduct,
)
from tests.unit.api.ims.market_world import encoded, png, whole
from tests.unit.client.cloud import IMAGE_ID, PROJECT, sold

PRODUCTS = f"/v1/{PROJECT}/market/seller/products"
ONE = f"{PRODUCTS}/{'a' * 32}"
ACTIONS = ("submit", "versions", "withdraw", "restrict")


@pytest.fixture
def ready(cloud):
    page = {"products": [sold()], "page_info": {"next_marker": None, "current_count": 1}}
    cloud.ims("GET", PRODUCTS, page)
    cloud.ims("GET", ONE, sold())
    cloud.ims("POST", PRODUCTS, sold(), 201)
    cloud.ims("PUT", ONE, sold())
    cloud.ims("DELETE", ONE, None, 204)
    for action in ACTIONS:
        cloud.ims("POST", f"{ONE}/{action}", sold(state="submitted"))
    return cloud


@pytest.fixture
def image(ready, monkeypatch):
    found = type("Found", (), {"id": IMAGE_ID})()
    monkeypatch.setattr("ims_glance.client.proxy.Proxy.find_image", lambda *_args: found)
    return IMAGE_ID


def test_create_by_options(ready, run, image, tmp_path):
    logo = tmp_path / "logo.png"
    logo.write_bytes(png())
    options = [
        "--name", "database", "--version-name", "V1.0", "--image", "web", "--logo", str(logo),
        "--category", "database", "--region", "RegionOne", "--region", "RegionTwo",
        "--price-model", "once", "--price", "9", "--note", "mine", "-f", "json",
    ]  # fmt: skip
    shown = json.loads(run(CreateProduct, *options))
    assert (shown["name"], shown["state"]) == ("database", "draft")
    assert ready.only("POST").body == {
        "name": "database",
        "note": "mine",
        "version": {"name": "V1.0", "image_id": image},
        "basic": {
            "logo": {"name": "logo.png", "content": encoded(png())}, "category": "database",
        },
        "business": {
            "regions": ["RegionOne", "RegionTwo"], "pricing": {"model": "once", "text": "9"},
        },
    }  # fmt: skip


def test_create_from_a_file_with_options_beside_it(ready, run, tmp_path):
    path = tmp_path / "product.yaml"
    path.write_text(yaml.safe_dump(whole()))
    run(CreateProduct, "--from-file", str(path), "--name", "other", "--price", "2")
    expected = whole(pricing={"model": "hourly", "text": "2"})
    assert ready.only("POST").body == {**expected, "name": "other"}


def test_list_and_show(ready, run):
    (row,) = json.loads(run(ListProducts, "-f", "json"))
    assert (row["Name"], row["State"]) == ("database", "draft")
    assert "what=a logo" in run(ShowProduct, "database")


def test_show_as_a_file(ready, run):
    shown = yaml.safe_load(run(ShowProduct, "database", "--as-file"))
    assert set(shown) == {"access_type", "name", "note", "version", "basic", "business"}
    assert ready.sent("GET")[-1].query == {"files": "true"}


@pytest.mark.parametrize(
    ("command", "arguments", "action", "body"),
    [
        (SubmitProduct, (), "submit", {}),
        (SubmitProduct, ("--validate-only",), "submit", {"validate_only": True}),
        (
            AddProductVersion,
            ("V2.0", "--image", "web", "--release-notes", "n"),
            "versions",
            {"name": "V2.0", "image_id": IMAGE_ID, "release_notes": "n"},
        ),
        (WithdrawProduct, (), "withdraw", {}),
        (
            WithdrawProduct,
            ("--why", "old", "--after-days", "30"),
            "withdraw",
            {"why": "old", "after_days": 30.0},
        ),
        (RestrictProduct, ("--why", "old"), "restrict", {"why": "old"}),
    ],
)
def test_actions(ready, run, image, command, arguments, action, body):
    assert image
    shown = json.loads(run(command, "database", *arguments, "-f", "json"))
    assert shown["state"] == "submitted"
    sent = ready.only("POST")
    assert (sent.path.removeprefix("/image"), sent.body) == (f"{ONE}/{action}", body)


def test_set(ready, run):
    run(SetProduct, "database", "--note", "other")
    assert ready.only("PUT").body == {"note": "other"}


def test_set_half_of_a_price(ready, run, tmp_path):
    """The service replaces a price as a whole."""
    ready.ims("GET", ONE, sold(business={"pricing": {"model": "hourly", "text": "1"}}))
    path = tmp_path / "product.yaml"
    path.write_text("business:\n")
    run(SetProduct, "database", "--price", "2 an hour", "--from-file", str(path))
    pricing = {"model": "hourly", "text": "2 an hour"}
    assert ready.only("PUT").body == {"business": {"pricing": pricing}}


def test_delete(ready, run):
    run(DeleteProducts, "database")
    assert ready.only("DELETE").path.endswith(ONE)
    with pytest.raises(exceptions.CommandError, match="1 of 1"):
        run(DeleteProducts, "x")
