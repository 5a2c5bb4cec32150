# SPDX-License-Identifier: Apache-2.0
"""Images of files: a server's disk as a streamOptimized VMDK in a bucket, into an encrypted image.

The worker is one of this working directory's; Glance, and what gives the bucket, are the pocket cloud's. By hand the
same takes a download, ``qemu-img convert``, and an upload, as whoever has ``curl`` does it.
"""

import contextlib
import dataclasses
import os
import secrets
import statistics
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Self

from oslo_utils import units

from ims_glance.clouds.objects.base import FoundFile
from ims_glance.model import job as model
from ims_glance.model.bucket import BucketFile
from ims_glance.model.image.from_file import Purpose
from tests.benchmarks import over_http, server_images
from tests.benchmarks.harness import Figure, in_turns, median_ratio, note, seconds
from tests.benchmarks.over_http import OURS
from tests.cloud import buckets, flow_jobs, jobs, login, pocket

_PAIRS = 3
_PATIENCE = 900.0
_BENCH = {"lease_seconds": 60.0, "delegation_idle_seconds": 0.0}
_MB = 1_000_000


class OpenedFile:
    """A file of this machine, to be read as those in buckets are (:class:`ims_glance.formats.Source`).

    :ivar received: bytes that were read
    """

    def __init__(self, path: Path) -> None:
        self._file = path.open("rb", buffering=0)
        self.size = path.stat().st_size
        self.received = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self._file.close()

    def read(self, offset: int, length: int) -> bytes:
        """A range."""
        data = os.pread(self._file.fileno(), length, offset)
        self.received += len(data)
        return data


@dataclasses.dataclass
class _Site:
    """What is measured with.

    :ivar disk: raw, of which the object was made
    :ivar file: the object, as jobs are told of it
    :ivar worker: process id of the only worker that takes the jobs
    """

    glance: over_http.Glance
    tenant: Any
    bench: jobs.Bench
    bucket: buckets.Bucket
    disk: Path
    file: dict[str, Any]
    key_id: str
    worker: int
    log: Path

    def job(self, **wishes: Any) -> Any:
        """The job of an image of the file, once it has ended; the image is deleted."""
        arguments = {
            "file": self.file,
            "purpose": str(Purpose.SERVER),
            "min_disk": 4,
            "cmk_id": self.key_id,
            "name": "benchmark",
            **wishes,
        }
        job_id = flow_jobs.accept(self.bench, self.tenant, model.IMPORT_IMAGE, True, **arguments)
        return flow_jobs.succeeded(self.bench, job_id, _PATIENCE)

    def forget(self, job: Any) -> None:
        """Delete what a job has made."""
        self.glance.delete(str(job.image_id))


def imported() -> list[Figure]:
    """Seconds of an import ÷ by hand, bytes that are read and written for it, memory."""
    vmdk = _vmdk()
    with _site(vmdk) as site, tempfile.TemporaryDirectory(dir=pocket.HOME) as folder:

        def by_hand(_turn: int) -> float:
            with site.glance.image(OURS) as image_id:
                return seconds(lambda: _by_hand(site, image_id, Path(folder)))

        def by_job(_turn: int) -> float:
            made: list[Any] = []
            took = seconds(lambda: made.append(site.job()))
            site.forget(made[0])
            return took

        hand, job = in_turns(by_hand, by_job, _PAIRS)
        told = _watched(site)
        _check_same(site)
    return [
        Figure(
            f"vmdk streamOptimized of a server of 4 GiB ({vmdk.stat().st_size / _MB:.0f} MB), bucket → encrypted image, "
            "seconds ÷ by hand",
            "≤ 0.7",
            f"{median_ratio(job, hand):.2f} ({statistics.median(job):.1f} ÷ {statistics.median(hand):.1f} s)",
        ),
        Figure(
            "bytes read from the bucket for it ÷ the object",
            "≤ 1.1",
            f"{told.read / vmdk.stat().st_size:.3f}",
        ),
        Figure(
            "bytes that worker and Glance write to disks for it, but the image's and the worker's log",
            "0",
            f"{told.written}",
        ),
        Figure("memory of that above idle, MiB", "≤ 64", f"{told.memory:.0f}"),
    ]


def exported() -> Figure:
    """MiB that a worker grows while it exports a server's disk, after a first small export."""
    with _site(_vmdk()) as site, site.glance.image(OURS) as image_id:
        with over_http.random_file(units.Mi) as small, site.glance.image(OURS) as little:
            site.glance.upload(little, OURS, small)
            _exported(site, little, "small")
        with site.disk.open("rb") as opened:
            site.glance.upload(image_id, OURS, opened)
        idle = over_http.memory_of(site.worker, "VmRSS")
        over_http.reset_peak(site.worker)
        _exported(site, image_id, "large")
        grown = over_http.memory_of(site.worker, "VmHWM") - idle
    return Figure("memory of a worker that exports 4 GiB, MiB above idle", "≤ 64", f"{grown:.0f}")


def _exported(site: _Site, image_id: str, name: str) -> None:
    arguments: dict[str, Any] = {
        "image_id": image_id,
        "bucket": site.bucket.name,
        "object": name,
        "format": "qcow2",
    }
    job_id = flow_jobs.accept(site.bench, site.tenant, model.EXPORT_IMAGE, **arguments)
    flow_jobs.succeeded(site.bench, job_id, _PATIENCE)


def checked() -> list[Figure]:
    """Bytes and requests that a look at the system in a qcow2 takes, which is read where it lies."""
    qcow2 = server_images.as_qcow2(disk())
    with _site(qcow2) as site:
        job_id = flow_jobs.accept(site.bench, site.tenant, model.CHECK_IMAGE, file=site.file)
        told = flow_jobs.succeeded(site.bench, job_id, _PATIENCE).entities
    note(f"  {told['report']['guest']}")
    return [
        Figure(
            f"check of a qcow2 of {qcow2.stat().st_size / _MB:.0f} MB, MB that are read",
            "≤ 30",
            f"{told['read_bytes'] / _MB:.1f}",
        ),
        Figure("requests for them", "≤ 400", str(told["read_requests"])),
    ]


@dataclasses.dataclass(frozen=True)
class _Told:
    """What one import was seen to do.

    :ivar read: bytes of the bucket
    :ivar written: bytes on disks, without those of the image and of the log
    :ivar memory: of the worker, MiB above idle
    """

    read: int
    written: int
    memory: float


def _watched(site: _Site) -> _Told:
    processes = [site.worker, pocket.process("glance-one"), *pocket.glance_workers()]
    before, files = sum(map(_written, processes)), set(pocket.image_files())
    logged, idle = site.log.stat().st_size, over_http.memory_of(site.worker, "VmRSS")
    over_http.reset_peak(site.worker)
    job = site.job()
    peak = over_http.memory_of(site.worker, "VmHWM")
    after = sum(map(_written, processes))
    new = [Path(each).stat() for each in set(pocket.image_files()) - files]
    log = -(-(site.log.stat().st_size - logged) // 4096 + 1) * 4096
    stored = sum(each.st_blocks * 512 for each in new)
    note(f"  written {after - before} bytes, of which the image has {stored}")
    site.forget(job)
    extra = after - before - stored
    note(f"  further: {extra} bytes, of which the log has {log} at most")
    return _Told(int(job.entities["read_bytes"]), max(0, extra), peak - idle)


def _written(process: int) -> int:
    """Bytes that a process, and those that it has waited for, had written to disks (proc(5), ``io``)."""
    lines = Path(f"/proc/{process}/io").read_text().splitlines()
    told = dict(line.split(": ") for line in lines)
    return int(told["write_bytes"]) - int(told["cancelled_write_bytes"])


def _by_hand(site: _Site, image_id: str, folder: Path) -> None:
    packed, raw = folder / "packed", folder / "raw"
    token = f"X-Auth-Token: {site.glance.token}"
    address = f"{site.tenant.object_store.get_endpoint()}/{site.bucket.name}/{site.file['object']}"
    subprocess.run(["curl", "-sf", "-H", token, "-o", packed, address], check=True)
    subprocess.run(["qemu-img", "convert", "-f", "vmdk", "-O", "raw", packed, raw], check=True)
    kind = ("-H", "Content-Type: application/octet-stream")
    to = f"{site.glance.url}/v2/images/{image_id}/file"
    subprocess.run(["curl", "-sf", "-H", token, *kind, "-T", raw, to], check=True)
    packed.unlink()
    raw.unlink()


def _check_same(site: _Site) -> None:
    """See that the image is the disk."""
    job = site.job()
    url = f"{site.glance.url}/v2/images/{job.image_id}/file"
    command = 'curl -sf -H "$1" "$2" | cmp - "$3"'
    words = [f"X-Auth-Token: {site.glance.token}", url, str(site.disk)]
    subprocess.run(["bash", "-o", "pipefail", "-c", command, "sh", *words], check=True)
    site.forget(job)


def disk() -> Path:
    """The disk that all of this is about; made in ``$IMS_BENCHMARK_DISKS``, or below the working directory."""
    folder = Path(os.environ.get("IMS_BENCHMARK_DISKS") or "benchmark-disks")
    return server_images.make(folder, "first")["first"]


def _vmdk() -> Path:
    return server_images.converted(disk(), "vmdk", "-o", "subformat=streamOptimized")


@contextlib.contextmanager
def _site(path: Path) -> Iterator[_Site]:
    tenant = login.connect("demo")
    bench = jobs.Bench(**_BENCH)
    with (
        over_http.Glance() as glance,
        buckets.bucket(tenant, f"benchmark-{secrets.token_hex(4)}") as bucket,
        flow_jobs.working(bench) as worker,
    ):
        file = put(bucket, path.name, path)
        yield _Site(
            glance=glance,
            tenant=tenant,
            bench=bench,
            bucket=bucket,
            disk=path.with_suffix(".raw"),
            file=file,
            key_id=flow_jobs.default_key(tenant),
            worker=worker.pid,
            log=worker.log,
        )


def put(bucket: buckets.Bucket, name: str, path: Path) -> dict[str, Any]:
    """Write an object of a file; what a job is told of it."""
    with path.open("rb") as opened:
        # requests sends an open file piece by piece.
        etag = bucket.put(name, opened)
    return FoundFile(BucketFile(bucket.name, name), path.stat().st_size, etag).to_arguments()
