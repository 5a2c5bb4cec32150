# SPDX-License-Identifier: Apache-2.0
"""A product of the marketplace, from its seller to a server of its buyer's, and off the market again."""

import json
import struct
import zlib
from typing import Any

from pocket_cloud import guest
from pocket_cloud.demo import claim, encrypted_image
from pocket_cloud.demo.stage import Stage

_SELLER, _BUYER, _REVIEWER = "demo", "other", "admin"
_AGREEMENT = "Use it as you like. It comes with no promise."
_LOGO_SIZE = 120  # pixels


def play(stage: Stage) -> None:
    """Play all of it."""
    name = claim.spelled(stage.name)
    with stage.step("A seller hands a product in: the service makes a copy of its own"):
        original = _hand_in(stage, name)
    with stage.step("A reviewer lists it; the seller deletes the image"):
        _review(stage, name)
        stage.run("openstack", "image", "delete", original)
    with stage.step("Another project agrees to its terms, and an unmodified Nova boots it"):
        image, product = _buy(stage, name)
        encrypted_image.boot_guest(stage, image, user=_BUYER)
    with stage.step("Its buyer cannot carry it away"):
        _refuse(stage, image)
    with stage.step("For how long a server ran it, as a bill is written from"):
        _meter(stage, name, product)
    with stage.step("The seller takes no new buyers, and then takes it from all"):
        _withdraw(stage, name, image)


def _hand_in(stage: Stage, name: str) -> str:
    """Submit a product; the id of the seller's image."""
    # Whoever sells needs the role.
    stage.run("openstack", "role", "create", "--or-show", "ims_seller", user=_REVIEWER, shown=False)
    given = ("--project", _SELLER, "--user", _SELLER, "ims_seller")
    stage.run("openstack", "role", "add", *given, user=_REVIEWER)
    disk = guest.build(stage.cloud)
    image = stage.run(
        *("openstack", "image", "create", "--disk-format", "raw", "--container-format", "bare"),
        *("--property", "__os_version=CentOS 7.3 64bit", "--file", str(disk)),
        *("-f", "value", "-c", "id", f"{stage.name}-sold"),
    )
    (stage.files / "logo.png").write_bytes(_logo())
    file = stage.files / "product.json"
    file.write_text(json.dumps(_product(name, image), indent=2))
    stage.run("openstack", "ims", "product", "create", "--from-file", str(file), "-c", "state")
    stage.run("openstack", "ims", "product", "submit", name, "-c", "state")
    return image


def _product(name: str, image: str) -> dict[str, Any]:
    return {
        "name": name,
        "version": {"name": "V1.0", "image_id": image},
        "basic": {
            "logo": "logo.png",
            "introduction": "A guest of the pocket cloud",
            "description": "It says on its console that it is there.",
            "category": "other",
            "usage_guide": {"text": "Boot it.", "ports": [], "login": {"method": "none"}},
            "support_scope": "none",
            "agreement": _AGREEMENT,
            "specifications": [{"sku": "small"}],
        },
        "business": {
            "regions": ["RegionOne"],
            "pricing": {"model": "free"},
            "support_terms": "none",
        },
    }


def _review(stage: Stage, name: str) -> None:
    def waiting() -> str:
        told = stage.run(
            *("openstack", "ims", "review", "list", "-f", "json"), user=_REVIEWER, shown=False
        )
        found = [row["ID"] for row in json.loads(told) if row["Product"] == name]
        return found[0] if found else ""

    version = stage.wait_for("the copy", waiting)
    seen = ("openstack", "ims", "market", "list", "--search", name, "-f", "value")
    stage.check(not stage.run(*seen, user=_BUYER), "until then no buyer sees it")
    show = ("openstack", "ims", "review", "show", version, "-c", "scan", "-f", "value")
    scan = stage.run(*show, user=_REVIEWER)
    unseen = ("--uninspected", "--reasons", "It is a guest of the pocket cloud")
    said = unseen if "not inspected" in scan else ()
    approve = ("openstack", "ims", "review", "approve", version, *said)
    stage.run(*approve, "-c", "product_state", user=_REVIEWER)
    stage.check(name in stage.run(*seen, user=_BUYER), "now it is on the market")


def _buy(stage: Stage, name: str) -> tuple[str, str]:
    """Subscribe; the ids of the image that there is then, and of the product."""
    show = ("openstack", "ims", "market", "show", name, "-f", "json")
    offered = json.loads(stage.run(*show, user=_BUYER, shown=False))
    stage.say(f"     the agreement: {_AGREEMENT}")
    wanted = ("--agreement", offered["agreement_digest"], "--sku", "small", "-f", "json")
    subscribe = ("openstack", "ims", "market", "subscribe", name, *wanted)
    bought = json.loads(stage.run(*subscribe, user=_BUYER, shown=False))
    (image,) = [each["image_id"] for each in bought["images"]]
    seen = stage.get("glance_one", f"/v2/images/{image}", user=_BUYER)
    stage.check(seen["status"] == "active", f"image {image} is the buyer's to boot")
    stage.check(bool(seen.get("__productcode")), f"its product code is {seen['__productcode']}")
    return str(image), str(bought["product"])


def _refuse(stage: Stage, image: str) -> None:
    url = stage.cloud.url("glance_one", f"/v2/images/{image}")
    stage.refuse_request(f"{url}/file", status=409, because="IMG.0079", user=_BUYER)
    share = ("-H", "Content-Type: application/json", "-d", json.dumps({"member": "0" * 32}))
    stage.refuse_request(f"{url}/members", *share, status=409, because="IMG.0024", user=_BUYER)
    stage.refuse_request(url, "-X", "DELETE", status=409, because="IMG.0024", user=_REVIEWER)


def _meter(stage: Stage, name: str, product: str) -> None:
    usage = ("ims-manage", "market", "usage", "--from", "1h", "--period", "all")

    def told() -> str:
        rows = stage.run(*usage, "--product", product, user="operator", shown=False)
        return "\n".join(line for line in rows.splitlines()[1:] if name in line)

    row = stage.wait_for("what Nova tells of the server", told)
    stage.say(f"     {row[:150]}")
    stage.check(float(row.rpartition(",")[2]) > 0, "it is known for how many seconds it ran")


def _withdraw(stage: Stage, name: str, image: str) -> None:
    product = ("openstack", "ims", "product")
    stage.run(*product, "restrict", name, "--why", "there will be a newer one", "-c", "state")
    listed = stage.run(
        *("openstack", "ims", "market", "list", "--search", name, "-f", "value"), user=_BUYER
    )
    stage.check(not listed, "nobody finds it any more")
    seen = stage.get("glance_one", f"/v2/images/{image}", user=_BUYER)
    stage.check(seen["id"] == image, "whoever has it keeps it")
    stage.run(*product, "withdraw", name, "--why", "it is over", "-c", "state")
    query = f"/v2/images?__imagetype=market&id=in:{image}"

    def gone() -> str:
        return "" if stage.get("glance_one", query, user=_BUYER)["images"] else "gone"

    stage.wait_for("its end", gone)
    stage.say("   ok: its buyer has it no more")


def _logo() -> bytes:
    """A picture of one colour, as PNG."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        check = zlib.crc32(kind + content)
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", check)

    head = struct.pack(">IIBBBBB", _LOGO_SIZE, _LOGO_SIZE, 8, 2, 0, 0, 0)
    line = b"\0" + b"\xc7\x00\x0b" * _LOGO_SIZE
    pixels = zlib.compress(line * _LOGO_SIZE)
    parts = chunk(b"IHDR", head) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + parts
