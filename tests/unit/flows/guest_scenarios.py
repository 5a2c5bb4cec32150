# SPDX-License-Identifier: Apache-2.0
"""What scenarios have to do with systems on disks: all disks hold the one of ``small_guests``."""

from collections.abc import Callable, Mapping
from typing import Any

from ims_glance.model import job as model
from ims_glance.model.image import attributes
from ims_glance.model.job import StoredJob
from tests.unit.flows import small_guests
from tests.unit.flows.direct_cloud import DirectCloud


def is_reported(cloud: DirectCloud, job: StoredJob, image_id: str) -> None:
    """Assert that what was found is told, and kept with an image."""
    is_prepared = bool(job.arguments.get("is_config"))
    wanted = small_guests.PREPARED if is_prepared else small_guests.REPORT
    assert job.entities[model.REPORT] == cloud.reports[image_id] == wanted.to_arguments()


def report_of(cloud: DirectCloud, image_id: str) -> None:
    """Have somebody looked into an image before."""
    cloud.reports[image_id] = {"notes": ["It was looked at."]}


def image(cloud: DirectCloud) -> dict[str, Any]:
    """One to be checked."""
    body = {"disk_format": "raw", "container_format": "bare", "owner": "demo"}
    return {"image_id": cloud.make(b"data" * 1000, **body)}


def is_checked(cloud: DirectCloud, job: StoredJob) -> Mapping[str, set[str]]:
    """Of an image."""
    is_reported(cloud, job, job.arguments["image_id"])
    return {"report": {job.arguments["image_id"]}}


def prepared(
    prepare: Callable[[DirectCloud], dict[str, Any]],
) -> Callable[[DirectCloud], dict[str, Any]]:
    """What a job finds, with the wish to have the system prepared."""
    return lambda cloud: {**prepare(cloud), "is_config": True}


def is_prepared(
    made: Callable[[DirectCloud, StoredJob], Mapping[str, set[str]]],
) -> Callable[[DirectCloud, StoredJob], Mapping[str, set[str]]]:
    """The image of a system disk is as another job would have it, and its system is prepared.

    :param made: asserts how the images are that the job made
    """

    def all_made(cloud: DirectCloud, job: StoredJob) -> Mapping[str, set[str]]:
        image_id = str(job.image_id)
        image = cloud.images[image_id]
        assert cloud.data[image_id].startswith(small_guests.MARK)
        assert image["__image_size"] == str(len(cloud.data[image_id]))
        assert (image["status"], image["os_hidden"], image["disk_format"]) == (
            "active",
            False,
            "raw",
        )
        assert image[attributes.OS_VERSION] == small_guests.FOUND
        # It was given what it lacked.
        assert (image["hw_disk_bus"], image["os_distro"]) == ("virtio", "debian")
        assert job.done_bytes == job.total_bytes
        is_reported(cloud, job, image_id)
        return {**made(cloud, job), "report": {image_id}}

    return all_made


def is_file_checked(_cloud: DirectCloud, job: StoredJob) -> Mapping[str, set[str]]:
    """Of a file, of which nothing is kept."""
    assert job.entities[model.REPORT] == small_guests.REPORT.to_arguments()
    return {}
