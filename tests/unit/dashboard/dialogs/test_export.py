# SPDX-License-Identifier: Apache-2.0
from tests.unit.client.cloud import IMAGE_ID, JOB_ID, image
from tests.unit.dashboard.console import BASE, ConsoleTestCase


class ExportTest(ConsoleTestCase):
    def export(self, file_format):
        self.cloud.images(image())
        self.cloud.ims("POST", f"/v1/cloudimages/{IMAGE_ID}/file", {"job_id": JOB_ID})
        typed = {"bucket": "images", "file": "web.x", "file_format": file_format}
        assert self.client.post(f"{BASE}images/{IMAGE_ID}/export/", typed)["Location"] == BASE
        return self.cloud.only("POST").body

    def test_as_a_file_of_others(self):
        assert self.export("vmdk") == {"bucket_url": "images:web.x", "file_format": "vmdk"}

    def test_quickly(self):
        assert self.export("zvhd2") == {"bucket_url": "images:web.x", "is_quick_export": True}
