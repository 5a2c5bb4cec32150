# SPDX-License-Identifier: Apache-2.0
"""What scenarios have to do with members of images."""

from collections.abc import Mapping
from typing import Any

from ims_glance.model.job import StoredJob
from tests.unit.flows.direct_cloud import DirectCloud

_PROJECTS = ["p", "q"]


def _images(cloud: DirectCloud, **members: str) -> list[str]:
    """Two images that are shared so."""
    images = [cloud.make(b"") for _ in range(2)]
    for image_id in images:
        cloud.members[image_id] = dict(members)
        cloud.images[image_id]["visibility"] = "shared"
    return images


def to_share(cloud: DirectCloud) -> dict[str, Any]:
    """Of two images, one is shared already, with one of two projects."""
    images = _images(cloud, q="accepted")
    cloud.members[images[1]] = {}
    cloud.images[images[1]]["visibility"] = "private"
    return {"images": images, "projects": _PROJECTS}


def to_unshare(cloud: DirectCloud) -> dict[str, Any]:
    """Of two images."""
    # Nobody has accepted: whom an image is shared with again has to do so again.
    images = _images(cloud, p="pending", r="accepted")
    cloud.members[images[1]] = {"p": "pending", "q": "pending"}
    return {"images": images, "projects": _PROJECTS}


def to_accept(cloud: DirectCloud) -> dict[str, Any]:
    """Two images of somebody else."""
    images = _images(cloud, demo="pending", other="rejected")
    for image_id in images:
        cloud.images[image_id]["owner"] = "them"
    return {"images": images, "project_id": "demo", "status": "accepted"}


def _is_told(_cloud: DirectCloud, job: StoredJob) -> Mapping[str, set[str]]:
    projects = job.arguments.get("projects") or [job.arguments["project_id"]]
    pairs = {(image, project) for image in job.arguments["images"] for project in projects}
    told = {(each["image_id"], each["project_id"]) for each in job.entities["results"]}
    assert told == pairs
    assert {each["status"] for each in job.entities["results"]} == {"success"}
    return {}


def is_shared(cloud: DirectCloud, job: StoredJob) -> Mapping[str, set[str]]:
    """With both."""
    first, second = job.arguments["images"]
    assert cloud.members[first] == {"p": "pending", "q": "accepted"}
    assert cloud.members[second] == {"p": "pending", "q": "pending"}
    assert cloud.images[second]["visibility"] == "shared"
    return _is_told(cloud, job)


def is_unshared(cloud: DirectCloud, job: StoredJob) -> Mapping[str, set[str]]:
    """With both no more."""
    first, second = job.arguments["images"]
    assert cloud.members[first] == {"r": "accepted"}
    assert [cloud.images[each]["visibility"] for each in (first, second)] == ["shared", "private"]
    return _is_told(cloud, job)


def is_accepted(cloud: DirectCloud, job: StoredJob) -> Mapping[str, set[str]]:
    """Both."""
    for image_id in job.arguments["images"]:
        assert cloud.members[image_id] == {"demo": "accepted", "other": "rejected"}
    return _is_told(cloud, job)
