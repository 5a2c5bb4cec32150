# SPDX-License-Identifier: Apache-2.0
from tests.unit.client.cloud import IMAGE_ID, image
from tests.unit.dashboard.console import BASE, ConsoleTestCase


class DeleteTest(ConsoleTestCase):
    address = f"{BASE}images/{IMAGE_ID}/delete/"

    def delete(self, typed, **more):
        self.cloud.images(image(**more))
        self.cloud.ims("DELETE", f"/v2/images/{IMAGE_ID}", None, 204)
        return self.client.post(self.address, typed)

    def test_it_is_meant(self):
        assert self.delete({})["Location"] == BASE
        assert self.cloud.only("DELETE").body is None

    def test_with_its_backup(self):
        self.delete({"delete_backup": "on"}, __backup_id="b")
        assert self.cloud.only("DELETE").body == {"delete_backup": True}

    def test_there_is_no_backup_to_ask_about(self):
        self.cloud.images(image())
        assert b"delete_backup" not in self.client.get(self.address).content
