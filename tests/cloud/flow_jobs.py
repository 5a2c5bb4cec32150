# SPDX-License-Identifier: Apache-2.0
"""What the tests of real job types share: accepting them, images to work on, and deaths."""

import contextlib
import hashlib
import secrets
import signal
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from ims_glance.model import job as model
from ims_glance.model.image import attributes
from ims_glance.model.job import JobStatus
from tests.cloud import jobs, pocket

DATA = secrets.token_bytes(3_000_000)
OCTETS = {"Content-Type": "application/octet-stream"}


def default_key(connection: Any) -> str:
    """Id of the project's default key, which the service may read afterwards; made if need be."""
    made = connection.image.post("/images", json={attributes.CMK_ID: "ims/default"})
    assert made.status_code == 201, made.text
    connection.image.delete(f"/images/{made.json()['id']}")
    return str(made.json()[attributes.CMK_ID])


def accept(
    bench: jobs.Bench, connection: Any, job_type: str, makes_image: bool = False, **arguments: Any
) -> str:
    """Have a job accepted, as the API's handlers do."""
    entities = {"image_name": arguments["name"]} if "name" in arguments else {}
    caller = jobs.caller(connection)
    return bench.acceptance.accept(caller, job_type, arguments, entities, makes_image)


def upload(connection: Any, data: Any = DATA, store: Any = "plain", **body: Any) -> str:
    """An active image; its id."""
    wanted = {"name": "source", "disk_format": "raw", "container_format": "bare", **body}
    made = connection.image.post("/images", json=wanted)
    assert made.status_code == 201, made.text
    image_id: str = made.json()["id"]
    headers = {**OCTETS, "x-image-meta-store": store}
    sent = connection.image.put(f"/images/{image_id}/file", data=data, headers=headers)
    assert sent.status_code == 204, sent.text
    return image_id


def view(connection: Any, image_id: str) -> dict[str, Any]:
    """An image, as Glance shows it."""
    answer = connection.image.get(f"/images/{image_id}")
    assert answer.status_code == 200, answer.text
    shown: dict[str, Any] = answer.json()
    return shown


def sha256(connection: Any, image_id: str) -> str:
    """Digest of an image's data as it is downloaded."""
    answer = connection.image.get(f"/images/{image_id}/file")
    assert answer.status_code == 200, answer.text
    return hashlib.sha256(answer.content).hexdigest()


def members(connection: Any, image_id: str) -> dict[str, str]:
    """Members of an image: project id -> status. Glance shows none of a private one."""
    answer = connection.image.get(f"/images/{image_id}/members")
    listed = answer.json()["members"] if answer.status_code == 200 else []
    return {each["member_id"]: each["status"] for each in listed}


@contextlib.contextmanager
def volume(connection: Any, data: Any = DATA) -> Iterator[str]:
    """A volume of 1 GiB that begins with known data; its id."""
    storage = connection.block_storage
    image_id = upload(connection, data)
    made = storage.create_volume(size=1, image_id=image_id, name="source")
    storage.wait_for_status(made, wait=240)
    connection.image.delete(f"/images/{image_id}")
    try:
        yield str(made.id)
    finally:
        storage.delete_volume(made.id)
        if not _is_gone(storage, made.id, 30):
            # After a failed upload cinder-volume keeps the disk open until its garbage is
            # collected, and puts the volume back: "ImageBusy". Begun anew it has nothing open.
            with pocket.killed("cinder-volume"):
                pass
            jobs.eventually(lambda: storage.get_volume(made.id).status, "available")
            storage.delete_volume(made.id)
            assert _is_gone(storage, made.id, 60), "Cinder does not delete the volume"


def _is_gone(storage: Any, volume_id: str, seconds: float) -> bool:
    end = time.monotonic() + seconds
    while storage.find_volume(volume_id) is not None and time.monotonic() < end:
        time.sleep(0.5)
    return storage.find_volume(volume_id) is None


@contextlib.contextmanager
def working(bench: jobs.Bench, **options: Any) -> Iterator[Any]:
    """A worker, until it has also given back what callers delegated."""
    with bench.worker(**options) as worker:
        yield worker
        jobs.eventually(lambda: bench.rows("delegations"), [])


def succeeded(bench: jobs.Bench, job_id: str, seconds: float = 90.0) -> Any:
    """The job, which has to succeed."""
    job = bench.ended(job_id, seconds)
    assert job.status is JobStatus.SUCCESS, f"{job.error_code} {job.fail_reason}"
    return job


def failed(bench: jobs.Bench, job_id: str, code: str, seconds: float = 90.0) -> Any:
    """The job, which has to fail for that reason."""
    job = bench.ended(job_id, seconds)
    assert (job.status, job.error_code) == (JobStatus.FAIL, code), (
        f"{job.error_code} {job.fail_reason}"
    )
    assert job.fail_reason
    assert "could not be undone" not in job.fail_reason
    return job


def killed_once(bench: jobs.Bench, job_id: str, task: str, point: str, mark: Any) -> None:
    """Have a worker take the job and die; afterwards any worker may go on."""
    die = {"task": task, "point": point, "mark": str(mark)}
    with bench.worker(die) as first:
        assert first.wait(150) == -signal.SIGKILL
    assert not bench.job(job_id).is_finished
    bench.end_lease(job_id)


def each_task(*tasks: str) -> list[tuple[str, str]]:
    """Deaths as :func:`killed_once` has them: after each task, and first in it if it has a star."""
    found = []
    for task in tasks:
        if task.startswith("*"):
            found.append((task[1:], "RUNNING"))
        found.append((task.removeprefix("*"), "SUCCESS"))
    return found


def killed_again_and_again(
    bench: jobs.Bench, job_id: str, deaths: Iterable[tuple[str, str]], folder: Path
) -> None:
    """Have one worker after the other go on with the job, and die."""
    for number, (task, point) in enumerate(deaths):
        killed_once(bench, job_id, task, point, folder / f"death-{number}")


COPY, VOLUME = model.COPY_IN_REGION, model.VOLUME_CREATE_IMAGE
ADD, DELETE, UPDATE = model.ADD_MEMBERS, model.DELETE_MEMBERS, model.UPDATE_MEMBERS
