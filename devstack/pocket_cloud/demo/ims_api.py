# SPDX-License-Identifier: Apache-2.0
"""The IMS API as tenants see it: tags, lists, copies as jobs, sharing; and the audit trail."""

import hashlib
import json
import os
from pathlib import Path

from pocket_cloud.demo.stage import Stage

_SIZE = 32 << 20
_TRAIL_SHOWN = 6


def play(stage: Stage) -> None:
    """Show it, each step with its time."""
    disk = stage.files / "data.raw"
    disk.write_bytes(os.urandom(_SIZE))
    name = f"{stage.name}-source"
    with stage.step("An image, and what the service says of it"):
        image = _create(stage, name, disk)
    with stage.step("A copy of it under the project's key, and one of that without: as jobs"):
        _copy(stage, name, disk)
    with stage.step("Shared with another tenant, who accepts it, and taken back"):
        _share(stage, image)
    with stage.step("Who did that: the audit trail"):
        _audit(stage, image)


def _create(stage: Stage, name: str, disk: Path) -> str:
    image = stage.run(
        *("openstack", "image", "create", "--disk-format", "raw", "--container-format", "bare"),
        *("--property", "__os_version=CentOS 7.3 64bit", "--file", str(disk), name),
        *("-f", "value", "-c", "id"),
    )
    stage.run("openstack", "ims", "tag", "add", name, "env=demo")
    listed = stage.run("openstack", "ims", "image", "list", "--tag", "env=demo", "--name", name)
    stage.check("CentOS 7.3 64bit" in listed, "it is found by its tag, and its system is known")
    stage.run("openstack", "ims", "quota", "show")
    return image


def _copy(stage: Stage, name: str, disk: Path) -> None:
    target = stage.files / "copied"
    for source, copy, how in (
        (name, f"{name}-sealed", ("--key", "ims/default")),
        (f"{name}-sealed", f"{name}-opened", ("--decrypt",)),
    ):
        stage.run(
            *("openstack", "ims", "image", "copy", source, "--name", copy, *how, "--wait"),
            *("-f", "value", "-c", "status", "-c", "key"),
        )
        stage.run("openstack", "image", "save", "--file", str(target), copy)
        sent, found = (hashlib.sha256(path.read_bytes()).hexdigest() for path in (disk, target))
        stage.check(sent == found, "downloaded, it is the same")
    stage.refuse(
        *("openstack", "ims", "image", "copy", f"{name}-sealed", "--key", "ims/default"),
        status=400,
        because="IMG.0096",
    )
    stage.run("openstack", "ims", "job", "list", "--limit", "2")


def _share(stage: Stage, image: str) -> None:
    receiver = stage.session("other").project_id
    stage.say(f"   (the project of tenant other is {receiver})")
    given = ("--project", receiver, "--wait", "-f", "value", "-c", "status")
    stage.run("openstack", "ims", "image", "share", image, *given)
    stage.run(
        "openstack", "ims", "image", "accept", image, "--wait", "-f", "value", "-c", "status",
        user="other",
    )  # fmt: skip
    seen = stage.run("openstack", "ims", "image", "list", "--type", "shared", user="other")
    stage.check(image in seen, "the other tenant has it in the list")
    stage.run("openstack", "ims", "image", "unshare", image, *given)
    unseen = f"No Image found for {image}"
    stage.refuse("openstack", "image", "show", image, user="other", because=unseen)
    body = ("-H", "Content-Type: application/json", "-d", json.dumps({"name": "stolen"}))
    url = stage.cloud.url("glance_one", f"/v1/cloudimages/{image}/copy")
    stage.refuse_request(url, *body, status=404, because="IMG.0027", user="other")


def _audit(stage: Stage, image: str) -> None:
    """The trail of the sharing."""
    told = stage.run("ims-manage", "audit", "--image", image, user="operator", shown=False)
    own = told.splitlines()
    for line in own[-_TRAIL_SHOWN:]:
        stage.say(f"     {line[:150]}")
    for action in ("addMember", "updateMember", "deleteMember"):
        stage.check(any(f" {action} " in line for line in own), f"{action} is on record")
