# SPDX-License-Identifier: Apache-2.0
"""Making the job's image, however often."""

import pytest

from ims_glance.clouds import rest
from ims_glance.flows import job_image
from tests.unit.jobs import job_bench

BODY = {"name": "a"}


@pytest.fixture
def job(tables, server):
    job = job_bench.context(tables, image_id="1", creates_image=True)
    job.session = server.session()
    return job


def test_made_once(job, server):
    assert job_image.make_image(job, BODY)["id"] == "1"
    assert job_image.make_image(job, BODY)["id"] == "1"
    assert set(server.images) == {"1"}


def test_an_id_that_was_deleted_is_replaced(job, tables, server):
    job_image.make_image(job, BODY)
    job_image.delete_image(job)
    job_image.delete_image(job)
    made = job_image.make_image(job, BODY)["id"]
    assert made != "1"
    assert tables.jobs.get(job.id).image_id == made
    assert set(server.images) == {made}


def test_the_id_is_recorded_before_the_image_is_made(job, tables, server):
    job_image.make_image(job, BODY)
    recorded = []
    server.before = lambda request: recorded.append((request, tables.jobs.get(job.id).image_id))
    made = job_image.replace_image(job, BODY)["id"]
    assert ("POST /v2/images", made) in recorded
    assert set(server.images) == {made}


@pytest.mark.parametrize("status", [400, 403, 409])
def test_refusals_are_passed_on(job, server, status):
    server.failures["POST .*"] = [status, status]
    with pytest.raises(rest.Refused):
        job_image.make_image(job, BODY)
    assert server.images == {}
