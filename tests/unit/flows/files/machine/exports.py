# SPDX-License-Identifier: Apache-2.0
"""Exports of whole machines with one object a disk, and imports of those, as tests ask for them."""

import json
from typing import Any

from ims_glance.clouds.objects.base import FoundFile
from ims_glance.model import job as model
from ims_glance.model.bucket import BucketFile
from ims_glance.model.job import StoredJob
from tests.base import pattern
from tests.unit.clouds.cloud_server import CloudServer
from tests.unit.clouds.objects_server import BUCKET
from tests.unit.flows.cloud_bench import CloudBench

MIB = 1 << 20
# One that no format but raw can say without rounding it up, and one that begins as another format does.
DISKS = (pattern(0, MIB + 512) + b"end", b"QFI\xfb" + bytes(2 * MIB), bytes(MIB))
SYSTEM = "CentOS 7.3 64bit"


def export(cloud: CloudBench, image: str, form: str = "qcow2", **more: Any) -> StoredJob:
    """The job that exports a machine."""
    arguments = {"image_id": image, "bucket": BUCKET, "object": "a/web.json", "format": "disks"}
    return cloud.run(model.EXPORT_IMAGE, **{**arguments, "disk_format": form, **more})


def told(server: CloudServer) -> dict[str, Any]:
    """What a job is told of the machine in the bucket."""

    def found(name: str) -> dict[str, Any]:
        data = server.objects[name]
        return FoundFile(BucketFile(BUCKET, name), len(data), server.etag(name)).to_arguments()

    text = server.objects["a/web.json"].decode()
    names = [f"a/{each['object']}" for each in json.loads(text)["disks"]]
    return {"file": found("a/web.json"), "manifest": text, "files": list(map(found, names))}


def start(cloud: CloudBench, machine: dict[str, Any], **more: Any) -> StoredJob:
    """The job that makes an image of a machine."""
    asked: dict[str, Any] = {"purpose": "FusionCompute", "name": "back", "min_disk": 20}
    return cloud.run(model.IMPORT_IMAGE, number=2, machine=machine, **asked, **more)
