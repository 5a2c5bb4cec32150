# SPDX-License-Identifier: Apache-2.0
"""Whole-machine images by the pocket cloud's workers, against the same by hand, disk by disk.

The servers of a tenant of its own run the small guest, which has nothing to do; their disks hold
random data.
"""

import contextlib
import json
import statistics
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from oslo_utils import units

from ims_glance import client
from ims_glance.model import job as model
from tests.benchmarks import copying, over_http
from tests.benchmarks.harness import Figure, in_turns, median_ratio, note, seconds
from tests.cloud import captures, flow_jobs, jobs, login, machines, pocket, tenants

DISKS = 4
_BIG = 10
# MiB of random data on the guest's own disk of 1 GiB.
_FULL = 900
_TURNS = 3
_PATIENCE = 900.0


def whole() -> Figure:
    """Seconds of a whole-machine image of 4 x 1 GiB of random data, ÷ the same by hand."""
    with _server(is_random=True) as (tenant, server):

        def by_hand(_turn: int) -> float:
            made: list[str] = []
            took = seconds(lambda: made.extend(_by_hand(tenant, server)))
            for image_id in made:
                tenant.image.delete(f"/images/{image_id}")
            return took

        def by_job(_turn: int) -> float:
            made: list[Any] = []
            took = seconds(lambda: made.append(_captured(tenant, server)))
            tenant.ims.delete_image(made[0].id)
            return took

        hand, job = in_turns(by_hand, by_job, _TURNS)
    return Figure(
        f"whole-machine image of {DISKS} disks of 1 GiB of random data ÷ by hand, one after the "
        "other, seconds",
        "≤ 0.6",
        f"{median_ratio(job, hand):.2f} ({statistics.median(job):.0f} ÷ "
        f"{statistics.median(hand):.0f} s)",
    )


def standstill() -> Figure:
    """Milliseconds that a server with 4 volumes stands still, of 1 GiB and of 10 GiB each."""
    found = []
    bench = jobs.Bench()
    for size in (1, _BIG):
        with _server(size) as (tenant, server):
            found.append(
                statistics.median(_stillness(bench, tenant, server) for _ in range(_TURNS))
            )
            note(f"  {size} GiB: {found[-1]:.0f} ms")
    small, big = found
    return Figure(
        f"time that a server with {DISKS} volumes stands still, 1 GiB and {_BIG} GiB each, s",
        "≤ 1.5",
        f"{small / 1000:.2f} and {big / 1000:.2f}",
    )


def standstill_local() -> Figure:
    """Seconds that a server with 1 GiB on its host and 3 volumes stands still.

    Against Nova's image of the root disk alone, of the same server, standing still as well.
    """
    bench = jobs.Bench()
    with (
        tenants.tenant() as tenant,
        machines.guest(client.register(tenant), _FULL) as image_id,
        machines.local_root(tenant, image_id, disks=DISKS - 1) as server,
    ):

        def alone(_turn: int) -> float:
            return _root_alone(tenant, server)

        def ours(_turn: int) -> float:
            return _stillness(bench, tenant, server) / 1000

        root, still = in_turns(alone, ours, _TURNS)
    above = statistics.median(b - a for a, b in zip(root, still, strict=True))
    return Figure(
        f"time that a server with 1 GiB on its host and {DISKS - 1} volumes stands still, s above "
        "Nova's image of its root disk",
        "≤ 1.5",
        f"{above:.2f} ({statistics.median(still):.2f} against {statistics.median(root):.2f} s)",
    )


def capture_memory() -> Figure:
    """MiB that the workers grow at most while one captures 4 disks of 1 GiB of random data."""
    with _server(is_random=True) as (tenant, server):
        tenant.ims.delete_image(_captured(tenant, server).id)
        workers = [pocket.process(name) for name in copying.WORKERS]
        before = {each: over_http.memory_of(each, "VmRSS") for each in workers}
        for each in workers:
            over_http.reset_peak(each)
        tenant.ims.delete_image(_captured(tenant, server).id)
        grown = [over_http.memory_of(each, "VmHWM") - rss for each, rss in before.items()]
    return Figure(
        f"extra memory of one capture of {DISKS} disks (peak of the workers), MiB a disk",
        "≤ 32",
        f"{max(grown) / DISKS:.1f}",
    )


@contextlib.contextmanager
def captured() -> Iterator[tuple[str, str]]:
    """Of tenant demo: a whole-machine image of disks with random data, and one as large as a disk."""
    demo = login.connect("demo")
    client.register(demo)
    with _server(is_random=True, tenant=demo) as (_demo, server), contextlib.ExitStack() as stack:
        machine = _captured(demo, server).id
        stack.callback(demo.ims.delete_image, machine)
        with over_http.random_file(units.Gi) as file:
            disk = flow_jobs.upload(demo, file)
        stack.callback(demo.image.delete, f"/images/{disk}")
        yield machine, disk


@contextlib.contextmanager
def _server(
    size: int = 1, is_random: bool = False, tenant: Any = None
) -> Iterator[tuple[Any, Any]]:
    """A tenant, one of its own unless given, with a server of 4 volumes of so many GiB."""
    with contextlib.ExitStack() as stack:
        if tenant is None:
            tenant = stack.enter_context(tenants.tenant())
            client.register(tenant)
        system = stack.enter_context(machines.guest(tenant, _FULL if is_random else 0))
        data = None
        if is_random:
            with over_http.random_file(units.Gi - units.Mi) as file:
                data = flow_jobs.upload(tenant, file)
            stack.callback(tenant.image.delete, f"/images/{data}")
        mapping = [_disk(system, 0, size), *(_disk(data, -1, size) for _ in range(DISKS - 1))]
        yield tenant, stack.enter_context(machines.booted(tenant, mapping))


def _disk(image_id: str | None, index: int, size: int) -> dict[str, Any]:
    source = {"uuid": image_id, "source_type": "image"} if image_id else {"source_type": "blank"}
    return {
        **source,
        "destination_type": "volume",
        "boot_index": index,
        "volume_size": size,
        "delete_on_termination": True,
    }


def _captured(tenant: Any, server: Any) -> Any:
    job = tenant.ims.create_whole_image("benchmark", instance_id=server.id)
    while not (ended := tenant.ims.get_job(job)).end_time:
        time.sleep(0.2)
    assert ended.status == "SUCCESS", ended.fail_reason
    return tenant.ims.get_image(ended.image_id)


def _stillness(bench: jobs.Bench, tenant: Any, server: Any) -> int:
    """Milliseconds that the server stood still, as the job says; its disks are not read then."""
    wished = captures.arguments(tenant, server)
    job_id = flow_jobs.accept(bench, tenant, model.WHOLE_OF_SERVER, True, **wished)
    with tempfile.TemporaryDirectory() as folder:
        flow_jobs.killed_once(bench, job_id, "take snapshots", "SUCCESS", Path(folder) / "mark")
    bench.acceptance.cancel(job_id, tenant.current_project_id)
    with flow_jobs.working(bench):
        job = flow_jobs.failed(bench, job_id, "IMG.0018", _PATIENCE)
    return int(job.entities["standstill_ms"])


def _by_hand(tenant: Any, server: Any) -> list[str]:
    """What a user would do: server image, then of each snapshot a volume, and of that an image."""
    storage = tenant.block_storage
    image = tenant.compute.create_server_image(server, "by hand", wait=True, timeout=_PATIENCE)
    mapping = json.loads(flow_jobs.view(tenant, image.id)["block_device_mapping"])
    made = [str(image.id)]
    for disk in mapping:
        snapshot = storage.wait_for_status(
            storage.get_snapshot(disk["snapshot_id"]), "available", wait=_PATIENCE
        )
        volume = storage.create_volume(snapshot_id=snapshot.id, size=disk["volume_size"])
        storage.wait_for_status(volume, wait=_PATIENCE)
        uploaded = tenant.block_storage.upload_volume_to_image(
            volume, "by hand", disk_format="raw", container_format="bare"
        )
        made.append(uploaded["image_id"])
        storage.wait_for_status(storage.get_volume(volume.id), "available", wait=_PATIENCE)
        storage.delete_volume(volume)
        storage.wait_for_delete(volume, wait=_PATIENCE)
        storage.delete_snapshot(snapshot)
        storage.wait_for_delete(snapshot, wait=_PATIENCE)
    return made


def _root_alone(tenant: Any, server: Any) -> float:
    """Seconds from Nova's "createImage" of a paused server until it could go on."""
    compute = tenant.compute
    compute.pause_server(server)
    compute.wait_for_server(server, "PAUSED", wait=60)
    began = time.perf_counter()
    image = compute.create_server_image(server, "root alone")
    while compute.get_server(server.id).task_state:
        time.sleep(0.05)
    took = time.perf_counter() - began
    compute.unpause_server(server)
    compute.wait_for_server(server, wait=60)
    tenant.image.delete(f"/images/{image.id}")
    return took
