# SPDX-License-Identifier: Apache-2.0
"""A product from its seller to a server of a buyer's, on the real cloud: the code stays with the data."""

import contextlib
import csv
import io
from typing import Any

import pytest
from pocket_cloud.cloud import Cloud

from tests.cloud import flow_jobs, login, pocket, servers, tenants
from tests.unit.api.ims import market_world

pytestmark = pytest.mark.pocket

# A machine starts, and looks into the copy, beside other tests: minutes.
PATIENCE = 900.0
REGIONS = ["RegionOne", "RegionTwo"]
UNINSPECTED = {"uninspected": True, "reasons": "made for a test"}


class Caller:
    """The IMS API as the user of a project.

    :param connection: of a tenant
    :param role: that the user has in it besides
    """

    def __init__(self, connection: Any, role: str | None = None) -> None:
        auth = connection.config.config["auth"]
        named = {name: auth[name] for name in ("username", "password", "project_name")}
        if role is not None:
            tenants.grant(connection, role)
        # With a token that has the role.
        self.conn = login.connect("admin", named)
        self.project_id = self.conn.current_project_id
        self._root = self.conn.image.get_endpoint().removesuffix("/v2/").removesuffix("/")

    def send(self, method: str, path: str, body: Any = None) -> Any:
        """The answer to a request."""
        url = f"{self._root}/v1/{path.replace('PROJECT', self.project_id)}"
        return self.conn.image.request(url, method, json=body, raise_exc=False)

    def call(self, method: str, path: str, body: Any = None) -> Any:
        """What a request is answered with that has to succeed."""
        answer = self.send(method, path, body)
        assert answer.status_code < 300, answer.text
        return answer.json() if answer.content else None


def _refused(answer: Any, code: str) -> None:
    assert answer.status_code in {400, 403, 409}, answer.text
    assert code in answer.text


def _used(product_id: str, server_id: str) -> bool:
    """Whether it is known for how long a server runs a product."""
    command = ("market", "usage", "--from", "1h", "--period", "all", "--product", product_id)
    rows = csv.DictReader(io.StringIO(pocket.manage(*command).stdout))
    return [row["flavor"] for row in rows if row["server_id"] == server_id] == ["m1.nano"]


@pytest.fixture(scope="module")
def seller():
    with tenants.tenant("seller") as connection:
        yield Caller(connection, "ims_seller")


@pytest.fixture(scope="module")
def reviewer():
    with tenants.tenant("reviewer") as connection:
        yield Caller(connection, "ims_market_reviewer")


@pytest.fixture(scope="module")
def buyer():
    with tenants.tenant("buyer") as connection:
        yield Caller(connection)


@contextlib.contextmanager
def _listed(seller: Caller, reviewer: Caller):
    """A product that is listed, whose seller has deleted the image, until it is withdrawn."""
    with servers.guest_image(Cloud.from_environment(), seller.conn) as image:
        draft = market_world.whole("Guest")
        draft["version"]["image_id"] = image.id
        draft["business"]["regions"] = REGIONS
        made = seller.call("POST", "PROJECT/market/seller/products", draft)
        path = f"PROJECT/market/seller/products/{made['id']}"
        seller.call("POST", f"{path}/submit", {})

        def is_copied() -> bool:
            found = seller.call("GET", path)
            assert found["state"] == "submitted", found
            waiting = reviewer.call("GET", "PROJECT/market/reviews")
            return found["submission_id"] in str(waiting)

        servers.wait_until(is_copied, PATIENCE)
        version = seller.call("GET", path)["submission_id"]
        reviewer.call("POST", f"PROJECT/market/reviews/{version}/approve", UNINSPECTED)
    try:
        yield made["id"], made["product_code"]
    finally:
        seller.call("POST", f"{path}/withdraw", {})
        admin, query = login.connect("admin"), f"/images?__productcode={made['product_code']}"
        servers.wait_until(lambda: not admin.image.get(query).json()["images"], PATIENCE)


@pytest.fixture(scope="module")
def product(seller, reviewer):
    with _listed(seller, reviewer) as listed:
        yield listed


@pytest.fixture(scope="module")
def bought(buyer, product):
    """The image of the product, as its buyer sees it."""
    product_id, code = product
    agreement = buyer.call("GET", f"PROJECT/market/products/{product_id}")["agreement_digest"]
    body = {"product_id": product_id, "agreement_digest": agreement, "sku": "small"}
    subscription = buyer.call("POST", "PROJECT/market/subscriptions", body)
    listed = buyer.conn.image.get("/images?__imagetype=market").json()["images"]
    [image] = [each for each in listed if each.get("__productcode") == code]
    yield buyer.conn.image.get_image(image["id"])
    buyer.call("DELETE", f"PROJECT/market/subscriptions/{subscription['id']}")
    # At once, or by a worker a moment later.
    there = f"/images/{image['id']}"
    servers.wait_until(lambda: buyer.conn.image.get(there).status_code == 404, PATIENCE)


def test_its_buyer_boots_it_and_snapshots_carry_the_code(buyer, product, bought):
    """Nova, which knows nothing of it, makes the server, and the image of that."""
    product_id, code = product
    conn = buyer.conn
    with servers.server(conn, bought) as server:
        # A bill can be written: Nova has told of it, or was asked.
        servers.wait_until(lambda: _used(product_id, server.id), PATIENCE)
        snapshot = conn.compute.create_server_image(server, "snapshot", wait=True, timeout=600)
        try:
            assert flow_jobs.view(conn, snapshot.id)["__productcode"] == code
            path = f"/images/{snapshot.id}"
            share = conn.image.post(f"{path}/members", json={"member": "0" * 32})
            _refused(share, "IMG.0024")
            _refused(conn.image.get(f"{path}/file"), "IMG.0079")
            body = {"images": [snapshot.id], "projects": ["0" * 32]}
            _refused(buyer.send("POST", "cloudimages/members", body), "IMG.0024")
            file = {"bucket_url": "bucket:object", "file_format": "qcow2"}
            export = buyer.send("POST", f"cloudimages/{snapshot.id}/file", file)
            _refused(export, "IMG.0079")
        finally:
            conn.image.delete_image(snapshot)


def test_it_is_there_in_the_other_region_too(seller, buyer, product, bought):
    """The service's copy there was made of that here, when its seller had deleted the image.

    The pocket cloud has Nova in one region only: that it is the same image, and the buyer's to use, is what
    can be seen there.
    """
    product_id, code = product
    path = f"PROJECT/market/seller/products/{product_id}"

    def copy_there() -> dict[str, Any]:
        [version] = seller.call("GET", path)["versions"]
        [found] = [each for each in version["copies"] if each["region"] == "RegionTwo"]
        return dict(found)

    servers.wait_until(lambda: copy_there()["state"] == "ready", PATIENCE)
    listed = buyer.call("GET", "PROJECT/market/products?region=RegionTwo")["products"]
    assert product_id in [each["id"] for each in listed]
    auth = buyer.conn.config.config["auth"]
    named = {name: auth[name] for name in ("username", "password", "project_name")}
    there = login.connect("admin-two", named).image

    def images() -> list[dict[str, Any]]:
        return list(there.get(f"/images?__productcode={code}").json()["images"])

    servers.wait_until(images, PATIENCE)
    [image] = images()
    assert image["id"] != bought.id
    assert image["os_hash_value"] == bought.hash_value
    assert (image["__imagetype"], image["owner"]) == ("market", bought.owner)
    _refused(there.get(f"/images/{image['id']}/file"), "IMG.0079")


def test_a_volume_of_it_carries_the_code_into_its_image(buyer, product, bought):
    """Cinder keeps it with the volume."""
    conn = buyer.conn
    volume = conn.block_storage.create_volume(name="of it", size=1, image_id=bought.id)
    try:
        conn.block_storage.wait_for_status(volume, "available", ["error"], 2, 240)
        answer = conn.block_storage.post(
            f"/volumes/{volume.id}/action",
            json={"os-volume_upload_image": {"image_name": "of volume", "disk_format": "raw"}},
            microversion="3.1",
        )
        made = answer.json()["os-volume_upload_image"]["image_id"]
        try:
            servers.wait_until(lambda: flow_jobs.view(conn, made)["status"] == "active", PATIENCE)
            assert flow_jobs.view(conn, made)["__productcode"] == product[1]
        finally:
            conn.block_storage.wait_for_status(volume, "available", ["error"], 2, 240)
            conn.image.delete_image(made)
    finally:
        conn.block_storage.delete_volume(volume)
        conn.block_storage.wait_for_delete(volume, 2, 240)


def test_nobody_else_has_it_and_nobody_changes_it(seller, reviewer, buyer, bought):
    for caller in (seller, reviewer):
        assert caller.conn.image.get(f"/images/{bought.id}").status_code == 404
    admin = login.connect("admin")
    for conn in (buyer.conn, admin):
        _refused(conn.image.delete(f"/images/{bought.id}"), "IMG.0024")
