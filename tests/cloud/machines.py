# SPDX-License-Identifier: Apache-2.0
"""Servers with several disks on which a guest counts, and what was captured of them."""

import contextlib
import json
import re
import secrets
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from openstack import exceptions
from pocket_cloud import guest as guest_disk
from pocket_cloud.cloud import Cloud

from tests.cloud import flow_jobs, servers

GIB = 1 << 30
_FLAVOR = "m1.nano"
# Behind the guest's own data, and not where it counts; MiB.
_BALLAST_AT, _COUNTS_AT = 100, 512
# A count is written as a piece of so many bytes.
_COUNT = 4096
QUICK, SLOW = 150_000, 2_000_000
"""Microseconds between two rounds of counting. A quick guest keeps a processor busy."""
# Cinder says that a volume is available a moment before it says that its targets are not shared
# (cinder/volume/manager.py, create_volume); on a busy machine Nova asks in between, and gives up.
_RACE = "'NoneType' object has no attribute 'replace'"
_COUNTER = re.compile(r"IMS-GUEST-COUNTER (vd[a-z]) +(\d+)")


@contextlib.contextmanager
def guest(
    connection: Any, ballast: int = 0, agent: bool = False, **properties: Any
) -> Iterator[str]:
    """The guest's image; its id.

    :param ballast: MiB of random data on its disk, which take Nova a while to read
    :param agent: whether there is a guest agent in it
    :param properties: of the image
    """
    disk = guest_disk.build(Cloud.from_environment(), agent)
    with tempfile.NamedTemporaryFile(dir=disk.parent) as file:
        shutil.copyfile(disk, file.name)
        for at in range(_BALLAST_AT, _BALLAST_AT + ballast):
            file.seek(at << 20)
            file.write(secrets.token_bytes(1 << 20) if at != _COUNTS_AT else bytes(1 << 20))
        file.flush()
        with Path(file.name).open("rb") as data:
            image_id = flow_jobs.upload(connection, data, name="guest", **properties)
    try:
        yield image_id
    finally:
        connection.image.delete(f"/images/{image_id}")


@contextlib.contextmanager
def local_root(connection: Any, image_id: str, disks: int = 2) -> Iterator[Any]:
    """A server with its root disk on its host and data volumes, on all of which it counts."""
    with contextlib.ExitStack() as stack:
        volumes = [stack.enter_context(_volume(connection, at, SLOW)) for at in range(disks)]
        mapping = [
            {
                "boot_index": 0,
                "uuid": image_id,
                "source_type": "image",
                "destination_type": "local",
                "delete_on_termination": True,
            },
            *(_attached(volume) for volume in volumes),
        ]
        server = stack.enter_context(booted(connection, mapping, image_id=image_id))
        _await_counting(connection, server)
        yield server


@contextlib.contextmanager
def volume_root(
    connection: Any,
    image_id: str,
    disks: int = 2,
    size: int = 1,
    pause: int = SLOW,
    data_type: str | None = None,
) -> Iterator[Any]:
    """A server with volumes only, on all of which it counts.

    :param data_type: volume type of the data volumes
    """
    with contextlib.ExitStack() as stack:
        volumes = [
            stack.enter_context(_volume(connection, at, pause, size, data_type))
            for at in range(disks)
        ]
        root = {
            "boot_index": 0,
            "uuid": image_id,
            "source_type": "image",
            "destination_type": "volume",
            "volume_size": size,
            "delete_on_termination": True,
        }
        mapping = [root, *(_attached(volume) for volume in volumes)]
        server = stack.enter_context(booted(connection, mapping))
        _await_counting(connection, server)
        yield server


@contextlib.contextmanager
def booted(connection: Any, mapping: Any = None, **body: Any) -> Iterator[Any]:
    """A running server without a network."""
    flavor = connection.compute.find_flavor(_FLAVOR)
    if mapping is not None:
        body["block_device_mapping"] = mapping
    body |= {"name": "machine", "flavor_id": flavor.id, "networks": "none"}
    made = connection.compute.create_server(**body)
    try:
        fault = _fault(connection, made)
        if fault and _RACE in fault:
            connection.compute.delete_server(made)
            connection.compute.wait_for_delete(made, wait=240)
            made = connection.compute.create_server(**body)
            fault = _fault(connection, made)
        assert not fault, f"the server did not start: {fault}"
        yield connection.compute.get_server(made)
    finally:
        path = f"/servers/{made.id}/os-volume_attachments"
        attached = connection.compute.get(path).json()["volumeAttachments"]
        connection.compute.delete_server(made)
        connection.compute.wait_for_delete(made, wait=240)
        if mapping is None:
            # Those that Nova made of the image, and leaves as the source's were to be left.
            _delete_volumes(connection, [each["volumeId"] for each in attached])


def _fault(connection: Any, made: Any) -> str | None:
    """Why a server does not run; ``None`` once it does."""
    try:
        connection.compute.wait_for_server(made, wait=300)
    except exceptions.ResourceFailure:
        return str(connection.compute.get_server(made).fault)
    return None


def _delete_volumes(connection: Any, ids: list[str]) -> None:
    """Delete volumes, of which Nova may be deleting some itself."""
    storage = connection.block_storage

    def are_gone() -> bool:
        there = list(filter(None, map(storage.find_volume, ids)))
        for volume in there:
            if volume.status == "available":
                storage.delete_volume(volume)
        return not there

    servers.wait_until(are_gone)


def counters(connection: Any, server: Any) -> list[int]:
    """What the disks of a server had counted to when it was started, in their order."""
    servers.wait_for_boot(connection, server)
    found = dict(_COUNTER.findall(servers.console(connection, server)))
    return [int(found[name]) for name in sorted(found)]


def counters_in(connection: Any, image_id: str) -> list[int]:
    """What the disks of a whole-machine image had counted to, read from the images' data.

    As :func:`counters` of a server that was booted of it, for those who know that it boots.
    """
    mapping = json.loads(flow_jobs.view(connection, image_id)["block_device_mapping"])
    return [_counter_in(connection, each["image_id"]) for each in mapping]


def _counter_in(connection: Any, image_id: str) -> int:
    path, first = f"/images/{image_id}/file", _COUNTS_AT << 20
    if flow_jobs.view(connection, image_id)["disk_format"] == "raw":
        part = {"Range": f"bytes={first}-{first + _COUNT - 1}"}
        found = connection.image.get(path, headers=part)
        assert found.status_code == 206, found.status_code
        return int(found.content)
    # What Nova makes of a root disk on its host.
    with tempfile.TemporaryDirectory() as folder:
        disk, raw = Path(folder, "disk.qcow2"), Path(folder, "disk.raw")
        with connection.image.get(path, stream=True) as answer, disk.open("wb") as file:
            for piece in answer.iter_content(1 << 20):
                file.write(piece)
        command = ["qemu-img", "convert", "-f", "qcow2", "-O", "raw", str(disk), str(raw)]
        subprocess.run(command, check=True, capture_output=True)
        with raw.open("rb") as file:
            file.seek(first)
            return int(file.read(_COUNT))


def are_of_one_instant(counts: list[int]) -> bool:
    """Whether the guest, which counts on one disk after the other, can have stood there."""
    return counts == sorted(counts, reverse=True) and counts[0] - counts[-1] <= 1


def _await_counting(connection: Any, server: Any) -> None:
    servers.wait_for_line(connection, server, "IMS-GUEST-COUNTS")
    # Well under way.
    time.sleep(3)


@contextlib.contextmanager
def _volume(
    connection: Any, number: int, pause: int, size: int = 1, volume_type: str | None = None
) -> Iterator[str]:
    storage = connection.block_storage
    data = {}
    if number == 0:
        # What makes the guest count (devstack/pocket_cloud/templates/guest-init).
        told = b"IMS-COUNT".ljust(16, b"\0") + str(pause).encode().ljust(16, b"\0")
        data["image_id"] = flow_jobs.upload(connection, told.ljust(GIB >> 10, b"\0"))
    volume = storage.create_volume(
        size=size, name=f"data-{number}", volume_type=volume_type, **data
    )
    storage.wait_for_status(volume, wait=240)
    for image_id in data.values():
        connection.image.delete(f"/images/{image_id}")
    try:
        yield volume.id
    finally:
        storage.wait_for_status(storage.get_volume(volume.id), wait=240)
        storage.delete_volume(volume.id)
        storage.wait_for_delete(volume, wait=240)


def _attached(volume_id: str) -> dict[str, Any]:
    return {
        "boot_index": -1,
        "uuid": volume_id,
        "source_type": "volume",
        "destination_type": "volume",
        "delete_on_termination": False,
    }
