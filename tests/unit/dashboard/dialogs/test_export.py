# SPDX-License-Identifier: Apache-2.0
from ims_glance.client import exporting
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

    def test_a_whole_machine_as_one_file_of_each_disk(self):
        body = self.export("qcow2", __whole_image="true")
        assert body == {"bucket_url": "images:web.x", "file_format": "qcow2"}

    def test_the_names_of_the_files_of_a_machine_are_said(self):
        for is_whole, known in ((True, {"__whole_image": "true"}), (False, {})):
            self.cloud.images(image(**known))
            shown = self.client.get(f"{BASE}images/{IMAGE_ID}/export/").content.decode()
            assert ("what the names of all files begin with" in shown) is is_whole


def test_what_can_be_chosen():
    machine = Image(__whole_image="true")
    assert [form for form, _title in export.choices(machine)] == [*exporting.formats(machine)]
    (title, *_rest) = [title for _form, title in export.choices(machine)]
    assert title == "ova: one file with all disks"
