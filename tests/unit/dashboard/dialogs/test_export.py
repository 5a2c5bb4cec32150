# SPDX-License-Identifier: Apache-2.0
from ims_glance.client.resources.image import Image
from ims_glance.dashboard.dialogs import export
from tests.unit.client.cloud import IMAGE_ID, JOB_ID, image
from tests.unit.dashboard.console import BASE, ConsoleTestCase


class ExportTest(ConsoleTestCase):
    def export(self, file_format, **more):
        self.cloud.images(image(**more))
        self.cloud.ims("POST", f"/v1/cloudimages/{IMAGE_ID}/file", {"job_id": JOB_ID})
        typed = {"bucket": "images", "file": "web.x", "file_format": file_format}
        assert self.client.post(f"{BASE}images/{IMAGE_ID}/export/", typed)["Location"] == BASE
        return self.cloud.only("POST").body

    def test_as_a_file_of_others(self):
        assert self.export("vmdk") == {"bucket_url": "images:web.x", "file_format": "vmdk"}

    def test_quickly(self):
        assert self.export("zvhd2") == {"bucket_url": "images:web.x", "is_quick_export": True}

    def test_a_whole_machine_as_an_archive_of_all_its_disks(self):
        body = self.export("ova", __whole_image="true")
        assert body == {"bucket_url": "images:web.x", "file_format": "ova"}

    def test_an_encrypted_one_as_it_lies_in_its_store(self):
        body = self.export("sealed", __system__cmkid="k")
        assert body == {"bucket_url": "images:web.x", "file_format": "sealed"}


def test_what_can_be_chosen():
    assert dict(export.choices(Image())).keys() == {*export.FORMATS}
    assert dict(export.choices(Image(__whole_image="true", cmk_id="k"))).keys() == {"ova"}
    assert dict(export.choices(Image(cmk_id="k"))).keys() == {*export.FORMATS, "sealed"}
