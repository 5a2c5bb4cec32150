# SPDX-License-Identifier: Apache-2.0
"""What a new image says of the products in it."""

import types
import uuid
from typing import Any

import pytest

from ims_glance import exceptions
from ims_glance.api.market import product_code
from ims_glance.model.image import kinds, rules

BASE = "5b1a6f0e-93d2-4d0e-8b56-3f1f0c3d2a10"


class Records:
    """One image is known, and holds products, or none."""

    def __init__(self, held: str = "") -> None:
        self.held, self.asked = held, 0

    def product_code(self, image_id: str) -> str:
        if image_id != BASE:
            raise exceptions.ImageNotFound(image_id=image_id)
        return self.held

    def sold_among(self, image_ids: set[str]) -> str | None:
        self.asked += 1
        return BASE if self.held and BASE in image_ids else None


class Images:
    """The caller sees images with some codes."""

    def __init__(self, *codes: str) -> None:
        self.codes, self.asked = codes, 0

    def call(self, _context: Any, _method: str, _path: str, query: dict[str, str]) -> Any:
        self.asked += 1
        return {"images": [{}] if query["__productcode"] in self.codes else []}


def of_new(body: dict[str, Any], images: Any = None, held: str = "", *roles: str) -> str | None:
    context = types.SimpleNamespace(service_roles=list(roles))
    records: Any = Records(held)
    seen: Any = images or Images()
    found = product_code.of_new(seen, records, context, body)
    return found.get("__productcode")


@pytest.mark.parametrize(
    "said", [{}, {"base_image_ref": BASE}, {"__productcode": ""}, {"name": "n"}]
)
def test_what_holds_no_product_costs_no_list(said: dict[str, Any]) -> None:
    images = Images("p")
    assert of_new(said, images) is None
    assert images.asked == 0


@pytest.mark.parametrize(
    "base", [None, 5, "", "none", ["x"], "5b1a6f0e-93d2-4d0e-8b56-3f1f0c3d2a11"]
)
def test_what_is_no_image_has_no_product(base: Any) -> None:
    assert of_new({"base_image_ref": base}, held="p") is None


def test_a_service_of_the_cloud_is_believed() -> None:
    assert of_new({"__productcode": "p"}, None, "", "service") == "p"
    assert of_new({"base_image_ref": BASE}, None, "q", "service") == "q"
    assert of_new({"base_image_ref": BASE, "__productcode": "p"}, None, "q", "service") == "p,q"


def test_a_user_is_believed_as_far_as_they_use_it() -> None:
    said = {"__productcode": "p,r", "base_image_ref": BASE}
    assert of_new(said, Images("p", "q"), "q") == "p,q"
    assert of_new(said, Images(), "q") is None


class Servers:
    """One server is known, and runs a product."""

    def running(self, server_id: str) -> set[str]:
        return {"s"} if server_id == BASE else set()


def test_what_a_server_runs_is_known_whatever_its_user_says_of_it() -> None:
    """Nova lets users replace what it says of the image: both, and then its record is all that there is."""
    servers: Any = Servers()

    def made(context: Any, images: Any, **said: Any) -> Any:
        body = {"__productcode": "", "base_image_ref": "none", **said}
        return product_code.of_new(images, Records(), context, body, servers)  # type: ignore[arg-type]

    nova = types.SimpleNamespace(service_roles=["service"])
    user = types.SimpleNamespace(service_roles=[])
    assert made(nova, Images(), instance_uuid=BASE) == {"__productcode": "s"}
    assert made(nova, Images(), instance_uuid=BASE, __productcode="p") == {"__productcode": "p,s"}
    # Without service tokens it binds whoever can use it, and no other.
    assert made(user, Images("s"), instance_uuid=BASE) == {"__productcode": "s"}
    assert made(user, Images(), instance_uuid=BASE) == {}
    for other in (None, 5, "", "x", BASE[:-1] + "f"):
        assert made(nova, Images(), instance_uuid=other) == {}


@pytest.mark.parametrize("code", [5, "a b", "\n", "x" * 65, {"a": 1}, ",,", "-x"])
def test_what_is_no_code_is_none(code: Any) -> None:
    assert not {*kinds.product_codes({"__productcode": code})} - {"5"}


def test_no_more_codes_than_a_machine_has_disks() -> None:
    many = ",".join(f"{number:03}" for number in range(100))
    assert len(of_new({"__productcode": many}, None, "", "service") or "") == 30 * 4 - 1


@pytest.mark.parametrize(
    "url",
    [
        f"rbd://fsid/images/{BASE}/snap",
        f"rbd://fsid/images/{BASE.replace('-', '%2D').upper()}/snap",
        f"swift://store/glance/{BASE}-00001",
    ],
)
def test_nobody_points_at_the_data_of_a_product(url: str) -> None:
    """An image at that place would have the data, and no code."""
    user, nova = (types.SimpleNamespace(service_roles=roles) for roles in ([], ["service"]))
    sold: Any = Records("p1")
    with pytest.raises(rules.RuleRefused, match="product of the marketplace") as refused:
        product_code.check_places(sold, user, [url], "another")
    assert refused.value.code == "IMG.0079"
    product_code.check_places(sold, nova, [url], "another")
    product_code.check_places(sold, user, [url], BASE)
    free: Any = Records("")
    product_code.check_places(free, user, [url], "another")
    product_code.check_places(sold, user, ["http://elsewhere/image"], "another")
    product_code.check_places(sold, user, [url.lower().replace("5b1a", "0000")], "another")


def test_many_places_cost_one_look() -> None:
    user = types.SimpleNamespace(service_roles=[])
    sold: Any = Records("p1")
    ids = [str(uuid.UUID(int=number)) for number in range(1, 18)]
    urls = [f"rbd://fsid/images/{image_id}/snap" for image_id in ids]
    product_code.check_places(sold, user, urls, ids[0])
    assert sold.asked == 1
    with pytest.raises(product_code.PlacesNameMany, match="more than 16"):
        product_code.check_places(sold, user, urls)
    product_code.check_places(sold, user, ["http://elsewhere/image"])
    assert sold.asked == 1
