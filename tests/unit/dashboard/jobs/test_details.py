# SPDX-License-Identifier: Apache-2.0
from unittest import mock

from tests.unit.client import cloud
from tests.unit.client.cloud import IMAGE_ID, JOB_ID, OTHER, PROJECT
from tests.unit.dashboard.console import BASE, ConsoleTestCase

ONE = f"/v1/{PROJECT}/jobs/{JOB_ID}"


class JobTest(ConsoleTestCase):
    def shown(self, status="SUCCESS", **more):
        self.cloud.ims("GET", ONE, cloud.job(status, **more))
        return self.page(f"jobs/{JOB_ID}/")

    def test_its_parts_and_why_it_failed(self):
        part = {
            "job_id": f"{JOB_ID}-0",
            "job_type": "imsCopyVolumeToImageJob",
            "status": "FAIL",
            "error_code": "IMG.0050",
            "fail_reason": "<i>no</i>",
            "entities": {"image_id": IMAGE_ID},
        }
        entities = {"image_name": "a", "sub_jobs_result": [part]}
        why = {"error_code": "IMG.0050", "fail_reason": "A part failed."}
        shown = self.shown("FAIL", entities=entities, **why)
        assert f"Copy disk {IMAGE_ID} Failed <i>no</i> (IMG.0050)" in shown
        assert "Error Code IMG.0050 Reason A part failed." in shown

    def test_each_project_that_an_image_was_shared_with(self):
        pair = {"image_id": IMAGE_ID, "project_id": OTHER, "status": "success"}
        assert f"{IMAGE_ID} {OTHER} success" in self.shown(entities={"results": [pair]})

    def test_what_was_sent_to_another_region(self):
        sent = {"region": "RegionTwo", "received_bytes": 2**20, "saved_bytes": 2**21}
        shown = self.shown(entities=sent)
        assert (
            "Target Region RegionTwo Sent 1.0\xa0MB Not Sent, Because It Was There 2.0\xa0MB"
            in (shown.replace("1.0 MB", "1.0\xa0MB").replace("2.0 MB", "2.0\xa0MB"))
        )

    def test_the_file_of_one_that_has_ended_is_looked_after(self):
        with mock.patch("ims_glance.dashboard.uploads.sweep") as sweep:
            self.shown(job_type="imsImportImageJob")
        assert sweep.called

    def test_between_nothing_and_one_percent_the_bar_is_nearly_empty(self):
        self.cloud.ims("GET", ONE, cloud.job("RUNNING", percent=0.5))
        content = self.client.get(f"{BASE}jobs/{JOB_ID}/").content.decode()
        assert "width: 0%" in content

    def test_one_that_is_not_there(self):
        self.cloud.refuse("GET", ONE, 404, "IMG.0027", "No such job.")
        assert self.client.get(f"{BASE}jobs/{JOB_ID}/").status_code == 404

    def test_its_row_changes_by_itself(self):
        self.cloud.ims("GET", ONE, cloud.job("RUNNING"))
        query = {"action": "row_update", "table": "job", "obj_id": JOB_ID}
        ajax = {"HTTP_X_REQUESTED_WITH": "XMLHttpRequest"}
        response = self.client.get(f"{BASE}jobs/{JOB_ID}/", query, **ajax)
        assert "warning" in response.content.decode()
