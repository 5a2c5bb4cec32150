# SPDX-License-Identifier: Apache-2.0
"""What jobs about a server leave behind that are cancelled, or whose worker dies, at any moment."""

import contextlib
import random
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from ims_glance.model import job as model
from ims_glance.model.job import JobStatus
from tests.benchmarks.harness import Figure, note
from tests.cloud import captures, flow_jobs, jobs, machines, pocket, tenants

FAILURES = 100
_PATIENCE = 300.0
# Seconds after which a job may be hit. All four take about twice as long.
_WITHIN = 20.0
_SOON = 30.0
_SEED = 33

Accept = Callable[[], str]


def leftovers() -> Figure:
    """Images, volumes, snapshots, backups, disks in Ceph and trusts after 100 forced failures."""
    chance = random.Random(_SEED)
    bench = jobs.Bench()
    failed: Counter[str] = Counter()
    found: Counter[str] = Counter()
    with _site(bench) as (tenant, accepts):
        before = captures.counted(tenant)
        turn = 0
        while failed.total() < FAILURES:
            ids = {name: accept() for name, accept in accepts.items()}
            _hit(bench, list(ids.values()), chance)
            for name, job in zip(ids, _settled(bench, ids.values()), strict=True):
                if job.status is JobStatus.SUCCESS:
                    _remove(tenant, job)
                else:
                    failed[name] += 1
            found += _difference(tenant, before)
            turn += 1
            note(f"  turn {turn}: {failed.total()} failed, left: {found.total()}")
    how = ", ".join(f"{count} {name}" for name, count in failed.items())
    return Figure(
        f"leftovers after {failed.total()} forced failures ({how}), whose workers die, too",
        "0",
        f"{found.total()}{' ' + str(dict(found)) if found else ''}",
    )


@contextlib.contextmanager
def _site(bench: jobs.Bench) -> Iterator[tuple[Any, dict[str, Accept]]]:
    """A tenant, and how each type of job about its server of two volumes is accepted."""
    with (
        tenants.tenant() as tenant,
        machines.guest(tenant) as guest,
        machines.volume_root(tenant, guest, disks=1) as server,
    ):
        wished = captures.arguments(tenant, server)
        # Only one of the jobs can hold the server still.
        kept = {**wished, "server_name": "machine", "stands_still": False}
        with flow_jobs.working(bench):
            accepted = flow_jobs.accept(bench, tenant, model.SERVER_BACKUP, **kept)
            backup_id = flow_jobs.succeeded(bench, accepted, _PATIENCE).backup_id
        backup = captures.backups(tenant).find(str(backup_id))
        assert backup is not None
        disks = [{**each, "name": f"disk-{at}"} for at, each in enumerate(wished["wishes"])]
        arguments = {
            model.WHOLE_OF_SERVER: wished,
            model.SERVER_BACKUP: kept,
            model.WHOLE_OF_BACKUP: captures.of_backup(backup),
            model.IMAGES_OF_VOLUMES: {**wished, "wishes": disks, "stands_still": False},
        }
        try:
            yield (
                tenant,
                {name: _acceptance(bench, tenant, name, each) for name, each in arguments.items()},
            )
        finally:
            captures.backups(tenant).delete(backup)


def _acceptance(bench: jobs.Bench, tenant: Any, name: str, arguments: dict[str, Any]) -> Accept:
    makes_image = name != model.SERVER_BACKUP

    def accept() -> str:
        return flow_jobs.accept(bench, tenant, name, makes_image, **arguments)

    return accept


def _hit(bench: jobs.Bench, ids: list[str], chance: random.Random) -> None:
    """Cancel each of the jobs while two workers do them, which both die before the last is."""
    moments = sorted((chance.uniform(0.0, _WITHIN), job_id) for job_id in ids)
    dies = chance.randrange(len(ids))
    workers = [bench.start(), bench.start()]
    try:
        bench.until(ids[0], status=JobStatus.RUNNING)
        begun = time.monotonic()
        for number, (moment, job_id) in enumerate(moments):
            time.sleep(max(0.0, begun + moment - time.monotonic()))
            if number == dies:
                for each in workers:
                    each.kill()
            if not (job := bench.job(job_id)).is_finished:
                bench.acceptance.cancel(job_id, job.project_id)
    finally:
        for each in workers:
            each.kill()


def _settled(bench: jobs.Bench, ids: Iterable[str]) -> list[Any]:
    """The jobs when they have ended, and nothing is delegated to them any more."""
    with flow_jobs.working(bench):
        return [_ended(bench, job_id) for job_id in ids]


def _ended(bench: jobs.Bench, job_id: str) -> Any:
    try:
        return bench.ended(job_id, _SOON)
    except AssertionError:
        # Cinder keeps a volume open whose upload failed, and does not delete it until its own
        # garbage is collected, or it is begun anew.
        with pocket.killed("cinder-volume"):
            pass
        return bench.ended(job_id, _PATIENCE)


def _remove(tenant: Any, job: Any) -> None:
    """What a job made that was done before it was hit."""
    for image_id in job.entities.get(model.DISK_IMAGES, {}).values() or [job.image_id]:
        if image_id:
            tenant.image.delete(f"/images/{image_id}")
    if job.type == model.SERVER_BACKUP:
        backups = captures.backups(tenant)
        made = backups.find(job.backup_id)
        assert made is not None
        backups.delete(made)


def _difference(tenant: Any, before: dict[str, Any]) -> Counter[str]:
    """How many of what there are too many, or too few, once Cinder had time to delete them."""
    with contextlib.suppress(AssertionError):
        jobs.eventually(lambda: captures.counted(tenant), before, 30)
    after = captures.counted(tenant)
    counts = {name: len(set(after[name]) ^ set(before[name])) for name in before}
    if any(counts.values()):
        note(f"  left: { {name: after[name] for name in counts if counts[name]} }")
        # Each is counted once.
        before.update(after)
    return Counter({name: count for name, count in counts.items() if count})
