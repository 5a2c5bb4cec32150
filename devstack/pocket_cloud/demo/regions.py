# SPDX-License-Identifier: Apache-2.0
"""An encrypted image of one region goes to the other, and its next version after it."""

import json
import os
import shutil
from pathlib import Path
from typing import Any

from pocket_cloud import guest
from pocket_cloud.demo import encrypted_image
from pocket_cloud.demo.stage import Stage

# Nova is in the first region alone.
_THERE = "demo-two"
_HERE = "RegionOne"
_CHANGED = 1 << 20


def play(stage: Stage) -> None:
    """Play all of it."""
    disk = guest.build(stage.cloud)
    name = f"{stage.name}-two"
    with stage.step("An encrypted image of RegionTwo goes to RegionOne, under a key there"):
        original = _create(stage, name, disk)
        copy = _copy(stage, name, f"{name}-here", original)
        shown = stage.get("glance_one", f"/v2/images/{copy}")
        stage.check(shown["stores"] == "kms", "here, too, it is in the encrypting store")
    with stage.step("An unmodified Nova boots a server from it"):
        encrypted_image.boot_guest(stage, copy)
    with stage.step("Of its next version only what is new goes over the link"):
        following = _create(stage, f"{name}-next", _next_version(stage, disk))
        _copy(stage, f"{name}-next", f"{name}-next-here", following, "--base", copy)
    with stage.step("What it would come to, and what is refused"):
        dry = ("openstack", "ims", "image", "copy", name, "--region", _HERE, "--dry-run")
        stage.run(*dry, user=_THERE)
        nowhere = (*dry[:-2], "Nowhere")
        stage.refuse(*nowhere, user=_THERE, because="IMG.0108")
        stage.refuse(*dry, user="other-two", because=f"'{name}'")


def _create(stage: Stage, name: str, disk: Path) -> str:
    return stage.run(
        *("openstack", "image", "create", "--property", "__system__cmkid=ims/default"),
        *("--disk-format", "raw", "--container-format", "bare", "--file", str(disk)),
        *("-f", "value", "-c", "id", name),
        user=_THERE,
    )


def _copy(stage: Stage, source: str, name: str, original: str, *options: str) -> str:
    """Copy an image to this region; the id of the copy, whose data is that of the original."""
    copy = ("openstack", "ims", "image", "copy", source, "--region", _HERE, "--name", name)
    told = stage.run(*copy, *options, "--wait", "-f", "json", user=_THERE, shown=False)
    job: dict[str, Any] = json.loads(told)
    stage.say(
        f"     {job['received']} bytes went over the link, {job['saved']} of {job['total']} did not have to"
    )
    digests = {
        stage.get(port, f"/v2/images/{image}")["os_hash_value"]
        for port, image in (("glance_two", original), ("glance_one", str(job["image_id"])))
    }
    stage.check(len(digests) == 1, f"its digest is {digests.pop()} in both regions")
    if options:
        stage.check(job["received"] < 2 * _CHANGED, "that is what was changed, and little more")
    return str(job["image_id"])


def _next_version(stage: Stage, disk: Path) -> Path:
    """The same disk, of whose end a MiB is other data."""
    changed = stage.files / "next.raw"
    shutil.copyfile(disk, changed)
    with changed.open("r+b") as file:
        file.seek(-_CHANGED, os.SEEK_END)
        file.write(os.urandom(_CHANGED))
    return changed
