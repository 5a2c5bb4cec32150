# SPDX-License-Identifier: Apache-2.0
"""What the API of the marketplace does with images: which may be sold, who makes copies, who has them."""

import hashlib
import types
from typing import Any

import pytest
import webob

from ims_glance import exceptions
from ims_glance.api.common.image import SubrequestRefused
from ims_glance.api.market.images import CinderKeyInside, KernelApart, MarketImages
from ims_glance.clouds.identity import NoMarketProject
from ims_glance.model import job
from ims_glance.model.image import rules, whole_image
from ims_glance.model.image.whole_image import Component
from ims_glance.model.market.entitlement import ProductMember
from ims_glance.model.market.product import Product
from ims_glance.model.server import Disk
from tests.unit.api.ims import calls
from tests.unit.db.market.rows import MarketTables


class Images:
    """An Image API with one image, and what is asked of it in the service's own right."""

    def __init__(self, **view: Any) -> None:
        self.view = calls.view(os_hash_value="digest", **view)
        self.asked: list[tuple[str, str]] = []
        self.status = 204

    def call(self, context: Any, method: str, path: str, body: Any = None) -> Any:
        if method == "GET":
            if path != f"/v2/images/{calls.IMAGE}":
                raise SubrequestRefused(webob.Response(status=404))
            return self.view
        assert (context.is_admin, context.service_roles) == (True, ["ims_service"])
        assert context.project_id == "market"
        self.asked.append((method, path))
        if self.status >= 400:
            raise SubrequestRefused(webob.Response(status=self.status))
        return None


class Jobs:
    """Takes on any job."""

    def __init__(self) -> None:
        self.accepted: list[tuple[str, dict[str, Any]]] = []

    def accept(self, _context: Any, job_type: str, arguments: dict[str, Any]) -> str:
        self.accepted.append((job_type, arguments))
        return "job"


CALLER = types.SimpleNamespace(project_id=calls.PROJECT)


@pytest.fixture
def make(tables: Any) -> Any:
    """A door to images, with what is behind it."""
    tables.conf.set_override("project", "market", "ims_market")

    def make(**view: Any) -> tuple[MarketImages, Any, Any]:
        images: Any = Images(**view)
        jobs: Any = Jobs()
        return MarketImages(tables.conf, images, jobs), images, jobs

    return make


def test_an_image_of_ones_own_may_be_sold(make: Any) -> None:
    door, *_ = make(__os_type="Linux", __platform="Debian", architecture="x86_64")
    found = door.check_source(CALLER, calls.IMAGE)
    assert (found.image_id, found.digest) == (calls.IMAGE, "digest")
    assert found.facts == {
        "os_type": "Linux", "os_version": None, "platform": "Debian", "architecture": "x86_64", "size": 4,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("view", "code"),
    [
        ({"owner": calls.OTHER}, "IMG.0047"),
        ({"__productcode": "another's"}, "IMG.0024"),
        ({"__imagetype": "market", "owner": calls.OTHER}, "IMG.0024"),
        ({"visibility": "public"}, "IMG.0083"),
        ({"status": "queued"}, "IMG.0046"),
        ({"virtual_env_type": "DataImage"}, "IMG.0024"),
        ({"virtual_env_type": "IsoImage"}, "IMG.0024"),
        ({"block_device_mapping": '[{"snapshot_id": "s"}]'}, "IMG.0024"),
    ],
    ids=str,
)
def test_what_may_not(make: Any, view: dict[str, Any], code: str) -> None:
    door, *_ = make(**view)
    with pytest.raises((rules.RuleRefused, rules.NotTheirs), match="cannot be sold") as refused:
        door.check_source(CALLER, calls.IMAGE)
    assert refused.value.code == code


class Machine(Images):
    """A whole machine, whose disks are as a test says."""

    def __init__(self, *disks: dict[str, Any] | None) -> None:
        parts = [Component(Disk(number, None, 1), f"disk-{number}") for number in range(len(disks))]
        super().__init__(**whole_image.properties(parts))
        self.disks = dict(zip((each.image_id for each in parts), disks, strict=True))

    def get(self, _context: Any, path: str) -> Any:
        view = self.disks[path.rpartition("/")[2]]
        return None if view is None else types.SimpleNamespace(view=view)


def disk(**view: Any) -> dict[str, Any]:
    return {"id": "disk", "status": "active", "size": 3, "os_hash_value": "h", **view}


def test_a_whole_machine_may_be_sold_with_its_disks(make: Any, tables: Any) -> None:
    door, *_ = make()
    door._images = Machine(disk(), disk(os_hash_value="other"))
    found = door.check_source(CALLER, calls.IMAGE)
    assert (found.facts["size"], found.facts["disks"]) == (6, 2)
    assert found.digest == hashlib.sha512(b"h\nother").hexdigest()


@pytest.mark.parametrize(
    ("of_disk", "refusal"),
    [
        (None, whole_image.DiskMissing),
        (disk(status="queued"), whole_image.DiskMissing),
        (disk(__productcode="another's"), rules.RuleRefused),
        (disk(cinder_encryption_key_id="k"), CinderKeyInside),
        (disk(kernel_id=calls.OTHER), KernelApart),
    ],
    ids=str,
)
def test_a_whole_machine_with_a_disk_that_may_not_is_none(
    make: Any, of_disk: Any, refusal: type[Exception]
) -> None:
    door, *_ = make()
    door._images = Machine(disk(), of_disk)
    with pytest.raises(refusal):
        door.check_source(CALLER, calls.IMAGE)


def test_one_under_cinders_key_is_nobody_elses(make: Any) -> None:
    door, *_ = make(cinder_encryption_key_id="k")
    with pytest.raises(CinderKeyInside):
        door.check_source(CALLER, calls.IMAGE)


@pytest.mark.parametrize("name", ["kernel_id", "ramdisk_id"])
def test_one_that_boots_other_images_is_not_sold(make: Any, name: str) -> None:
    door, *_ = make(**{name: calls.OTHER})
    with pytest.raises(
        KernelApart, match=rf"{name}\). Make one that .* boots by itself"
    ) as refused:
        door.check_source(CALLER, calls.IMAGE)
    assert refused.value.code == "IMG.0105"
    door, *_ = make(**{name: None})
    assert door.check_source(CALLER, calls.IMAGE).image_id == calls.IMAGE


def test_an_image_that_is_not_there(make: Any) -> None:
    door, *_ = make()
    with pytest.raises(exceptions.ImageNotFound):
        door.check_source(CALLER, calls.ABSENT)


def test_without_a_project_for_copies_nothing_is_sold(make: Any, tables: Any) -> None:
    door, *_ = make()
    tables.conf.set_override("project", None, "ims_market")
    with pytest.raises(NoMarketProject, match="ims_market"):
        door.check_source(CALLER, calls.IMAGE)


def test_a_copy_is_a_job_of_the_seller(make: Any, tables: Any) -> None:
    door, _images, jobs = make()
    market = MarketTables(tables.database)
    version = market.submitted(regions=["RegionOne"])
    assert door.copy(CALLER, version) == "job"
    arguments = {"image_id": version.source_image_id, "version_id": version.id, "disks": 0}
    assert jobs.accepted == [(job.PUBLISH_IMAGE, arguments)]


def listed(tables: Any) -> tuple[MarketTables, Product, str]:
    """The tables, a product that is listed, and the id of its image in this region."""
    market = MarketTables(tables.database)
    product = market.listed()
    [version] = market.versions.of_product(product.id)
    return market, product, f"{version.id[-3:]}-RegionOne"


def left(market: MarketTables) -> list[ProductMember]:
    """What is to be done in this region."""
    return market.members.to_do(region="RegionOne")


def test_a_project_has_what_it_agreed_to_at_once_and_no_longer(make: Any, tables: Any) -> None:
    door, images, _jobs = make()
    market, product, image_id = listed(tables)
    given = market.subscribe(product, "buyer")
    door.settle("another", product.id)
    assert images.asked == []
    door.settle("buyer", product.id)
    path = f"/v2/images/{image_id}/members"
    assert images.asked == [("POST", path)]
    door.settle("buyer", product.id)
    market.entitlements.unsubscribe(given.id, "buyer")
    door.settle("buyer")
    assert images.asked == [("POST", path), ("DELETE", f"{path}/buyer")]
    assert left(market) == []


@pytest.mark.parametrize("status", [403, 404, 500])
def test_what_glance_refuses_is_left_to_workers(make: Any, tables: Any, status: int) -> None:
    door, images, _jobs = make()
    market, product, _image_id = listed(tables)
    market.subscribe(product, "buyer")
    images.status = status
    door.settle("buyer", product.id)
    assert len(left(market)) == 1


def test_what_is_there_already_is_done(make: Any, tables: Any) -> None:
    door, images, _jobs = make()
    market, product, _image_id = listed(tables)
    market.subscribe(product, "buyer")
    images.status = 409
    door.settle("buyer", product.id)
    assert left(market) == []
