# SPDX-License-Identifier: Apache-2.0
"""What the commands share: several images at once, and waiting."""

import argparse

import pytest
from osc_lib import exceptions

from ims_glance.client import waiting
from ims_glance.client.commands.image_change import DeleteImages
from ims_glance.client.commands.image_create import CopyImage
from ims_glance.client.commands.job import WaitForJob
from ims_glance.client.shell import base
from tests.unit.client.cloud import IMAGE, IMAGE_ID, JOB_ID, PROJECT, SECOND_ID, Answer, image, job

JOB = f"/v1/{PROJECT}/jobs/{JOB_ID}"


@pytest.fixture
def copying(cloud):
    """A cloud that accepts a copy."""
    cloud.images(image())
    cloud.ims("POST", f"/v1/cloudimages/{IMAGE_ID}/copy", {"job_id": JOB_ID})
    return cloud


def test_it_goes_on_when_one_fails(cloud, run, caplog):
    cloud.images(image(), image(SECOND_ID, "other"))
    cloud.refuse("DELETE", f"/v2/images/{IMAGE_ID}", 403, "IMG.0028", "It is protected.")
    cloud.ims("DELETE", f"/v2/images/{SECOND_ID}", status=204)
    with pytest.raises(exceptions.CommandError, match=r"^2 of 3 images were not deleted\.$"):
        run(DeleteImages, "mine", "nothing", "other", "mine")
    assert len(cloud.sent("DELETE")) == 2
    assert "mine: IMG.0028: It is protected. (HTTP 403, request req-7)" in caplog.text
    assert "nothing: There is no image" in caplog.text


def test_a_job_is_shown(copying, run):
    copying.ims("GET", JOB, job("INIT"))
    assert f"job_id={JOB_ID!r}" in run(CopyImage, "mine", "-f", "shell").replace('"', "'")


def test_the_id_of_a_job_is_not_lost(copying, run, caplog):
    copying.ims("GET", JOB, {}, 500)
    assert run(CopyImage, "mine", "-f", "value", "-c", "job_id") == f"{JOB_ID}\n"
    assert "was accepted" in caplog.text


def test_waiting_shows_the_image(copying, run, capsys):
    copying.ims("GET", JOB, job())
    assert run(CopyImage, "mine", "--wait", "-f", "value", "-c", "id") == f"{IMAGE_ID}\n"


def test_waiting_for_what_fails(copying, run):
    copying.ims("GET", JOB, job("FAIL", error_code="IMG.0015", fail_reason="Too many images."))
    with pytest.raises(waiting.JobFailed, match=r"IMG\.0015: Too many images"):
        run(CopyImage, "mine", "--wait")


@pytest.mark.parametrize("interrupted", [True, False])
def test_when_the_waiting_ends_first(cloud, run, capsys, interrupted):
    def asked(_request):
        if interrupted:
            raise KeyboardInterrupt
        return Answer(200, job("RUNNING"))

    cloud.on("GET", f"{IMAGE}{JOB}", asked)
    advice = f"openstack ims job wait {JOB_ID}"
    if interrupted:
        with pytest.raises(KeyboardInterrupt):
            run(WaitForJob, JOB_ID)
        assert advice in capsys.readouterr().err
        return
    with pytest.raises(exceptions.CommandError, match=advice):
        run(WaitForJob, JOB_ID, "--timeout", "1")


def test_an_unknown_job(cloud, run):
    cloud.refuse("GET", JOB, 404, "IMG.0121", "There is no such job.")
    with pytest.raises(exceptions.CommandError, match=r"^IMG\.0121: There is no such job"):
        run(WaitForJob, JOB_ID)


@pytest.mark.parametrize("text", ["0", "-1", "1.5", "", "²"])
def test_positive(text):
    with pytest.raises(argparse.ArgumentTypeError, match="above 0"):
        base.positive(text)
    assert base.positive("7") == 7
