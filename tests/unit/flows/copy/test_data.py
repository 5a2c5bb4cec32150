# SPDX-License-Identifier: Apache-2.0
"""Copies into images of several disks; those of single images are in test_copy_in_region."""

import pytest

from ims_glance.flows import job_image
from ims_glance.flows.copy.data import DataCopy, DiskImage, ImageSource
from ims_glance.model.copy import Digest
from tests.unit.jobs import job_bench

DATA = b"data" * 300_000


@pytest.fixture
def job(tables, server):
    job = job_bench.context(tables, project_id="demo")
    job.session = server.session()
    return job


@pytest.fixture
def target(job):
    return DiskImage(job, 1, lambda: {"disk_format": "raw"})


def copied(job, server, target):
    source = server.make(DATA)
    wanted = Digest.of(server.images[source])
    return source, DataCopy(job, ImageSource(job, source, 2 * len(DATA), len(DATA)), target).run(
        wanted
    )


def test_a_hidden_image_under_the_jobs_name(job, server, target):
    source, image_id = copied(job, server, target)
    assert server.data[image_id] == DATA
    image = server.images[image_id]
    assert (image["name"], image["os_hidden"]) == (job_image.name(job, 1), True)
    assert job._done == 2 * len(DATA)
    wanted = Digest.of(server.images[source])
    again = DataCopy(job, ImageSource(job, source), target)
    assert again.found(wanted) == again.run(wanted) == image_id


def test_it_is_deleted_protected_or_not(job, server, target):
    source, image_id = copied(job, server, target)
    server.images[image_id]["protected"] = True
    for _again in range(2):
        target.delete()
    assert set(server.images) == {source}
