# SPDX-License-Identifier: Apache-2.0
"""The IMS API as tenants see it: tags, lists, copies as jobs, sharing; and the audit trail."""

import hashlib
import os
from pathlib import Path

from pocket_cloud.demo.stage import Stage

_SIZE = 32 << 20


def play(stage: Stage) -> None:
    """Show it, each step with its time."""
    disk = stage.files / "data.raw"
    disk.write_bytes(os.urandom(_SIZE))
    name = f"{stage.name}-source"
    with stage.step("An image, and what the service says of it"):
        _create(stage, name, disk)
    with stage.step("A copy of it under the project's key, and one of that without: as jobs"):
        _copy(stage, name, disk)
    with stage.step("Shared with another tenant, who accepts it, and taken back"):
        _share(stage, name)
    with stage.step("Who did that: the audit trail"):
        told = stage.run("ims-manage", "audit", "--last", "6", user="operator")
        for action in ("addMember", "updateMember", "deleteMember"):
            stage.check(
                f"demo {action}" in told or f"other {action}" in told, f"{action} is on record"
            )


def _create(stage: Stage, name: str, disk: Path) -> None:
    stage.at_end("openstack", "image", "delete", name)
    stage.run(
        *("openstack", "image", "create", "--disk-format", "raw", "--container-format", "bare"),
        *("--property", "__os_version=CentOS 7.3 64bit", "--file", str(disk), name),
        *("-f", "value", "-c", "status"),
    )
    stage.run("openstack", "ims", "tag", "add", name, "env=demo")
    listed = stage.run("openstack", "ims", "image", "list", "--tag", "env=demo", "--name", name)
    stage.check("CentOS 7.3 64bit" in listed, "it is found by its tag, and its system is known")
    stage.run("openstack", "ims", "quota", "show")


def _copy(stage: Stage, name: str, disk: Path) -> None:
    target = stage.files / "copied"
    for source, copy, how in (
        (name, f"{name}-sealed", ("--key", "ims/default")),
        (f"{name}-sealed", f"{name}-opened", ("--decrypt",)),
    ):
        stage.at_end("openstack", "image", "delete", copy)
        stage.run(
            *("openstack", "ims", "image", "copy", source, "--name", copy, *how, "--wait"),
            *("-f", "value", "-c", "status", "-c", "key"),
        )
        stage.run("openstack", "image", "save", "--file", str(target), copy)
        sent, found = (hashlib.sha256(path.read_bytes()).hexdigest() for path in (disk, target))
        stage.check(sent == found, "downloaded, it is the same")
    stage.refuse(
        *("openstack", "ims", "image", "copy", f"{name}-sealed", "--key", "ims/default"),
        because="IMG.0096",
    )
    stage.run("openstack", "ims", "job", "list", "--limit", "2")


def _share(stage: Stage, name: str) -> None:
    receiver = stage.run(
        "openstack", "token", "issue", "-f", "value", "-c", "project_id", user="other"
    )
    image = stage.run("openstack", "image", "show", "-f", "value", "-c", "id", name)
    given = ("--project", receiver, "--wait", "-f", "value", "-c", "status")
    stage.run("openstack", "ims", "image", "share", image, *given)
    stage.run(
        "openstack", "ims", "image", "accept", image, "--wait", "-f", "value", "-c", "status",
        user="other",
    )  # fmt: skip
    seen = stage.run("openstack", "ims", "image", "list", "--type", "shared", user="other")
    stage.check(image in seen, "the other tenant has it in the list")
    stage.run("openstack", "ims", "image", "unshare", image, *given)
    stage.refuse("openstack", "image", "show", image, user="other", because="No Image found")
