# SPDX-License-Identifier: Apache-2.0
import html
import re

from django.utils import translation

from ims_glance.client.resources.job import Job
from ims_glance.dashboard.images import jobs_table
from tests.unit.client.cloud import IMAGE_ID, JOB_ID, PROJECT
from tests.unit.dashboard.console import BASE, ConsoleTestCase
from tests.unit.dashboard.images.test_listing import JOB


def job(status="RUNNING", **entities):
    return Job.existing(**{**JOB, "status": status, "entities": entities})


class ShownTest(ConsoleTestCase):
    def test_bytes_rate_and_time_left(self):
        shown = jobs_table.bar(
            job(done_bytes=2**20, total_bytes=2**22, bytes_per_second=2**19, remaining_seconds=66)
        )
        assert "25%" in shown
        assert "1.0\xa0MB of 4.0\xa0MB, 512.0\xa0KB/s, 1 min 6 s left" in shown

    def test_a_job_that_has_done_nothing_yet(self):
        assert "0\xa0bytes of 4.0\xa0MB" in jobs_table.bar(job(done_bytes=0, total_bytes=2**22))

    def test_a_job_of_which_nobody_knows_how_far_it_is(self):
        shown = jobs_table.bar(job())
        assert "progress-bar-striped" in shown
        assert "%<" not in shown

    def test_what_is_done_to_the_system_is_said_in_the_user_s_language(self):
        running = job(guest_step={"name": "network", "number": 2, "of": 5})
        assert "network (2 of 5)" in jobs_table.bar(running)
        with translation.override("zh-hans"):
            shown = jobs_table.bar(running)
        assert "2/5" in shown
        assert "of" not in shown.rpartition("network")[2]

    def test_a_failure_says_why(self):
        failed = Job.existing(
            **{**JOB, "status": "FAIL", "error_code": "IMG.0001", "fail_reason": "<no>"}
        )
        assert "IMG.0001: &lt;no&gt;" in jobs_table.bar(failed)

    def test_what_it_is_for(self):
        assert jobs_table.subject(job(image_name="a", image_id=IMAGE_ID)) == "a"
        assert jobs_table.subject(job()) == "-"
        assert jobs_table.place(job(image_id=IMAGE_ID)) == f"{BASE}images/{IMAGE_ID}/"
        assert jobs_table.place(job(image_id=IMAGE_ID, region="RegionTwo")) is None


class RowTest(ConsoleTestCase):
    def test_it_changes_until_it_has_ended(self):
        query = {"action": "row_update", "table": "running_jobs", "obj_id": JOB_ID}
        found = []
        for status in ("RUNNING", "SUCCESS"):
            self.cloud.ims("GET", f"/v1/{PROJECT}/jobs/{JOB_ID}", {**JOB, "status": status})
            ajax = {"HTTP_X_REQUESTED_WITH": "XMLHttpRequest"}
            response = self.client.get(f"{BASE}private/", query, **ajax)
            found.append("warning" in response.content.decode())
        assert found == [True, False]

    def test_it_is_asked_for_again_after_the_service_was_away(self):
        query = {"action": "row_update", "table": "running_jobs", "obj_id": JOB_ID}
        self.cloud.refuse("GET", f"/v1/{PROJECT}/jobs/{JOB_ID}", 503, "IMG.0029", "Not now.")
        ajax = {"HTTP_X_REQUESTED_WITH": "XMLHttpRequest"}
        response = self.client.get(f"{BASE}private/", query, **ajax)
        assert response.status_code == 200
        content = response.content.decode()
        assert "warning" in content
        assert f"obj_id={JOB_ID}" in content
        assert "Not now. (IMG.0029)" in content

    def test_it_says_what_it_is_while_the_service_is_away(self):
        self.cloud.ims("GET", f"/v1/{PROJECT}/jobs", {"jobs": [JOB]})
        page = self.client.get(f"{BASE}private/").content.decode()
        address = next(
            html.unescape(each)
            for each in re.findall(r'data-update-url="([^"]*)"', page)
            if JOB_ID in each
        )
        self.cloud.refuse("GET", f"/v1/{PROJECT}/jobs/{JOB_ID}", 503, "IMG.0029", "Not now.")
        row = self.client.get(address, HTTP_X_REQUESTED_WITH="XMLHttpRequest").content.decode()
        assert "Copy image" in row
        assert "copy_web" in row
        assert html.escape(address) in row

    def test_cancel(self):
        self.cloud.ims("GET", f"/v1/{PROJECT}/jobs", {"jobs": [JOB]})
        self.cloud.ims("DELETE", f"/v1/{PROJECT}/jobs/{JOB_ID}", JOB)
        response = self.client.post(
            f"{BASE}private/", {"action": f"running_jobs__cancel__{JOB_ID}"}
        )
        assert self.said(response) == ["Cancelling Job: Copy image (copy_web)"]
        assert self.cloud.only("DELETE")
