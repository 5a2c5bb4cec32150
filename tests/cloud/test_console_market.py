# SPDX-License-Identifier: Apache-2.0
"""A product from its seller to its buyer, each in front of the console; what it did is asked of the API."""

import secrets
import string
import struct
import time
import zlib

import pytest

from ims_glance import client
from tests.cloud import client_shell, console, login, tenants
from tests.cloud.console import Tenant
from tests.unit.api.ims.market_world import CERTIFICATE, encoded

pytestmark = pytest.mark.pocket

# A copy of a mebibyte, on a busy machine.
_PATIENCE = 240.0
HOSTILE = "<b>bold</b>\u202e"


def picture() -> bytes:
    """A logo that a browser can show."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        summed = kind + content
        return struct.pack(">I", len(content)) + summed + struct.pack(">I", zlib.crc32(summed))

    header = struct.pack(">IIBBBBB", 120, 120, 8, 2, 0, 0, 0)
    rows = zlib.compress(b"".join(b"\x00" + b"\x30\x80\xc0" * 120 for _ in range(120)))
    parts = ((b"IHDR", header), (b"IDAT", rows), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunk(*part) for part in parts)


@pytest.fixture
def name():
    # No digits: a telephone number is no name.
    return "console" + "".join(secrets.choice(string.ascii_lowercase) for _ in range(10))


@pytest.fixture
def product(demo, name):
    """A draft that lacks nothing but its third step."""
    tenants.grant(demo, "ims_seller")
    market = client.register(login.connect("demo")).ims
    # So small that no machine looks into it: what a scan finds is shown elsewhere.
    with client_shell.image(demo, name, 0.5) as image_id:
        draft = {
            "name": name,
            "version": {"name": "V1.0", "image_id": image_id},
            "basic": {
                "logo": {"name": "logo.png", "content": encoded(picture())},
                "introduction": f"It is {HOSTILE}",
                "description": "One line.\nAnother one.",
                "category": "other",
                "usage_guide": {"text": "Boot it.", "ports": [], "login": {"method": "key pair"}},
                "support_scope": "none",
                "agreement": "Be kind.\n" * 50,
                "certificates": [{"name": "report.pdf", "content": encoded(CERTIFICATE)}],
                "specifications": [{"sku": "small"}, {"sku": "large"}],
            },
        }
        made = market.create_product(draft)
        yield made
        if market.get_own_product(made).state in ("listed", "submitted"):
            market.withdraw_product(made)


@pytest.fixture
def people():
    """Those who are in front of it, by name."""
    with console.chromium() as browser:
        yield lambda user, panel: Tenant(browser, user, "en-US", panel)


def eventually(look):
    """What *look* finds in the end."""
    end = time.monotonic() + _PATIENCE
    while not (found := look()):
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.5)
    return found


def test_it_is_offered_reviewed_and_bought(people, product, other, name):
    market = client.register(login.connect("demo")).ims
    _submit(people("demo", "project/ims_market"), product)
    assert market.get_own_product(product).state == "submitted"
    reviews = client.register(login.connect("admin")).ims
    eventually(lambda: name in [each.product_name for each in reviews.submitted_versions()])
    _approve(people("admin", "admin/ims_reviews"), name)
    assert market.get_own_product(product).state == "listed"

    held, buyer = client.register(other).ims, people("other", "project/ims_market")
    _subscribe(buyer, name)
    (bought,) = [each for each in held.subscriptions() if each.product_id == product.id]
    assert (bought.state, bought.sku) == ("active", "large")
    buyer.open("subscriptions/")
    buyer.keep("market-subscriptions")
    buyer.page.click("tr button:has-text('Unsubscribe')")
    buyer.page.wait_for_selector(".modal.in .btn-danger, .modal.in .btn-primary")
    buyer.go(".modal.in .btn-danger, .modal.in .btn-primary")
    (ended,) = [each for each in held.subscriptions() if each.product_id == product.id]
    assert ended.state == "ended"


def _submit(seller, product):
    """Fill in the third step, and submit."""
    seller.open(f"selling/{product.id}/business/")
    # The theme hides the box itself.
    box = seller.page.get_attribute("input[name=regions][value=RegionOne]", "id")
    seller.page.click(f"label[for={box}]")
    seller.page.select_option("#id_price_model", "free")
    seller.page.fill("#id_support_terms", "none")
    seller.go(".ims-step input[type=submit]")
    seller.keep("market-draft")
    seller.go("button[name=submit]")
    seller.keep("market-submitted")


def _approve(reviewer, name):
    """Look at all of it, save the certificate, and approve."""
    reviewer.go(f"a:text-is('{name}')")
    reviewer.keep("market-review")
    assert reviewer.page.locator(".ims-product b").count() == 0
    with reviewer.page.expect_download() as begun:
        reviewer.page.click("a[href$='certificates/1']")
    assert begun.value.suggested_filename == "certificate-1.pdf"
    assert begun.value.path().read_bytes() == CERTIFICATE
    reviewer.page.click(".ims-actions a[href$='approve/']")
    reviewer.page.wait_for_selector(".modal.in form")
    # Nobody could look into it.
    reviewer.page.click(".modal.in label[for=id_uninspected]")
    reviewer.page.fill(".modal.in [name=reasons]", "It is empty")
    reviewer.send()


def _subscribe(buyer, name):
    """Find it, read it, agree."""
    buyer.open(f"?search={name}")
    buyer.keep("market-catalogue")
    logo = buyer.page.locator(".ims-catalogue img")
    assert logo.evaluate("each => each.decode().then(() => each.naturalWidth)") == 120
    buyer.go(f".ims-catalogue a:has-text('{name}')")
    buyer.page.select_option("#id_sku", "large")
    buyer.page.click("label[for=id_agrees]")
    buyer.keep("market-product")
    buyer.go(".ims-subscribe input[type=submit]")
    buyer.keep("market-bought")


def test_jobs_backups_and_replications(people, demo):
    tenant = people("demo", "project/ims")
    for each in ("jobs", "backups", "replications"):
        tenant.open(f"{each}/")
        tenant.keep(each)
        assert tenant.page.locator(".nav-tabs .active").count() == 1
        assert tenant.page.locator(".alert-danger").count() == 0
