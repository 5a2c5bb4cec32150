# SPDX-License-Identifier: Apache-2.0
"""A job that copies a whole machine that is to be sold: what it finds, and makes."""

from collections.abc import Mapping
from typing import Any

from ims_glance.model.image import attributes, whole_image
from ims_glance.model.image.whole_image import Component
from ims_glance.model.job import StoredJob
from ims_glance.model.market import image
from ims_glance.model.server import Disk
from tests.unit.db.market.rows import MarketTables
from tests.unit.flows.direct_cloud import DirectCloud

DATA = (b"root" * 100, b"data" * 100)


def to_sell(cloud: DirectCloud) -> dict[str, Any]:
    """A version of a product whose image is a whole machine of two disks."""
    body = {"disk_format": "raw", "container_format": "bare", "note": "the seller's"}
    disks = [cloud.make(data, os_hidden=True, protected=True, name="disk", **body) for data in DATA]
    parts = [Component(Disk(number, None, 1), disk) for number, disk in enumerate(disks)]
    named = {"name": "machine", "note": "the seller's", "__image_size": "800"}
    parent = cloud.make(b"", **named, **whole_image.properties(parts))
    for disk in disks:
        cloud.images[disk][attributes.COMPONENT_OF] = parent
    market = MarketTables(cloud.database)
    digest = image.digest(cloud.images[parent], [cloud.images[each] for each in disks])
    source: dict[str, Any] = {"source_image_id": parent, "source_digest": digest}
    version = market.submitted(regions=["RegionOne"], **source)
    return {"image_id": parent, "version_id": version.id, "disks": len(disks)}


def is_sold(cloud: DirectCloud, job: StoredJob) -> Mapping[str, set[str]]:
    """The copy and its disks are whole, tied, and wait for the reviewers."""
    market = MarketTables(cloud.database)
    version = market.versions.get_any(job.arguments["version_id"])
    [copy] = market.copies.wanted(version.id)
    assert (str(version.state), str(copy.state)) == ("in review", "ready")
    parent = cloud.images[str(copy.image_id)]
    product = market.products.get_any(version.product_id)
    assert product is not None
    parts = whole_image.components(parent)
    disks = [cloud.images[each.image_id] for each in parts]
    assert [cloud.data[each.image_id] for each in parts] == list(DATA)
    for disk in disks:
        assert (disk["os_hidden"], disk["protected"]) == (True, True)
        assert disk[attributes.COMPONENT_OF] == copy.image_id
    for each in (parent, *disks):
        assert (each["__imagetype"], each["status"]) == ("market", "active")
        assert each["__productcode"] == product.product_code
        assert "note" not in each
    assert (parent["name"], disks[1]["name"]) == ("machine", "machine disk 1")
    assert copy.digest == version.source_digest == image.digest(parent, disks)
    kept = market.scans.get(version.id)
    assert kept is not None
    assert kept.report.state == "clean"
    ids = {str(copy.image_id), *(each.image_id for each in parts)}
    return {"image": ids, "store file": ids}
