# SPDX-License-Identifier: Apache-2.0
from unittest import mock

from ims_glance.client.resources.job import Job
from ims_glance.dashboard.jobs import listing
from tests.unit.client import cloud
from tests.unit.client.cloud import JOB_ID, PROJECT
from tests.unit.dashboard.console import BASE, ConsoleTestCase, text

JOBS = f"{BASE}jobs/"
FAILED = {"error_code": "IMG.0043", "fail_reason": "It is\u202e gone."}


class JobsTest(ConsoleTestCase):
    def jobs(self, *jobs):
        self.cloud.ims("GET", f"/v1/{PROJECT}/jobs", {"jobs": list(jobs)})

    def test_those_that_ended_too_and_why(self):
        about = {"image_name": "<b>web</b>"}
        self.jobs(
            cloud.job("FAIL", **FAILED, entities=about), cloud.job("RUNNING", job_id="f" * 32)
        )
        shown = self.page("jobs/")
        assert "Copy image <b>web</b> Failed It is\ufffd gone. (IMG.0043)" in shown
        assert "Copy image copy Running" in shown
        assert "Cancel Job" in shown
        (asked,) = self.cloud.requests
        assert asked.query == {"limit": "21"}

    def test_chosen_by_status_and_type_whose_address_is_kept(self):
        self.jobs(*(cloud.job(job_id=f"{number:032x}") for number in range(21)))
        query = {"status": "FAIL", "type": "imsImportImageJob"}
        response = self.client.get(JOBS, query)
        (asked,) = self.cloud.requests
        wanted = {"status": "FAIL", "job_type": "imsImportImageJob", "limit": "21"}
        assert asked.query == wanted
        content = response.content.decode()
        assert f"?status=FAIL&amp;type=imsImportImageJob&amp;marker={19:032x}" in content

    def test_a_later_page_leads_back_to_the_first(self):
        self.jobs()
        response = self.client.get(JOBS, {"status": "FAIL", "marker": JOB_ID})
        assert self.cloud.only("GET").query["marker"] == JOB_ID
        assert f'href="{JOBS}?status=FAIL"' in response.content.decode()

    def test_a_refusal_is_shown_and_the_page_is_there(self):
        self.cloud.refuse("GET", f"/v1/{PROJECT}/jobs", 403, "IMG.0003", "You may not.")
        response = self.client.get(JOBS)
        assert "You may not. (IMG.0003)" in text(response)

    def test_a_file_of_one_that_has_ended_is_looked_after(self):
        for status, count in (("RUNNING", 0), ("SUCCESS", 1)):
            self.jobs(cloud.job(status, job_type="imsImportImageJob"))
            with mock.patch("ims_glance.dashboard.uploads.sweep") as sweep:
                self.client.get(JOBS)
            assert sweep.call_count == count

    def test_cancel(self):
        self.jobs(cloud.job("RUNNING"))
        self.cloud.ims("DELETE", f"/v1/{PROJECT}/jobs/{JOB_ID}", cloud.job("RUNNING"))
        response = self.client.post(JOBS, {"action": f"jobs__cancel__{JOB_ID}"})
        assert self.said(response) == ["Cancelling Job: Copy image (copy)"]
        assert self.cloud.only("DELETE")


def test_a_failure_without_a_reason():
    assert listing.outcome(Job.existing(**cloud.job("FAIL"))) == "Failed"
