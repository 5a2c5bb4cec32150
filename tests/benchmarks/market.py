# SPDX-License-Identifier: Apache-2.0
"""How long a search of the marketplace takes, on the pocket cloud, in RegionOne.

Products are written into the database of the service, for 10,000 of them would take long to review.
"""

import configparser
import datetime
import random
import secrets
import urllib.parse
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import sqlalchemy
from oslo_utils import uuidutils

from ims_glance.db.schema import MARKET_PRODUCTS, MARKET_TERMS
from ims_glance.model.market import publication
from tests.benchmarks import listing
from tests.benchmarks.harness import Figure, note
from tests.benchmarks.jobs import CALLERS, TURNS, _p99, _turn
from tests.cloud import pocket

PRODUCTS = 10_000
PAGE = 50
_CHUNK = 500
_WORDS = 3000


def search() -> Figure:
    """p99 of a page of a search ÷ p99 of a page of as many images, among 10,000 of each.

    What is looked for is in each product, so that all of them are candidates.
    """
    native: list[float] = []
    sought: list[float] = []
    with (
        listing.project() as conn,
        listing.images(conn.current_project_id, listing.IMAGES),
        _products(),
    ):
        query = urllib.parse.urlencode({"search": "data", "os": "Linux", "limit": PAGE})
        ours = f"/v1/{conn.current_project_id}/market/products?{query}"
        for turn in range(TURNS + 1):
            listed = _turn(conn, "GET", f"/v2/images?limit={PAGE}", None)
            found = _turn(conn, "GET", ours, None)
            name = "warm-up" if turn == 0 else turn
            note(f"  {name}: images {_p99(listed):.0f} ms, products {_p99(found):.0f} ms")
            if turn:
                native += listed
                sought += found
    return Figure(
        f"search of a page of {PAGE} among {PRODUCTS:,} listed products, p99 under {CALLERS} concurrent "
        f"callers ÷ native `GET /v2/images?limit={PAGE}` p99 likewise",
        "≤ 1.5",
        f"{_p99(sought) / _p99(native):.2f} ({_p99(sought):.0f} ÷ {_p99(native):.0f} ms)",
    )


@contextmanager
def _products() -> Iterator[None]:
    """Listed products as new ones look, of a project that there is not."""
    engine = sqlalchemy.create_engine(_database())
    project_id = secrets.token_hex(16)
    try:
        for begin in range(0, PRODUCTS, _CHUNK):
            with engine.begin() as transaction:
                _write(transaction, project_id, range(begin, begin + _CHUNK))
        yield
    finally:
        own = sqlalchemy.select(MARKET_PRODUCTS.c.id).where(
            MARKET_PRODUCTS.c.project_id == project_id
        )
        with engine.begin() as transaction:
            transaction.execute(
                sqlalchemy.delete(MARKET_TERMS).where(MARKET_TERMS.c.product_id.in_(own))
            )
            transaction.execute(
                sqlalchemy.delete(MARKET_PRODUCTS).where(MARKET_PRODUCTS.c.project_id == project_id)
            )
        engine.dispose()


def _write(transaction: Any, project_id: str, numbers: range) -> None:
    now = datetime.datetime.now(datetime.UTC).replace(tzinfo=None)
    products: list[dict[str, Any]] = []
    terms: list[dict[str, Any]] = []
    for number in numbers:
        chance = random.Random(number)
        words = " ".join(f"word{chance.randrange(_WORDS)}" for _word in range(40))
        shown: dict[str, Any] = {
            "name": f"Database {number}",
            "version": {"name": "V1.0", "os_type": "Linux", "platform": "Ubuntu"},
            "basic": {"introduction": "Tables", "description": words, "category": "database"},
            "business": {"regions": ["RegionOne"], "pricing": {"model": "free"}},
        }
        product_id = uuidutils.generate_uuid(dashed=False)
        moment = now - datetime.timedelta(seconds=number)
        products.append(
            {
                "id": product_id,
                "product_code": product_id,
                "project_id": project_id,
                "user_id": project_id,
                "state": "listed",
                "access_type": "image",
                "name": shown["name"],
                "document": shown,
                "revision": 0,
                "moves": 0,
                "published": shown,
                "summary": publication.summary(shown),
                "agreement": "a" * 64,
                "listed_at": moment,
                "created_at": moment,
                "updated_at": moment,
            }
        )
        terms += [
            {"kind": kind, "term": term, "product_id": product_id}
            for kind, term in publication.terms(shown)
        ]
    transaction.execute(sqlalchemy.insert(MARKET_PRODUCTS), products)
    transaction.execute(sqlalchemy.insert(MARKET_TERMS), terms)


def _database() -> str:
    """Where the service's database is."""
    found = configparser.ConfigParser(interpolation=None, strict=False)
    found.read(pocket.glance_config_files())
    return found["ims_database"]["connection"]
