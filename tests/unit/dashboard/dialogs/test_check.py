# SPDX-License-Identifier: Apache-2.0
from tests.unit.client.cloud import IMAGE_ID, JOB_ID, image
from tests.unit.dashboard.console import BASE, ConsoleTestCase


class CheckTest(ConsoleTestCase):
    def test_it_begins(self):
        self.cloud.images(image())
        self.cloud.ims("POST", "/v1/cloudimages/check/action", {"job_id": JOB_ID})
        assert self.client.post(f"{BASE}images/{IMAGE_ID}/check/")["Location"] == BASE
        assert self.cloud.only("POST").body == {"image_id": IMAGE_ID}
