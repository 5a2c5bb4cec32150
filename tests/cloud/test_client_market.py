# SPDX-License-Identifier: Apache-2.0
"""A product from its draft to its withdrawal, by ``openstack ims product|review|market``."""

import secrets
import string
import time

import pytest
import yaml
from openstack import exceptions

from tests.cloud import client_shell, login, tenants
from tests.cloud.client_shell import ims, read, refusal
from tests.unit.api.ims.market_world import CERTIFICATE, png

pytestmark = pytest.mark.pocket

# A copy of a mebibyte, and what workers do every two seconds, on a busy machine.
_PATIENCE = 240.0
SECRET = "what only reviewers may read"


def eventually(look):
    """What *look* finds in the end."""
    end = time.monotonic() + _PATIENCE
    while not (found := look()):
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.5)
    return found


@pytest.fixture(scope="module")
def seller(demo):
    """User ``demo`` sells; an administrator reviews, and ``other`` buys."""
    tenants.grant(demo, "ims_seller")
    return "demo"


@pytest.fixture
def name():
    # No digits: a telephone number is no name.
    return "market-" + "".join(secrets.choice(string.ascii_lowercase) for _ in range(10))


@pytest.fixture
def image(demo, name):
    # Too small for a system, so that no machine is started to scan it.
    with client_shell.image(demo, name, 0.5) as image_id:
        yield demo.image.get_image(image_id)


@pytest.fixture
def draft(name, image, tmp_path):
    """A file that lacks nothing."""
    (tmp_path / "logo.png").write_bytes(png())
    (tmp_path / "report.pdf").write_bytes(CERTIFICATE)
    product = {
        "name": name,
        "note": SECRET,
        "version": {"name": "V1.0", "image_id": image.id},
        "basic": {
            "logo": "logo.png",
            "introduction": f"The {name}",
            "description": "It does what it says.",
            "category": "other",
            "usage_guide": {"text": "Boot it.", "ports": [], "login": {"method": "key pair"}},
            "support_scope": "none",
            "agreement": f"Be kind to {name}.",
            "certificates": [{"file": "report.pdf", "kind": "self-test report"}],
            "specifications": [{"sku": "small"}],
        },
        "business": {
            "regions": ["RegionOne"], "pricing": {"model": "free"}, "support_terms": "none",
        },
    }  # fmt: skip
    path = tmp_path / "product.yaml"
    path.write_text(yaml.safe_dump(product))
    return path


def shown_to(conn, image_id):
    try:
        return conn.image.get_image(image_id)
    except (exceptions.NotFoundException, exceptions.ForbiddenException):
        return None


def listed(name):
    return [row["Name"] for row in read("other", "market", "list", "--search", name)]


def reviewed(name):
    """The version of a product that waits for a reviewer."""
    waiting = read("admin", "review", "list")
    return next((row["ID"] for row in waiting if row["Product"] == name), None)


def test_from_a_draft_to_its_withdrawal(seller, other, name, image, draft, tmp_path):
    made = read(seller, "product", "create", "--from-file", str(draft))
    assert (made["state"], made["missing"]) == ("draft", [])
    again = tmp_path / "again.yaml"
    again.write_text(ims(seller, "product", "show", made["id"], "--as-file"))
    twin = read(seller, "product", "create", "--from-file", str(again))
    assert ims(seller, "product", "show", twin["id"], "--as-file") == again.read_text()
    ims(seller, "product", "delete", twin["id"])
    checked = read(seller, "product", "submit", made["id"], "--validate-only")
    assert (checked["state"], checked["problems"]) == ("draft", [])
    assert checked["scan"] == "not inspected"
    # Others see neither the draft nor that one could sell.
    assert "nothing at" in refusal("other", "product", "list")
    assert listed(name) == []

    assert read(seller, "product", "submit", made["id"])["state"] == "submitted"
    version = eventually(lambda: reviewed(name))
    folder = tmp_path / "handed-in"
    seen = read("admin", "review", "show", version, "--save-files", str(folder))
    assert seen["scan_notes"][0] == "The disk is too small to hold a system."
    assert (seen["note"], (folder / "certificate-1.pdf").read_bytes()) == (SECRET, CERTIFICATE)
    assert "--uninspected" in refusal("admin", "review", "approve", version)
    approved = read("admin", "review", "approve", version, "--uninspected", "--reasons", "empty")
    assert (approved["product_state"], approved["scan"]) == ("listed", "not inspected")

    assert listed(name) == [name]
    offered = read("other", "market", "show", name)
    assert SECRET not in str(offered)
    assert "digest" in refusal("other", "market", "subscribe", name, "--agreement", "0" * 64)
    bought = read("other", "market", "subscribe", name, "--agreement", offered["agreement_digest"])
    (own,) = bought["images"]
    copy = eventually(lambda: shown_to(other, own["image_id"]))
    assert (own["region"], copy.status) == ("RegionOne", "active")
    assert (copy.id != image.id, copy.hash_value) == (True, image.hash_value)

    restricted = read(seller, "product", "restrict", name, "--why", "a newer one")
    assert restricted["state"] == "restricted"
    assert listed(name) == []
    assert shown_to(other, copy.id)
    assert read(seller, "product", "withdraw", name)["state"] == "withdrawn"
    eventually(lambda: shown_to(other, copy.id) is None)
    (row,) = [
        each for each in read("other", "market", "subscriptions") if each["ID"] == bought["id"]
    ]
    assert row["State"] == "ended"
    # Workers delete the service's copy, and the original stays.
    eventually(lambda: shown_to(login.connect("admin"), copy.id) is None)
    assert shown_to(login.connect("demo"), image.id)


def test_what_is_taken_back_or_rejected_leaves_no_copy(seller, name, draft):
    made = read(seller, "product", "create", "--from-file", str(draft))
    read(seller, "product", "submit", made["id"])
    taken = read(seller, "product", "withdraw", made["id"], "--why", "too early")
    assert (taken["state"], taken["history"][-1]["why"]) == ("draft", "too early")
    read(seller, "product", "submit", made["id"])
    version = eventually(lambda: reviewed(name))
    read("admin", "review", "reject", version, "--reasons", "no guide")
    shown = read(seller, "product", "show", made["id"])
    assert (shown["state"], shown["reviews"][-1]["reasons"]) == ("rejected", "no guide")
    ims(seller, "product", "delete", made["id"])
    assert "no product" in refusal(seller, "product", "show", name)
