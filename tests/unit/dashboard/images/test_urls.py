# SPDX-License-Identifier: Apache-2.0
from tests.unit.client.cloud import PROJECT, image
from tests.unit.dashboard.console import BASE, ConsoleTestCase
from tests.unit.dashboard.images.test_listing import JOB


class AddressTest(ConsoleTestCase):
    def test_an_id_in_capitals(self):
        """Glance takes it from whoever makes an image, and may share it then."""
        capitals = "ABCDEF00-2222-4333-8444-555555555555"
        about = {**JOB, "entities": {"image_name": "loud_job", "image_id": capitals}}
        self.cloud.ims("GET", f"/v1/{PROJECT}/jobs", {"jobs": [about]})
        self.cloud.images(
            image(capitals, "loud"), image(capitals, "offered", member_status="pending")
        )
        link = f'href="{BASE}images/{capitals}/"'
        private = self.client.get(BASE).content.decode()
        assert private.count(link) == 2
        assert f"{BASE}images/{capitals}/modify/" in private
        assert self.client.get(f"{BASE}shared/").content.decode().count(link) == 3
        assert self.client.get(f"{BASE}images/{capitals}/").status_code == 200

    def test_what_is_no_id_has_no_page(self):
        assert self.client.get(f"{BASE}images/mine/").status_code == 404
