# SPDX-License-Identifier: Apache-2.0
"""``openstack ims image register``."""

import json

import pytest
from osc_lib import exceptions

from ims_glance.client.commands.image_register import RegisterImage
from tests.unit.client.cloud import IMAGE_ID, JOB_ID, PROJECT, image, job


@pytest.fixture
def ready(cloud):
    cloud.ims("PUT", f"/v1/cloudimages/{IMAGE_ID}/upload", {"job_id": JOB_ID})
    cloud.ims("GET", f"/v1/{PROJECT}/jobs/{JOB_ID}", job("INIT"))
    cloud.images(image(status="queued"))
    return cloud


@pytest.mark.parametrize(
    ("arguments", "more"),
    [
        ([], {}),
        (["--access-key", "a" * 32], {"access_key": "a" * 32}),
        (["--unseal-key", "k"], {"unseal_key": "k"}),
    ],
)
def test_what_is_asked_for(ready, run, arguments, more):
    shown = json.loads(run(RegisterImage, "mine", "bucket:a/b", *arguments, "-f", "json"))
    assert shown["job_id"] == JOB_ID
    assert ready.only("PUT").body == {"image_url": "bucket:a/b", **more}


@pytest.mark.parametrize("file", ["bucket", "bucket:", ":object"])
def test_what_is_no_file(ready, run, file):
    with pytest.raises(exceptions.CommandError, match="BUCKET:OBJECT"):
        run(RegisterImage, "mine", file)
    assert ready.sent("PUT") == []
