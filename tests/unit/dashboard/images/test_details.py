# SPDX-License-Identifier: Apache-2.0
import json

from ims_glance.client.resources.image import Image
from ims_glance.dashboard.images import details
from tests.unit.client.cloud import IMAGE_ID, OTHER, PROJECT, image
from tests.unit.dashboard.console import BASE, ConsoleTestCase

MEMBERS = f"/v1/{PROJECT}/cloudimages/{IMAGE_ID}/members"


class DetailsTest(ConsoleTestCase):
    def shown(self, **more):
        self.cloud.images(image(**more))
        return self.page(f"images/{IMAGE_ID}/")

    def test_all_that_is_known_of_an_image(self):
        self.cloud.ims("GET", MEMBERS, {"members": [{"member_id": OTHER, "status": "pending"}]})
        mine = {"owner": self.tenant.id, "__description": "<i>of\u202e mine</i>"}
        shown = self.shown(__system__cmkid="k-1", **mine)
        assert "Encrypted Yes Key k-1" in shown
        assert "<i>of\ufffd mine</i>" in shown
        assert "Tags env=test" in shown
        assert f"{OTHER} Not answered" in shown

    def test_the_disks_of_a_whole_machine(self):
        mapping = json.dumps([{"boot_index": 0, "volume_size": 3}, {"volume_size": 4}])
        shown = self.shown(__whole_image="true", block_device_mapping=mapping)
        assert "System disk 3 - -" in shown
        assert "Data disk 4 - -" in shown

    def test_who_has_it_is_not_asked_of_somebody_elses(self):
        assert "Shared With" not in self.shown(owner=OTHER)

    def test_a_service_that_does_not_show_it_now(self):
        self.cloud.refuse("GET", "/v2/cloudimages", 403, "IMG.0003", "You may not.")
        response = self.client.get(f"{BASE}images/{IMAGE_ID}/")
        assert response["Location"] == BASE
        assert self.said(response) == ["You may not. (IMG.0003)"]

    def test_an_image_that_is_not_there(self):
        self.cloud.images()
        assert self.client.get(f"{BASE}images/{IMAGE_ID}/").status_code == 404


def test_where_it_is_from():
    assert details.origin(Image(data_origin="image,RegionOne,i")) == "Image: RegionOne,i"
    assert details.origin(Image()) == "-"
