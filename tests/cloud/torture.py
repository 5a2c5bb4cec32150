# SPDX-License-Identifier: Apache-2.0
"""Jobs of every type, what each must have done, and what must not be left behind.

A *round* has one job of each type. However it goes, each job ends in ``SUCCESS`` with its one right
result, or in ``FAIL`` with a reason and nothing done.
"""

import contextlib
import dataclasses
import hashlib
import secrets
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ims_glance import flows
from ims_glance.api.common.acceptance import Rights
from ims_glance.model import job as model
from ims_glance.model.job import JobStatus, StoredJob
from tests.cloud import buckets, flow_jobs, jobs, leftovers, login, pocket, tenants
from tests.cloud.flow_jobs import ADD, COPY, DATA, DELETE, UPDATE, VOLUME

RECEIVE = model.RECEIVE_IMAGE
_OF_FILES = {model.IMPORT_IMAGE: "FusionCompute", model.IMPORT_DATA_IMAGE: "DataImage"}
EXPORT = model.EXPORT_IMAGE
REGISTER = model.REGISTER_IMAGE
TYPES = (COPY, VOLUME, ADD, DELETE, UPDATE, RECEIVE, *_OF_FILES, EXPORT, REGISTER)
_MAKES_IMAGE = (COPY, VOLUME, RECEIVE, *_OF_FILES)
# Those of servers are in test_torture_machines, those about backups in test_torture_backups. The one that
# follows another region's job, which the API of that region has to accept, is in test_client_regions. That of
# what is sold, which needs a product, is in test_market.
OF_SERVERS = (model.IMAGE_OF_SERVER, model.IMAGES_OF_VOLUMES, model.WHOLE_OF_SERVER)
OF_BACKUPS = (model.SERVER_BACKUP, model.WHOLE_OF_BACKUP)
# One that only looks makes nothing that could be left; it is in test_client_check.
_ELSEWHERE = {
    *OF_SERVERS,
    *OF_BACKUPS,
    model.COPY_CROSS_REGION,
    model.CHECK_IMAGE,
    model.PUBLISH_IMAGE,
    model.SCAN_IMAGE,
}
assert {*TYPES, *_ELSEWHERE} == set(flows.JOB_TYPES), "a job type has no torture"

SHA256 = hashlib.sha256(DATA).hexdigest()
_TINY = b"x" * 1000


@dataclasses.dataclass(frozen=True)
class Site:
    """What the jobs work on.

    :ivar source_there: an image with the same data, in the other region
    :ivar file: with the same data in a bucket, as jobs are told of it
    :ivar bucket: that one
    :ivar key_id: the key of the tenant's copies, so that Barbican has a part in it
    """

    tenant: Any
    receiver: Any
    source: str
    source_there: str
    volume: str
    key_id: str
    file: dict[str, Any]
    bucket: buckets.Bucket


@contextlib.contextmanager
def site() -> Iterator[Site]:
    """A tenant with an image and a volume, and a receiver."""
    with tenants.tenant() as tenant, tenants.tenant() as receiver:
        receiver.authorize()
        key_id = flow_jobs.default_key(tenant)
        source = flow_jobs.upload(tenant)
        auth = tenant.config.config["auth"]
        named = {name: auth[name] for name in ("username", "password", "project_name")}
        there = login.connect("admin-two", named)
        source_there = flow_jobs.upload(there)
        with flow_jobs.volume(tenant) as volume, buckets.bucket(tenant, "torture") as bucket:
            file = bucket.found("disk.raw", DATA)
            yield Site(tenant, receiver, source, source_there, volume, key_id, file, bucket)
        tenant.image.delete(f"/images/{source}")
        there.image.delete(f"/images/{source_there}")
        for secret in tenant.key_manager.secrets():
            tenant.key_manager.delete_secret(login.secret_id(secret))


def count(site: Site) -> dict[str, Any]:
    """All that jobs could leave behind."""
    tenant = site.tenant
    return {
        "images": jobs.owned(tenant),
        "volumes": {each.id: each.status for each in tenant.block_storage.volumes()},
        "snapshots": [each.id for each in tenant.block_storage.snapshots()],
        "secrets": sorted(login.secret_id(each) for each in tenant.key_manager.secrets()),
        "trusts": jobs.trusts(tenant) + jobs.trusts(site.receiver),
        "stored": leftovers.of_project(tenant.current_project_id).get("stored"),
    }


class Round:
    """One job of each type."""

    def __init__(self, site: Site, bench: jobs.Bench) -> None:
        self.site = site
        self.bench = bench
        self.shared = {name: flow_jobs.upload(site.tenant, _TINY) for name in (ADD, DELETE, UPDATE)}
        self.project = site.receiver.current_project_id
        for name in (DELETE, UPDATE):
            member = {"member": self.project}
            site.tenant.image.post(f"/images/{self.shared[name]}/members", json=member)
        self.ids = {name: self._accept(name) for name in TYPES}

    def _accept(self, name: str) -> str:
        who = self.site.tenant
        arguments: dict[str, Any]
        if name == COPY:
            arguments = {"image_id": self.site.source, "cmk_id": self.site.key_id}
        elif name == VOLUME:
            arguments = {"volume_id": self.site.volume, "os_version": "CentOS 7.3 64bit"}
        elif name == UPDATE:
            who = self.site.receiver
            arguments = {"project_id": self.project, "status": "accepted"}
        elif name in _OF_FILES:
            arguments = {
                "file": self.site.file,
                "purpose": _OF_FILES[name],
                "min_disk": 1,
                "cmk_id": self.site.key_id,
            }
        elif name == EXPORT:
            arguments = {
                "image_id": self.site.source,
                "bucket": self.site.bucket.name,
                "object": f"out-{secrets.token_hex(4)}",
                "format": "raw",
            }
            return flow_jobs.accept(self.bench, who, name, **arguments)
        elif name == REGISTER:
            queued = {"name": "queued", "disk_format": "vhd", "container_format": "bare"}
            made = who.image.post("/images", json={**queued, "visibility": "private"})
            assert made.status_code == 201, made.text
            arguments = {"image_id": made.json()["id"], "file": self.site.file}
            return flow_jobs.accept(self.bench, who, name, **arguments)
        elif name == RECEIVE:
            return self._accept_received()
        else:
            arguments = {"projects": [self.project]}
        makes_image = name in _MAKES_IMAGE
        if makes_image:
            arguments["name"] = f"of-{name}"
        else:
            arguments["images"] = [self.shared[name]]
        return flow_jobs.accept(self.bench, who, name, makes_image, **arguments)

    def _accept_received(self) -> str:
        """A job that reads in the other region by what was delegated for that."""
        caller = jobs.caller(self.site.tenant)
        arguments = {
            "source_region": "RegionTwo",
            "source_project_id": caller.project_id,
            "image_id": self.site.source_there,
            "name": f"of-{RECEIVE}",
            "cmk_id": self.site.key_id,
            "disks": 0,
        }
        reading = Rights(caller.project_id, tuple(caller.roles))
        return self.bench.acceptance.accept(
            caller, RECEIVE, arguments, creates_image=True, reading=reading
        )

    def ended(self, seconds: float) -> dict[str, StoredJob]:
        """All its jobs, once they have ended."""
        end = time.monotonic() + seconds
        return {
            name: self.bench.ended(job_id, max(0.1, end - time.monotonic()))
            for name, job_id in self.ids.items()
        }

    @property
    def is_over(self) -> bool:
        """Whether all its jobs have ended."""
        return all(self.bench.job(job_id).is_finished for job_id in self.ids.values())

    def check(self, found: dict[str, StoredJob]) -> list[str]:
        """Check each result, and remove what the jobs were to make; the types that failed."""
        failures = []
        for name, job in found.items():
            if job.status is JobStatus.FAIL:
                assert job.error_code, job
                assert job.fail_reason, job
                # Cinder may have forgotten the volume, which only an operator changes; see _tidy.
                undone = "could not be undone" not in job.fail_reason
                assert undone or "openstack volume set --state" in job.fail_reason, job
                failures.append(f"{name}: {job.error_code} {job.fail_reason}")
            kinds = {EXPORT: "file", REGISTER: "queued", **dict.fromkeys(_MAKES_IMAGE, "image")}
            getattr(self, f"_check_{kinds.get(name, 'members')}")(name, job)
        for image_id in self.shared.values():
            self.site.tenant.image.delete(f"/images/{image_id}")
        return failures

    def _check_image(self, name: str, job: StoredJob) -> None:
        tenant = self.site.tenant
        named = [each.id for each in tenant.image.images(name=f"of-{name}")]
        if job.status is JobStatus.FAIL:
            assert named == []
            return
        assert named == [job.image_id]
        assert flow_jobs.view(tenant, str(job.image_id))["status"] == "active"
        if name != VOLUME:
            assert flow_jobs.sha256(tenant, str(job.image_id)) == SHA256
        tenant.image.delete(f"/images/{job.image_id}")

    def _check_file(self, _name: str, job: StoredJob) -> None:
        bucket, name = self.site.bucket, job.arguments["object"]
        assert (name in bucket.names()) is (job.status is JobStatus.SUCCESS)
        assert bool(bucket.segments(f"{name}/")) is (job.status is JobStatus.SUCCESS)
        if job.status is JobStatus.SUCCESS:
            assert hashlib.sha256(bucket.get(name)).hexdigest() == SHA256
            bucket.delete(name)

    def _check_queued(self, _name: str, job: StoredJob) -> None:
        """It has its data, or has none as before; or it is gone, if there was no way back."""
        tenant, image_id = self.site.tenant, str(job.arguments["image_id"])
        there = tenant.image.find_image(image_id)
        if job.status is JobStatus.SUCCESS:
            assert there.status == "active"
            assert flow_jobs.sha256(tenant, image_id) == SHA256
        else:
            assert there is None or there.status == "queued"
        tenant.image.delete(f"/images/{image_id}")

    def _check_members(self, name: str, job: StoredJob) -> None:
        before = {} if name == ADD else {self.project: "pending"}
        after = {ADD: {self.project: "pending"}, DELETE: {}, UPDATE: {self.project: "accepted"}}
        wanted = before if job.status is JobStatus.FAIL else after[name]
        assert flow_jobs.members(self.site.tenant, self.shared[name]) == wanted


def _tidy(site: Site) -> None:
    """What an operator does about what Cinder and Glance forgot as they died or lost their database.

    That is a volume that stays "uploading", and the data of images that are deleted by now.
    """
    admin = login.connect("admin")
    volume = site.tenant.block_storage.get_volume(site.volume)
    if volume.status == "uploading":
        admin.block_storage.reset_volume_status(
            volume, status="available", attach_status="detached", migration_status="none"
        )
    pocket.manage("orphans", "--delete", "--min-age", "0")
    for path in map(Path, pocket.image_files()):
        # Glance's own driver, which has no such command.
        if path.parent.name == "plain" and not admin.image.find_image(path.name):
            path.unlink()


def settled(site: Site, bench: jobs.Bench, before: dict[str, Any], forgetful: bool = False) -> None:
    """Check that nothing is left, once a worker that nobody disturbs had time to tidy up.

    :param forgetful: whether a service went away that forgets what it was doing
    """
    with bench.worker(orphan_seconds=0.0):
        jobs.eventually(lambda: bench.rows("delegations"), [])
    if forgetful:
        _tidy(site)
    jobs.eventually(lambda: count(site), before)
    assert {row.unfinished for row in bench.rows("tallies")} <= {0}
