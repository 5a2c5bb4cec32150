# SPDX-License-Identifier: Apache-2.0
"""How quickly a buyer can boot, and how quickly thousands lose a product, on the pocket cloud, in RegionOne.

Subscribers are written into the databases of the service and of Glance, as workers make them: 1,000 projects
would take long to make.
"""

import contextlib
import datetime
import re
import secrets
import string
import time
import urllib.parse
from collections.abc import Iterator
from typing import Any

import sqlalchemy
from glance.db.sqlalchemy import models
from oslo_utils import uuidutils

from ims_glance.db.schema import MARKET_ENTITLEMENTS, MARKET_MEMBERS
from tests.benchmarks import listing
from tests.benchmarks.harness import Figure, note
from tests.benchmarks.market import _database
from tests.benchmarks.over_http import Glance
from tests.cloud import client_shell, login, pocket, tenants
from tests.unit.api.ims import market_world

SUBSCRIBERS = 1000
TURNS = 5
_PATIENCE = 600.0
_UNINSPECTED = {"uninspected": True, "reasons": "made for a measurement"}


class Caller:
    """The IMS API as a user, and Nova.

    :param role: that the user has to have besides
    """

    def __init__(self, user: str, role: str | None = None) -> None:
        conn: Any = login.connect(user)
        if role is not None:
            tenants.grant(conn, role)
            conn = login.connect(user)
        self.conn = conn
        place = urllib.parse.urlsplit(conn.image.get_endpoint())
        self._root = f"{place.scheme}://{place.netloc}/v1/{conn.current_project_id}/market"

    def call(self, method: str, path: str, body: Any = None) -> Any:
        """What a request of the marketplace is answered with."""
        answer = self.conn.image.request(f"{self._root}{path}", method, json=body)
        answer.raise_for_status()
        return answer.json() if answer.content else None


def buy() -> Figure:
    """Seconds from the subscription to Nova's answer that it makes the server; the longest of some."""
    took = []
    buyer = Caller("other")
    with _listed() as (product, _image):
        flavor = buyer.conn.compute.find_flavor("m1.nano").id
        for turn in range(TURNS):
            shown = buyer.call("GET", f"/products/{product}")
            wanted = {
                "product_id": product, "agreement_digest": shown["agreement_digest"], "sku": "small",
            }  # fmt: skip
            began = time.perf_counter()
            made = buyer.call("POST", "/subscriptions", wanted)
            (image,) = [each["image_id"] for each in made["images"]]
            server = buyer.conn.compute.create_server(
                name="benchmark", image_id=image, flavor_id=flavor, networks="none"
            )
            took.append(time.perf_counter() - began)
            note(f"  {turn}: {took[-1]:.2f} s")
            buyer.conn.compute.delete_server(server)
            buyer.conn.compute.wait_for_delete(server, wait=240)
            buyer.call("DELETE", f"/subscriptions/{made['id']}")
    return Figure(
        "subscribe → first boot request accepted, s (the longest of five)",
        "≤ 2",
        f"{max(took):.2f}",
    )


def subscribers() -> list[Figure]:
    """Seconds that a product with 1,000 subscribers takes to get another key, be restricted and withdrawn."""
    seller = Caller("demo", "ims_seller")
    with Glance() as glance, _listed(__system__cmkid="ims/default") as (product, image):
        _subscribe_many(product, image)
        key_id = glance.new_key()
        told = re.search(r"\((\d+) ms\)", pocket.manage("rekey", image, key_id).stdout)
        assert told is not None
        path = f"/seller/products/{product}"
        restricted = _timed(lambda: seller.call("POST", f"{path}/restrict", {}))
        withdrawn = _timed(lambda: _withdraw(seller, path, image))
        _forget(product)
    many = f"a product with {SUBSCRIBERS:,} subscribers"
    return [
        Figure(f"re-keying {many}, s", "≤ 30", f"{int(told[1]) / 1000:.2f}"),
        Figure(f"restricting {many}, s", "≤ 30", f"{restricted:.2f}"),
        Figure(f"withdrawing {many}, until nobody has it, s", "≤ 30", f"{withdrawn:.1f}"),
    ]


def _timed(work: Any) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def _until(holds: Any) -> None:
    end = time.monotonic() + _PATIENCE
    while not holds():
        assert time.monotonic() < end, "it does not end"
        time.sleep(0.2)


def _withdraw(seller: Caller, path: str, image: str) -> None:
    admin = login.connect("admin")
    seller.call("POST", f"{path}/withdraw", {})
    query = f"/images/{image}/members"

    def nobody() -> bool:
        answer = admin.image.get(query)
        return answer.status_code == 404 or not answer.json()["members"]

    _until(nobody)


@contextlib.contextmanager
def _listed(**properties: Any) -> Iterator[tuple[str, str]]:
    """A product that is listed, and the image of it; withdrawn afterwards."""
    seller = Caller("demo", "ims_seller")
    reviewer = Caller("admin")
    name = "benchmark " + "".join(secrets.choice(string.ascii_lowercase) for _ in range(12))
    path = ""
    try:
        with client_shell.image(seller.conn, name, **properties) as image_id:
            draft = market_world.whole(name)
            draft["version"]["image_id"] = image_id
            made = seller.call("POST", "/seller/products", draft)
            path = f"/seller/products/{made['id']}"
            seller.call("POST", f"{path}/submit", {})
            version = seller.call("GET", path)["submission_id"]
            _until(lambda: version in str(reviewer.call("GET", "/reviews")))
            reviewer.call("POST", f"/reviews/{version}/approve", _UNINSPECTED)
        query = f"/images?__productcode={made['product_code']}"
        (copy,) = reviewer.conn.image.get(query).json()["images"]
        yield made["id"], copy["id"]
    finally:
        if path and seller.call("GET", path)["state"] != "withdrawn":
            seller.call("POST", f"{path}/withdraw", {})


def _forget(product: str) -> None:
    """Delete what was written of subscribers that there are not."""
    engine = sqlalchemy.create_engine(_database())
    with engine.begin() as transaction:
        own = MARKET_ENTITLEMENTS.c.product_id == product
        transaction.execute(sqlalchemy.delete(MARKET_ENTITLEMENTS).where(own))
    engine.dispose()


def _subscribe_many(product: str, image: str) -> None:
    """Have many projects be members, as if they had subscribed."""
    engine = sqlalchemy.create_engine(_database())
    now = datetime.datetime.now(datetime.UTC).replace(tzinfo=None)
    projects = [uuidutils.generate_uuid(dashed=False) for _ in range(SUBSCRIBERS)]
    given = [
        {
            "id": uuidutils.generate_uuid(dashed=False), "project_id": project, "user_id": project,
            "product_id": product, "product_code": "benchmark", "agreement": "a" * 64,
            "state": "active", "since": now,
        }
        for project in projects
    ]  # fmt: skip
    there = [
        {
            "image_id": image, "project_id": project, "region": "RegionOne", "product_id": product,
            "state": "there", "changed_at": now,
        }
        for project in projects
    ]  # fmt: skip
    with engine.begin() as transaction:
        transaction.execute(sqlalchemy.insert(MARKET_ENTITLEMENTS), given)
        transaction.execute(sqlalchemy.insert(MARKET_MEMBERS), there)
    engine.dispose()
    native = [
        {
            "image_id": image, "member": project, "status": "accepted", "can_share": False,
            "created_at": now, "updated_at": now, "deleted": False,
        }
        for project in projects
    ]  # fmt: skip
    engine = sqlalchemy.create_engine(listing._database())
    with engine.begin() as transaction:
        transaction.execute(sqlalchemy.insert(models.ImageMember.__table__), native)
    engine.dispose()
