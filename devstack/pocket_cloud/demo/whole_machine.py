# SPDX-License-Identifier: Apache-2.0
"""The life of a whole-machine image: captured of a running server, shared, booted, encrypted."""

import json
import re

from pocket_cloud import guest
from pocket_cloud.demo import claim
from pocket_cloud.demo.stage import Stage

_COMPUTE = ("--os-compute-api-version", "2.79")
_COUNTER = re.compile(r"IMS-GUEST-COUNTER vd[a-z] +(\d+)")
_DISKS = 2


def play(stage: Stage) -> None:
    """Play all of it."""
    server = f"{stage.name}-machine"
    whole = f"{stage.name}-whole"
    with stage.step("A server with two disks, which counts on both, one after the other"):
        _create_server(stage, server)
    with stage.step("An image of the whole machine, while it runs"):
        image = _capture(stage, server, whole)
    with stage.step("The server and its volumes are deleted"):
        stage.run("openstack", "server", "delete", "--wait", server)
    with stage.step("Shared with another tenant, who boots it"):
        _boot_elsewhere(stage, image)
    with stage.step("A copy of it, encrypted"):
        _encrypt(stage, image)
    with stage.step("Deleted, nothing of it is left"):
        stage.run("openstack", "ims", "image", "delete", image, f"{whole}-sealed")
        stage.check(not _hidden(stage), "the images of its disks are gone, too")


def _create_server(stage: Stage, server: str) -> None:
    """Both disks are volumes, and go with the server."""
    told = stage.files / "count.raw"
    # The second disk tells the guest to count (templates/guest-init): three times a second.
    told.write_bytes(b"IMS-COUNT".ljust(16, b"\0") + b"300000".ljust(1 << 20, b"\0"))
    system = _upload(stage, f"{stage.name}-system", str(guest.build(stage.cloud)))
    data = _upload(stage, f"{stage.name}-data", str(told))
    disks = (
        f"uuid={image},source_type=image,destination_type=volume,volume_size=1,"
        f"boot_index={index},delete_on_termination=true"
        for image, index in ((system, 0), (data, -1))
    )
    stage.run(
        *("openstack", *_COMPUTE, "server", "create", "--wait", "--flavor", "m1.nano"),
        *(word for disk in disks for word in ("--block-device", disk)),
        *("--no-network", "-f", "value", "-c", "status", server),
    )
    stage.wait_for("the guest to count", lambda: _console(stage, server, "IMS-GUEST-COUNTS"))


def _upload(stage: Stage, name: str, file: str) -> str:
    return stage.run(
        *("openstack", "image", "create", "--disk-format", "raw", "--container-format", "bare"),
        *("--file", file, "-f", "value", "-c", "id", name),
    )


def _console(stage: Stage, server: str, text: str, user: str = "demo") -> str:
    """What the console says, once it says *text*."""
    log = stage.console(server, user)
    return log if text in log else ""


def _capture(stage: Stage, server: str, name: str) -> str:
    create = ("openstack", "ims", "image", "create", "--server", server, "--whole", "--wait", name)
    shown = json.loads(stage.run(*create, "-f", "json", shown=False))
    stage.check(shown["captured"] == "paused", "its disks are of one instant")
    stage.say(f"     the server stood still for {shown['standstill_ms']} ms; the disks:")
    for disk in shown["disks"]:
        stage.say(f"     {disk}")
    stage.check(len(shown["disks"]) == _DISKS, f"it has {_DISKS} disks")
    stage.check(stage.status(server) == "ACTIVE", "the server goes on")
    return str(shown["id"])


def _boot_elsewhere(stage: Stage, image: str) -> None:
    receiver = stage.session("other").project_id
    waited = ("--wait", "-f", "value", "-c", "status")
    stage.run("openstack", "ims", "image", "share", image, "--project", receiver, *waited)
    stage.run("openstack", "ims", "image", "accept", image, *waited, user="other")
    server = f"{stage.name}-elsewhere"
    stage.run(
        *("openstack", *_COMPUTE, "server", "create", "--wait", "--flavor", "m1.nano"),
        *("--image", image, "--no-network", "-f", "value", "-c", "status", server),
        user="other",
    )
    log = stage.wait_for("it to boot", lambda: _console(stage, server, guest.LAST_LINE, "other"))
    check_counters(stage, log)
    stage.run("openstack", "server", "delete", "--wait", server, user="other")


def check_counters(stage: Stage, log: str) -> None:
    """Check what the guest had counted to: it counts on the first disk first."""
    counts = [int(found) for found in _COUNTER.findall(log)]
    told = " and ".join(map(str, counts))
    stage.check(
        len(counts) == _DISKS and 0 <= counts[0] - counts[1] <= 1,
        f"its disks had come to {told}: they are of one instant",
    )


def _encrypt(stage: Stage, image: str) -> None:
    name = f"{stage.name}-whole-sealed"
    copy = ("openstack", "ims", "image", "copy", image, "--name", name, "--key", "ims/default")
    shown = json.loads(stage.run(*copy, "--wait", "-f", "json", shown=False))
    stores = {_store(stage, disk["image_id"]) for disk in shown["disks"]}
    stage.check(stores == {"kms"}, "each of its disks is in the encrypting store")


def _store(stage: Stage, image: str) -> str:
    return str(stage.get("glance_one", f"/v2/images/{image}").get("stores", ""))


def _hidden(stage: Stage) -> list[str]:
    """Names of the tenant's hidden images that are disks of this demo's machines."""
    query = f"owner={stage.session().project_id}&os_hidden=true&sort=created_at:desc&limit=1000"
    images = stage.get("glance_one", f"/v2/images?{query}")["images"]
    return [image["name"] for image in images if claim.owner(image["name"]) == stage.name]
