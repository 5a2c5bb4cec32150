# SPDX-License-Identifier: Apache-2.0
"""Copies of whole-machine images, by workers that die between any two requests."""

import json
from typing import Any

import pytest

from ims_glance.jobs.context import JobContext
from ims_glance.model import job as model
from ims_glance.model.image import attributes, whole_image
from ims_glance.model.image.whole_image import Component
from ims_glance.model.job import JobStatus
from ims_glance.model.server import Disk
from tests.unit.clouds import cloud_server

DATA = [b"root" * 400_000, b"data" * 300_000]
KEY = "6f0a2b5c-0000-4000-8000-000000000000"


@pytest.fixture(autouse=True)
def _no_naps(monkeypatch):
    monkeypatch.setattr(JobContext, "pause", lambda self, _seconds: self.check())


@pytest.fixture
def source(server):
    parts = [
        Component(Disk(number, None, 1), server.make(data, os_hidden=True, protected=True))
        for number, data in enumerate(DATA)
    ]
    properties = {**whole_image.properties(parts), "__image_size": "7", "__capture": "paused"}
    image_id = server.make(b"", name="whole", **properties)
    for part in parts:
        server.images[part.image_id][attributes.COMPONENT_OF] = image_id
    return image_id


def copy(cloud, source, **more):
    return cloud.run(model.COPY_IN_REGION, image_id=source, name="copy", disks=2, **more)


@pytest.mark.parametrize("dies_at", range(0, 45, 3))
def test_a_copy(cloud, server, source, dies_at):
    before = set(server.images)
    job = copy(cloud, source, dies_at=dies_at, cmk_id=KEY)
    assert (job.status, job.fail_reason) == (JobStatus.SUCCESS, None)
    image = server.images[job.image_id]
    assert (image["name"], image["size"], image["__image_size"]) == ("copy", 0, "7")
    assert (image[attributes.CMK_ID], image[attributes.CAPTURE]) == (KEY, "paused")
    parts = whole_image.components(image)
    assert set(server.images) - before == {job.image_id, *(each.image_id for each in parts)}
    for part, data in zip(parts, DATA, strict=True):
        view = server.images[part.image_id]
        assert server.data[part.image_id] == data
        assert view[attributes.COMPONENT_OF] == job.image_id
        assert (view["os_hidden"], view["protected"]) == (True, True)
        assert view[attributes.CMK_ID] == KEY


def test_an_image_of_a_disk_that_appears_late(cloud, server, source, monkeypatch):
    """Glance makes it after the answer that it had taken too long; it is the one that is filled."""
    create = cloud_server.Handler._create
    held: list[dict[str, Any]] = []

    def slowly(handler):
        if not held:
            held.append(json.loads(handler.body))
            handler._answer(504)
        elif len(held) == 1 and json.loads(handler.body)["id"] != held[0]["id"]:
            # Somebody gave it up.
            held.append(server.make(**held[0]))
            create(handler)
        else:
            create(handler)

    monkeypatch.setattr(cloud_server.Handler, "_create", slowly)
    before = set(server.images)
    job = copy(cloud, source)
    assert (job.status, job.fail_reason) == (JobStatus.SUCCESS, None)
    parts = whole_image.components(server.images[job.image_id])
    assert set(server.images) - before == {job.image_id, *(each.image_id for each in parts)}
    assert held[0]["id"] in {each.image_id for each in parts}


@pytest.mark.parametrize("cancels_at", range(1, 30, 4))
def test_cancelled(cloud, server, source, cancels_at):
    before = set(server.images)
    job = copy(cloud, source, cancels_at=cancels_at)
    if job.status is JobStatus.FAIL:
        assert job.error_code == "IMG.0018"
        assert set(server.images) == before


def test_what_glance_refuses_is_undone(cloud, server, source):
    before = set(server.images)
    server.failures["PATCH /v2/images/.*"] = [403]
    assert copy(cloud, source).status is JobStatus.FAIL
    assert set(server.images) == before


def test_a_disk_that_is_gone(cloud, server, source):
    [first, *_] = whole_image.components(server.images[source])
    del server.images[first.image_id]
    before = set(server.images)
    job = copy(cloud, source)
    assert (job.status, job.error_code) == (JobStatus.FAIL, "IMG.0027")
    assert set(server.images) == before
