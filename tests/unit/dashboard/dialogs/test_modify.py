# SPDX-License-Identifier: Apache-2.0
from ims_glance.dashboard.dialogs import modify
from tests.unit.client.cloud import IMAGE_ID, image
from tests.unit.dashboard.console import BASE, ConsoleTestCase


class ModifyTest(ConsoleTestCase):
    def modify(self, max_ram="0", **changed):
        self.cloud.images(image(__description="old", max_ram=max_ram))
        self.cloud.ims("PATCH", f"/v2/cloudimages/{IMAGE_ID}", image())
        same = {"name": "mine", "description": "old", "min_ram": "0", "max_ram": "0"}
        response = self.client.post(f"{BASE}images/{IMAGE_ID}/modify/", same | changed)
        assert response.status_code == 302
        return [(each["op"], each["path"], each.get("value")) for each in self.sent()]

    def sent(self):
        return [change for request in self.cloud.sent("PATCH") for change in request.body]

    def test_only_what_was_changed_is_sent(self):
        assert self.modify(min_ram="4096") == [("replace", "/min_ram", 4096)]
        assert self.cloud.only("PATCH")

    def test_what_is_emptied_is_taken_away(self):
        assert self.modify(description="") == [("remove", "/__description", None)]

    def test_a_tick(self):
        assert self.modify(multiqueue="on") == [("add", "/hw_vif_multiqueue_enabled", "true")]

    def test_a_limit_that_is_no_number_is_left_alone(self):
        """Glance takes any text."""
        assert self.modify("plenty", min_ram="4096") == [("replace", "/min_ram", 4096)]

    def test_a_description_is_one_line(self):
        """The service takes no more."""
        self.cloud.images(image())
        content = self.client.get(f"{BASE}images/{IMAGE_ID}/modify/").content
        assert b'<input type="text" name="description"' in content

    def test_nothing(self):
        assert self.modify() == []


def test_the_decks_steps_and_what_the_image_has():
    sizes = [value for value, _text in modify.steps(modify.MIN_RAM, 512)]
    assert sizes == [str(n) for n in (0, 512, 1024, 2048, 4096, 8192, 16384, 32768, 65536, 131072)]
    assert [str(text) for _value, text in modify.steps(modify.MAX_RAM, "0")][1] == "4 GB"
