# SPDX-License-Identifier: Apache-2.0
"""A job that copies what is to be sold: what it finds, makes, and leaves if it is undone."""

from collections.abc import Mapping
from typing import Any

from ims_glance.model.job import SCAN, StoredJob
from tests.unit.db.market.rows import MarketTables
from tests.unit.flows import small_guests
from tests.unit.flows.direct_cloud import DirectCloud


def to_sell(cloud: DirectCloud) -> dict[str, Any]:
    """A version of a product whose image is to be copied."""
    body = {"disk_format": "raw", "container_format": "bare", "hw_firmware_type": "uefi"}
    image_id = cloud.make(b"sold" * 100, name="source", note="the seller's", **body)
    market = MarketTables(cloud.database)
    source = {"source_image_id": image_id, "source_digest": cloud.images[image_id]["os_hash_value"]}
    version = market.submitted(regions=["RegionOne"], **source)
    return {"image_id": image_id, "version_id": version.id}


def is_sold(cloud: DirectCloud, job: StoredJob) -> Mapping[str, set[str]]:
    """The copy is whole, and waits for the reviewers."""
    market = MarketTables(cloud.database)
    version = market.versions.get_any(job.arguments["version_id"])
    [copy] = market.copies.wanted(version.id)
    assert (str(version.state), str(copy.state)) == ("in review", "ready")
    image_id = str(copy.image_id)
    assert cloud.data[image_id] == b"sold" * 100
    image = cloud.images[image_id]
    assert copy.digest == version.source_digest == image["os_hash_value"]
    assert (image["__imagetype"], image["visibility"]) == ("market", "shared")
    product = market.products.get_any(version.product_id)
    assert product is not None
    assert image["__productcode"] == product.product_code
    assert image["hw_firmware_type"] == "uefi"
    assert "note" not in image
    kept = market.scans.get(version.id)
    assert kept is not None
    assert (kept.report.state, kept.scanned) == ("clean", small_guests.CLEAN)
    return {"image": {image_id}, "store file": {image_id}}


def is_scanned(_cloud: DirectCloud, job: StoredJob) -> Mapping[str, set[str]]:
    """The seller is told what was found, and there is nothing more."""
    assert job.entities[SCAN]["state"] == "clean"
    assert job.entities[SCAN]["packages"] == 1
    return {}


def is_given_back(cloud: DirectCloud, job: StoredJob) -> None:
    """The seller has the version back, and knows why; the sweep may forget the copy."""
    market = MarketTables(cloud.database)
    version = market.versions.get_any(job.arguments["version_id"])
    assert version.state in ("failed", "taken back"), version.state
    if version.state == "failed":
        assert (version.code, version.reason) == (job.error_code, job.fail_reason)
    [copy] = market.copies.wanted(version.id)
    assert copy.state == "unwanted"
