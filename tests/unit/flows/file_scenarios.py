# SPDX-License-Identifier: Apache-2.0
"""What scenarios have to do with files in buckets."""

import functools
import hashlib
import random
from collections.abc import Callable, Mapping
from typing import Any

from ims_glance.clouds.objects.base import FoundFile
from ims_glance.model.bucket import BucketFile
from ims_glance.model.image import attributes, whole_image
from ims_glance.model.image.from_file import Purpose
from ims_glance.model.image.whole_image import Component
from ims_glance.model.job import DISK_IMAGES, StoredJob
from ims_glance.model.machine import manifest
from ims_glance.model.machine.manifest import MachineManifest, ManifestDisk
from ims_glance.model.server import Disk
from tests.base import pattern
from tests.unit.clouds.objects_server import BUCKET
from tests.unit.crypto import sealed_files
from tests.unit.flows import guest_scenarios, small_guests
from tests.unit.flows.direct_cloud import DirectCloud
from tests.unit.flows.small_world import EXPORTED_PART, S3_SECRET
from tests.unit.formats import archives, files

KEY = "6f0a2b5c-0000-4000-8000-000000000000"


@functools.cache
def _sealed(data: bytes) -> bytes:
    """The same each time, sealed with :data:`KEY` as the small key manager has it."""
    return sealed_files.make(data, {KEY: hashlib.sha256(KEY.encode()).digest()})


def file(purpose: Purpose, data: bytes, **more: Any) -> Callable[[DirectCloud], dict[str, Any]]:
    """A file in a bucket."""

    def prepare(cloud: DirectCloud) -> dict[str, Any]:
        cloud.objects["disk"] = data
        file = BucketFile(BUCKET, "disk")
        found = FoundFile(file, len(data), hashlib.md5(data).hexdigest())
        return {
            "file": found.to_arguments(),
            "purpose": str(purpose),
            "name": "of file",
            "min_disk": 1,
            "os_version": "CentOS 7.3 64bit",
            "tags": ["a=b"],
            "cmk_id": KEY,
            **more,
        }

    return prepare


def is_of_file(cloud: DirectCloud, job: StoredJob) -> Mapping[str, set[str]]:
    """With its data, and all that was asked for."""
    image_id, data = str(job.image_id), cloud.objects["disk"]
    image = cloud.images[image_id]
    if job.arguments.get("is_config"):
        data = small_guests.MARK + data[len(small_guests.MARK) :]
    assert cloud.data[image_id] == data
    assert (image["name"], image["tags"], image["min_disk"]) == ("of file", ["a=b"], 1)
    assert (image["disk_format"], image["__image_size"]) == ("raw", str(len(data)))
    assert image[attributes.DATA_ORIGIN] == "file,bucket:disk"
    assert (image[attributes.CMK_ID], image["virtual_env_type"]) == (KEY, job.arguments["purpose"])
    made = {"image": {image_id}, "store file": {image_id}}
    if job.arguments["purpose"] != Purpose.SERVER:
        return made
    assert image[attributes.OS_VERSION] == small_guests.FOUND
    guest_scenarios.is_reported(cloud, job, image_id)
    return {**made, "report": {image_id}}


def file_to_check(cloud: DirectCloud) -> dict[str, Any]:
    """Of which nothing is made."""
    return {"file": file(Purpose.SERVER, pattern(0, 3000))(cloud)["file"]}


def with_data_files(cloud: DirectCloud) -> dict[str, Any]:
    """Files of two data disks beside that of a system disk."""
    told = file(Purpose.SERVER, pattern(0, 3000))(cloud)
    data_files = []
    for number, data in enumerate(_DISKS, 1):
        name = f"data{number}"
        cloud.objects[name] = data
        found = FoundFile(BucketFile(BUCKET, name), len(data), cloud.etag(name))
        wish = {"name": f"data {number}", "min_disk": 1, "description": "said", "tags": ["c=d"]}
        data_files.append({"number": number, "file": found.to_arguments(), **wish})
    named = ["of file", *(each["name"] for each in data_files)]
    wishes = [{"disk": {"number": number}, "name": name} for number, name in enumerate(named)]
    return {**told, "data_files": data_files, "wishes": wishes}


def are_of_files(cloud: DirectCloud, job: StoredJob) -> Mapping[str, set[str]]:
    """Of each file an image that everybody is shown."""
    of_system = is_of_file(cloud, job)
    ids = job.entities[DISK_IMAGES]
    assert ids["0"] == job.image_id
    for number, data in enumerate(_DISKS, 1):
        image = cloud.images[ids[str(number)]]
        assert cloud.data[image["id"]] == data
        assert (image["name"], image["os_hidden"]) == (f"data {number}", False)
        assert (image["tags"], image["__image_size"]) == (["c=d"], str(len(data)))
        assert (image["virtual_env_type"], image[attributes.CMK_ID]) == ("DataImage", KEY)
    assert job.places == set(ids.values())
    return {**of_system, "image": set(ids.values()), "store file": set(ids.values())}


def queued(cloud: DirectCloud) -> dict[str, Any]:
    """An image without data, and a file for it."""
    body: dict[str, Any] = {"disk_format": "zvhd2", "min_disk": 40, "__os_version": "Other"}
    told = file(Purpose.SERVER, pattern(0, 3000))(cloud)
    return {"file": told["file"], "image_id": cloud.make(name="mine", **body)}


def is_filled(cloud: DirectCloud, job: StoredJob) -> Mapping[str, set[str]]:
    """With what is in the file, and otherwise as it was."""
    image_id = job.arguments["image_id"]
    image = cloud.images[image_id]
    assert cloud.data[image_id] == cloud.objects["disk"]
    assert (image["name"], image["disk_format"], image["min_disk"]) == ("mine", "raw", 40)
    assert (image["status"], image["__image_size"]) == ("active", "3000")
    assert image[attributes.DATA_ORIGIN] == "file,bucket:disk"
    return {"image": {image_id}, "store file": {image_id}}


_DISKS = (pattern(0, 3072), bytes(1024) + pattern(1, 512))


def machine_file(cloud: DirectCloud) -> dict[str, Any]:
    """An archive with two disks in a bucket."""
    told = (f'ovf:capacity="{len(_DISKS[0])}"', 'ims:volumeType="fast" ovf:capacity="2147483648"')
    disks = {"a.raw": _DISKS[1], "b.raw": _DISKS[0]}
    packed = archives.ova(disks, order=(1, 0), told=tuple(reversed(told)))
    return file(Purpose.SERVER, packed)(cloud)


def is_of_machine(cloud: DirectCloud, job: StoredJob) -> Mapping[str, set[str]]:
    """Its disks, in their order; that it is a whole machine is seen elsewhere."""
    image = cloud.images[str(job.image_id)]
    assert (image["name"], image["tags"], image["min_disk"]) == ("of file", ["a=b"], 1)
    assert image["__image_size"] == str(sum(map(len, _DISKS)))
    parts = whole_image.components(image)
    system, *others = _DISKS
    if job.arguments.get("is_config"):
        system = small_guests.MARK + system[len(small_guests.MARK) :]
    assert [cloud.data[part.image_id] for part in parts] == [system, *others]
    # Where Cinder does not tell its types, the disk has none.
    assert [part.disk.size for part in parts] == [1, 2]
    assert job.entities["disks"] == 2
    assert image[attributes.OS_VERSION] == small_guests.FOUND
    guest_scenarios.is_reported(cloud, job, str(job.image_id))
    return {"report": {str(job.image_id)}}


def to_export(cloud: DirectCloud) -> dict[str, Any]:
    """An image with a hole."""
    body = {"disk_format": "raw", "container_format": "bare"}
    data = pattern(0, 3072) + bytes(137 * 512)
    return {
        "image_id": cloud.make(data, **body),
        "bucket": BUCKET,
        "object": "out",
        "format": "qcow2",
    }


def to_export_in_parts(cloud: DirectCloud) -> dict[str, Any]:
    """One of several parts."""
    body = {"disk_format": "raw", "container_format": "bare"}
    data = pattern(0, 3 * EXPORTED_PART + 512)
    arguments = {"bucket": BUCKET, "object": "out", "format": "raw"}
    return {"image_id": cloud.make(data, **body), **arguments}


def to_export_to_s3(cloud: DirectCloud) -> dict[str, Any]:
    """The same, by an access key."""
    cloud.s3_secret = S3_SECRET
    # Somebody writes such a file by themselves.
    cloud.uploads["theirs"] = {"key": "out", "owner": None, "parts": {}}
    return {**to_export_in_parts(cloud), "access_key": "a" * 32}


def is_exported_to_s3(cloud: DirectCloud, job: StoredJob) -> Mapping[str, set[str]]:
    """And what somebody else writes is left alone."""
    assert files.opened(cloud.objects["out"]) == cloud.data[job.arguments["image_id"]]
    return {"file": {"out"}}


def to_export_sealed(cloud: DirectCloud) -> dict[str, Any]:
    """An encrypted image, as it lies in its store."""
    told = {**to_export_in_parts(cloud), "format": "sealed"}
    cloud.sealed[told["image_id"]] = _sealed(pattern(0, 3 * EXPORTED_PART))
    return told


def is_exported_sealed(cloud: DirectCloud, job: StoredJob) -> Mapping[str, set[str]]:
    """Byte by byte."""
    assert cloud.objects["out"] == cloud.sealed[job.arguments["image_id"]]
    assert cloud.segments is not None
    parts = {each for each in cloud.segments if each.startswith(f"out/{job.id}/")}
    assert len(parts) == 4
    return {"file": {"out"}, "segment": parts}


def sealed_file(cloud: DirectCloud) -> dict[str, Any]:
    """Such a file in a bucket."""
    cloud.objects["disk"] = _sealed(pattern(0, 3000))
    told = file(Purpose.DATA, cloud.objects["disk"])(cloud)
    return {**told, "file": {**told["file"], "unseal_key": KEY}}


def is_of_sealed_file(cloud: DirectCloud, job: StoredJob) -> Mapping[str, set[str]]:
    """With what was sealed."""
    image_id = str(job.image_id)
    assert cloud.data[image_id] == pattern(0, 3000)
    assert cloud.images[image_id][attributes.CMK_ID] == KEY
    return {"image": {image_id}, "store file": {image_id}}


def machine_to_export(cloud: DirectCloud, grains: int = 2) -> dict[str, Any]:
    """A whole machine of two disks, the second of several parts.

    :param grains: of that, each of which is a part: what cannot be compressed is as long
    """
    noise = random.Random(1).randbytes(6 * EXPORTED_PART)
    disks = [pattern(0, 3072), noise.ljust(1 << 16, b"\0") * grains + noise[:512] + bytes(2048)]
    body = {"disk_format": "raw", "container_format": "bare"}
    # They are in the files.
    ids = [
        cloud.make(data, id=f"d{number}000000-0000-4000-8000-000000000000", os_hidden=True, **body)
        for number, data in enumerate(disks)
    ]
    sizes = [Disk(0, None, 1, "fast", False), Disk(1, None, 2)]
    mapping = whole_image.properties(list(map(Component, sizes, ids)))
    more = {"hw_disk_bus": "scsi", "min_ram": 512, "min_disk": 1, "name": "web & co"}
    whole = cloud.make(b"", **body, **more, **mapping)
    for each in ids:
        cloud.images[each][attributes.COMPONENT_OF] = whole
    return {"image_id": whole, "bucket": BUCKET, "object": "out", "format": "ova"}


def machine_to_export_to_s3(cloud: DirectCloud) -> dict[str, Any]:
    """One of small disks, by an access key."""
    cloud.s3_secret = S3_SECRET
    return {**machine_to_export(cloud, 0), "access_key": "a" * 32}


def is_exported_machine(cloud: DirectCloud, job: StoredJob) -> Mapping[str, set[str]]:
    """And read back, by what imports it."""
    view = cloud.images[job.arguments["image_id"]]
    wanted = [cloud.data[part.image_id] for part in whole_image.components(view)]
    assert files.opened_disks(cloud.objects["out"]) == wanted
    assert (job.done_bytes, job.entities["disks"]) == (sum(map(len, wanted)), len(wanted))
    if job.arguments.get("access_key"):
        return {"file": {"out"}}
    assert cloud.segments is not None
    parts = {each for each in cloud.segments if each.startswith(f"out/{job.id}/")}
    assert len(parts) == 5
    return {"file": {"out"}, "segment": parts}


_SMALL = (pattern(0, 2 * EXPORTED_PART + 512), pattern(1, 512))


def machine_to_export_as_disks(cloud: DirectCloud) -> dict[str, Any]:
    """A whole machine of two small disks, each of which becomes an object."""
    told = machine_to_export(cloud)
    for part, data in zip(
        whole_image.components(cloud.images[told["image_id"]]), _SMALL, strict=True
    ):
        cloud.fill(part.image_id, data)
    return {**told, "object": "web.json", "format": "disks", "disk_format": "raw"}


def are_exported_disks(cloud: DirectCloud, job: StoredJob) -> Mapping[str, set[str]]:
    """And the manifest that names them."""
    names = {"web-disk1.raw": _SMALL[0], "web-disk2.raw": _SMALL[1]}
    assert {each: cloud.objects[each] for each in names} == names
    known = manifest.decoded(cloud.objects["web.json"], BucketFile(BUCKET, "web.json"))
    assert [each["object"] for each in known["disks"]] == list(names)
    assert (job.done_bytes, job.entities["disks"]) == (sum(map(len, _SMALL)), 2)
    assert cloud.segments is not None
    parts = {each for each in cloud.segments if f"/{job.id}/" in each}
    assert len(parts) == 5
    return {"file": {*names, "web.json"}, "segment": parts}


def machine_of_disks(cloud: DirectCloud) -> dict[str, Any]:
    """A manifest in a bucket, and two disks beside it."""
    written = []
    for number, data in enumerate(_DISKS, 1):
        cloud.objects[f"web-disk{number}.raw"] = data
        digest = ("sha256", hashlib.sha256(data).hexdigest())
        name = f"web-disk{number}.raw"
        written.append(ManifestDisk(name, "raw", len(data), len(data), number, digest=digest))
    cloud.objects["web.json"] = MachineManifest("web", "", tuple(written), {}).to_bytes()

    def found(name: str) -> dict[str, Any]:
        return FoundFile(
            BucketFile(BUCKET, name), len(cloud.objects[name]), cloud.etag(name)
        ).to_arguments()

    told = file(Purpose.SERVER, b"unused")(cloud)
    del told["file"], cloud.objects["disk"]
    text, names = cloud.objects["web.json"].decode(), [each.object for each in written]
    machine = {"file": found("web.json"), "manifest": text, "files": list(map(found, names))}
    return {**told, "machine": machine}


def is_exported(cloud: DirectCloud, job: StoredJob) -> Mapping[str, set[str]]:
    """And read back."""
    assert files.opened(cloud.objects["out"]) == cloud.data[job.arguments["image_id"]]
    assert cloud.segments is not None
    parts = {each for each in cloud.segments if each.startswith(f"out/{job.id}/")}
    assert len(parts) == (4 if job.arguments["format"] == "raw" else 3)
    return {"file": {"out"}, "segment": parts}
