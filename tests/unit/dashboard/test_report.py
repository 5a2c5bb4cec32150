# SPDX-License-Identifier: Apache-2.0
from ims_glance.dashboard import report
from tests.unit.client.cloud import JOB_ID, PROJECT
from tests.unit.dashboard.console import ConsoleTestCase


class OfJobTest(ConsoleTestCase):
    def of(self, **more):
        job = {"job_id": JOB_ID, "status": "SUCCESS", "entities": {}, **more}
        job["entities"] = {"file": "b:f", **job["entities"]}
        self.cloud.ims("GET", f"/v1/{PROJECT}/jobs/{JOB_ID}", job)
        return report.of_job(None, JOB_ID, "b:f")

    def test_one_that_failed_says_why(self):
        failed = {"status": "FAIL", "error_code": "IMG.0001", "fail_reason": "No."}
        assert self.of(**failed).failure == "IMG.0001: No."

    def test_one_of_another_file_says_nothing(self):
        assert self.of(entities={"file": "b:other", "report": {}}) is None

    def test_one_that_runs_has_more_to_say(self):
        assert self.of(status="RUNNING").is_running

    def test_what_was_found(self):
        guest = {"has_virtio": True, "notes": ["<old>"]}
        found = self.of(entities={"report": {"guest": guest, "notes": ["It is empty."]}})
        assert ("virtio Drivers", "Yes") in found.lines
        assert ("cloud-init", "-") in found.lines
        assert [line for line in found.lines if line[0] == "Note"] == [
            ("Note", "<old>"),
            ("Note", "It is empty."),
        ]


def test_nothing_was_found():
    assert ("System", "None that is known") in report.of({}).lines
