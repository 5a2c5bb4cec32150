# SPDX-License-Identifier: Apache-2.0
"""Reports of systems: who is shown them, and who may have one made."""

import dataclasses
import datetime

import pytest

from ims_glance import exceptions
from ims_glance.api.ims.operations import image_report
from ims_glance.api.ims.operations.image_report import check_image, show_image_report
from ims_glance.db.report import KeptReport
from ims_glance.model import job as jobs
from tests.unit.api.ims import calls

MADE = datetime.datetime(2026, 11, 29, 9, 0, 0, 5000)
CONTENT = {"guest": None, "steps": [], "notes": ["It was looked at."], "accelerated": False}


class Reports:
    """The table."""

    def __init__(self, *kept):
        self._kept = {each.image_id: each for each in kept}

    def get(self, image_id):
        """That of an image."""
        return self._kept.get(image_id)


@pytest.fixture
def show(tmp_path):
    def shown(*kept, **changes):
        call = calls.call(
            calls.configuration(tmp_path), calls.view(**changes), image_id=calls.IMAGE
        )
        service = dataclasses.replace(call.service, reports=Reports(*kept))
        return show_image_report(dataclasses.replace(call, service=service)).body

    return shown


def refused(code, ask, *arguments, **named):
    with pytest.raises(exceptions.ImsError) as error:
        ask(*arguments, **named)
    assert error.value.code == code
    return str(error.value)


def test_the_owner_is_shown_it(show):
    kept = KeptReport(calls.IMAGE, calls.PROJECT, MADE, CONTENT)
    assert show(kept) == {
        "image_id": calls.IMAGE,
        "made_at": "2026-11-29T09:00:00.005Z",
        "report": CONTENT,
    }


@pytest.mark.parametrize("visibility", ["shared", "community", "public"])
def test_nobody_else_is(show, visibility):
    kept = KeptReport(calls.IMAGE, calls.OTHER, MADE, CONTENT)
    refused("IMG.0047", show, kept, owner=calls.OTHER, visibility=visibility)


def test_a_buyer_is_not(show):
    kept = KeptReport(calls.IMAGE, calls.OTHER, MADE, CONTENT)
    bought = {"owner": calls.OTHER, "visibility": "shared", "__imagetype": "market"}
    assert "marketplace" in refused("IMG.0047", show, kept, **bought)


def test_there_is_none(show):
    assert f"image check {calls.IMAGE}" in refused("IMG.0121", show)


def test_that_of_a_former_owner_is_none(show):
    refused("IMG.0121", show, KeptReport(calls.IMAGE, calls.OTHER, MADE, CONTENT))


def test_no_image(tmp_path):
    call = calls.call(calls.configuration(tmp_path), image_id=calls.ABSENT)
    refused("IMG.0027", show_image_report, call)


class TestCheck:
    @pytest.fixture
    def make(self, site, server):
        server.objects["disk.raw"] = b"x" * 1000
        return site.call

    def test_an_image(self, tmp_path):
        body = {"image_id": calls.IMAGE, "image_url": None}
        call = calls.call(calls.configuration(tmp_path), calls.view(), body=body)
        answer = check_image(call)
        assert (answer.body, answer.image_ids) == ({"job_id": calls.JOB}, (calls.IMAGE,))
        [(job_type, arguments, entities, creates)] = call.service.jobs.accepted
        assert (job_type, arguments, creates) == (
            jobs.CHECK_IMAGE,
            {"image_id": calls.IMAGE},
            False,
        )
        assert entities == {"image_name": "image", "checked_image_id": calls.IMAGE}

    def test_a_received_image(self, tmp_path):
        view = calls.view(owner=calls.OTHER, visibility="shared")
        call = calls.call(calls.configuration(tmp_path), view, body={"image_id": calls.IMAGE})
        assert check_image(call).job_id == calls.JOB

    def test_a_file(self, make):
        call = make({"image_url": "bucket:disk.raw"})
        answer = check_image(call)
        assert (answer.body, answer.image_ids) == ({"job_id": calls.JOB}, ())
        [(job_type, arguments, entities, _creates)] = call.service.jobs.accepted
        assert (job_type, arguments["file"]["size"]) == (jobs.CHECK_IMAGE, 1000)
        assert entities == {"file": "bucket:disk.raw"}

    @pytest.mark.parametrize(
        "body", [{}, {"image_id": None}, {"image_id": calls.IMAGE, "image_url": "bucket:disk.raw"}]
    )
    def test_one_thing(self, make, body):
        refused("IMG.0016", check_image, make(body))

    def test_no_file(self, make):
        refused("IMG.0057", check_image, make({"image_url": "bucket:absent"}))

    @pytest.mark.parametrize(
        ("changes", "code"),
        [
            ({"status": "queued"}, "IMG.0046"),
            ({"virtual_env_type": "IsoImage"}, "IMG.0167"),
            ({"__component_of": calls.SECOND}, "IMG.0128"),
            ({"owner": calls.OTHER, "visibility": "shared", "__imagetype": "market"}, "IMG.0047"),
        ],
    )
    def test_refusals(self, tmp_path, changes, code):
        conf = calls.configuration(tmp_path)
        call = calls.call(conf, calls.view(**changes), body={"image_id": calls.IMAGE})
        refused(code, check_image, call)
        assert call.service.jobs.accepted == []


def test_reading_needs_no_more_than_reading():
    rights = {each.name: each.access.name for each in image_report.OPERATIONS}
    assert rights == {"show_image_report": "READ", "check_image": "WRITE"}
