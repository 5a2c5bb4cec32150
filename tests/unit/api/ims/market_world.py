# SPDX-License-Identifier: Apache-2.0
"""A marketplace with its database, and callers of each kind."""

import base64
import struct
import types
from pathlib import Path
from typing import Any

from ims_glance import exceptions
from ims_glance.api.common.market import Market, SourceImage
from ims_glance.api.ims import checking
from ims_glance.api.ims.operation import Call, Service
from ims_glance.api.ims.operations import MARKET
from ims_glance.model.market.product import Actor
from ims_glance.model.market.scan.report import Scanned, ScanReport
from tests.unit import job_database
from tests.unit.api.ims import calls

IMAGE = calls.IMAGE
REGIONS = ["RegionOne", "RegionTwo"]
OPERATIONS = {each.name: each for each in MARKET}
SELLER, OTHER_SELLER, BUYER, OTHER_BUYER, REVIEWER, NOBODY = (
    f"{number:032x}" for number in range(1, 7)
)


def png(width: int = 120, height: int = 120) -> bytes:
    """The first and the last bytes of a picture."""
    size = struct.pack(">II", width, height)
    return b"\x89PNG\r\n\x1a\n\x00\x00\x00\x0dIHDR" + size + b"rest\x00\x00\x00\x00IEND\xaeB`\x82"


def encoded(content: bytes) -> str:
    """Content as clients send it."""
    return base64.b64encode(content).decode()


CERTIFICATE = b"%PDF-1.7 SECRET-CERTIFICATE"


def whole(name: str = "Quick Database", **business: Any) -> dict[str, Any]:
    """A draft that lacks nothing."""
    return {
        "name": name,
        "note": "SECRET-NOTE",
        "version": {"name": "V1.0", "release_notes": "The first one.", "image_id": IMAGE},
        "basic": {
            "logo": {"name": "logo.png", "content": encoded(png())},
            "introduction": "A database, ready to use",
            "description": "Tables und Schl\u00fcssel.",
            "category": "database",
            "usage_guide": {"text": "Log in.", "ports": [], "login": {"method": "key pair"}},
            "support_scope": "Weekdays.",
            "agreement": "Be kind.",
            "certificates": [
                {"name": "SECRET-NAME.pdf", "kind": "other", "content": encoded(CERTIFICATE)}
            ],
            "attributes": {"engine": "quick"},
            "specifications": [{"sku": "small"}, {"sku": "large", "price": "2"}],
            "keywords": ["sql"],
        },
        "business": {
            "regions": ["RegionOne"],
            "pricing": {"model": "hourly", "text": "1 an hour"},
            "support_terms": "By mail.",
            **business,
        },
    }


SCANNED = Scanned(("Debian 12 (x86_64)",), is_whole=True)


class MarketImagesOfTest:
    """Copies at once what it is asked to, unless a test says otherwise."""

    def __init__(self) -> None:
        self.refusal: exceptions.ImsError | None = None
        self.copy_refusal: exceptions.ImsError | None = None
        self.scanned: list[str] = []
        self.settled: list[tuple[str | None, str | None]] = []
        self.world: Any = None
        self.copies_at_once = True

    def check_source(self, _context: Any, image_id: str) -> SourceImage:
        """Every image may be published."""
        if self.refusal is not None:
            raise self.refusal
        facts = {"os_type": "Linux", "platform": "Ubuntu", "architecture": "x86_64", "size": 4}
        return SourceImage(image_id, "digest", facts)

    def copy(self, _context: Any, version: Any) -> str:
        """As its job does."""
        if self.copy_refusal is not None:
            raise self.copy_refusal
        if self.copies_at_once:
            self.world.copied(version)
        return "j" * 32

    def scan(self, _context: Any, image_id: str) -> str:
        """As its job is accepted."""
        self.scanned.append(image_id)
        return "5" * 32

    def settle(self, project_id: str | None = None, product_id: str | None = None) -> None:
        """Note it."""
        self.settled.append((project_id, product_id))


class MarketWorld:
    """The marketplace."""

    def __init__(self, folder: Path) -> None:
        self.tables = job_database.Tables(job_database.sqlite(folder))
        self.conf = self.tables.conf
        self.conf.set_override("region_name", "RegionOne", "ims_service")
        self.conf.set_override("regions", ["RegionTwo"], "ims_market")
        self.images = MarketImagesOfTest()
        self.images.world = self
        self.market = Market(self.conf, self.images)
        self.made: dict[str, Any] = {}
        fakes: tuple[Any, ...] = (*(None,) * 8, self.market)
        self.service = Service(self.conf, *fakes)

    def call(
        self,
        name: str,
        body: Any = None,
        project_id: str = SELLER,
        query: dict[str, str] | None = None,
        **arguments: str,
    ) -> Any:
        """What an operation answers, checked against its schemas."""
        operation = OPERATIONS[name]
        context = types.SimpleNamespace(project_id=project_id, user_id=f"user of {project_id}")
        if operation.body is not None:
            checking._check(operation.body, body or {}, "body", "IMG.0016")
        call = Call(self.service, context, arguments, query or {}, body or {})
        answer = operation.handler(call).body
        if operation.answer is not None:
            checking._check(operation.answer, answer, "answer", "IMG.0061")
        else:
            assert answer is None
        return answer

    def copied(self, version: Any) -> None:
        """Let the service's copies of a version be there."""
        actor = Actor("worker", "service")
        for copy in self.market.copies.wanted(version.id):
            image_id = f"{version.id[:8]}-{copy.region}"
            assert self.market.copies.begun(version.id, copy.region, image_id)
            self.market.copies.ready(version, copy.region, image_id, "digest", actor)
        self.market.scans.keep(version, SCANNED, ScanReport.of(SCANNED), "")

    def draft(self, project_id: str = SELLER, **values: Any) -> Any:
        """A draft that lacks nothing."""
        return self.call("create_product", {**whole(), **values}, project_id)

    def submitted(self, product: Any = None, project_id: str = SELLER) -> Any:
        """A product that waits for a reviewer."""
        product = product or self.draft(project_id)
        return self.call("submit_product", {}, project_id, product_id=product["id"])

    def listed(self, product: Any = None, project_id: str = SELLER) -> Any:
        """A product that is listed."""
        submitted = self.submitted(product, project_id)
        self.call("approve_version", {}, REVIEWER, version_id=submitted["submission_id"])
        return self.own(submitted, project_id)

    def own(self, product: Any, project_id: str = SELLER, **query: str) -> Any:
        """A product as its seller sees it now."""
        return self.call(
            "show_own_product", None, project_id, query=query, product_id=product["id"]
        )

    def subscribe(self, product: Any, project_id: str = BUYER, **values: Any) -> Any:
        """Let a project have a product."""
        shown = self.call("show_product", None, project_id, product_id=product["id"])
        body = {
            "product_id": product["id"],
            "agreement_digest": shown["agreement_digest"],
            "sku": "small",
        }
        return self.call("subscribe_product", {**body, **values}, project_id)
