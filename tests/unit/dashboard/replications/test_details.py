# SPDX-License-Identifier: Apache-2.0
from tests.unit.client.cloud import IMAGE_ID, JOB_ID, PROJECT, SECOND_ID, replication
from tests.unit.dashboard.console import BASE, ConsoleTestCase

ID = "e" * 32
ONE = f"/v1/{PROJECT}/replications/{ID}"


class ReplicationTest(ConsoleTestCase):
    def test_what_became_of_each_image(self):
        about = {"image_id": IMAGE_ID, "image_name": "<b>a</b>", "region": "RegionTwo"}
        running = {**about, "state": "running", "process_percent": 40, "job_id": JOB_ID}
        failed = {
            **about, "image_id": SECOND_ID, "image_name": None, "state": "failed",
            "error_code": "IMG.0060", "reason": "Too many.", "try_again_at": "2026-11-24T01:00:00Z",
        }  # fmt: skip
        self.cloud.ims("GET", ONE, replication(images=[running, failed]))
        response = self.client.get(f"{BASE}replications/{ID}/")
        assert f'href="{BASE}jobs/{JOB_ID}/"' in response.content.decode()
        shown = self.page(f"replications/{ID}/")
        assert "<b>a</b> RegionTwo Running (40 %) -" in shown
        assert f"{SECOND_ID} RegionTwo Failed - Too many. (IMG.0060) Nov. 24, 2026" in shown

    def test_one_that_is_not_there(self):
        self.cloud.refuse("GET", ONE, 404, "IMG.0027", "There is none.")
        assert self.client.get(f"{BASE}replications/{ID}/").status_code == 404
