# SPDX-License-Identifier: Apache-2.0
import json
from unittest import mock

from ims_glance.client.resources.image import Image
from ims_glance.dashboard.images import details
from tests.unit.client.cloud import IMAGE, IMAGE_ID, OTHER, PROJECT, Answer, image
from tests.unit.dashboard.console import BASE, ConsoleTestCase, text

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

    def test_what_is_not_possible_is_there_and_says_why(self):
        reason = {"error_code": "IMG.0046", "reason": "It <i> is not active."}
        actions = [{"name": "copy", "allowed": False, **reason}, {"name": "share", "allowed": True}]
        path = f"/v1/cloudimages/{IMAGE_ID}/actions"
        self.cloud.ims("GET", path, {"image_id": IMAGE_ID, "actions": actions})
        self.cloud.images(image())
        response = self.client.get(f"{BASE}images/{IMAGE_ID}/")
        assert "Copy It <i> is not active. (IMG.0046)" in text(response)
        content = response.content.decode()
        assert f'href="{BASE}images/{IMAGE_ID}/share/"' in content
        assert f"images/{IMAGE_ID}/copy/" not in content

    def test_a_service_that_does_not_say_what_is_possible_forbids_nothing(self):
        assert "not possible" not in self.shown()

    def test_what_was_done_to_it(self):
        event = {
            "time": "2026-11-29T09:00:00.000000+0000",
            "outcome": "failure",
            "user_name": "demo",
        }
        events = [{**event, "name": "exportImage", "error_code": "IMG.0046"}]
        self.cloud.ims("GET", f"/v1/cloudimages/{IMAGE_ID}/history", {"events": events})
        assert "Export image demo Refused (IMG.0046)" in self.shown()

    def test_what_is_in_it(self):
        report = {"guest": {"product_name": "Debian 12"}, "steps": [], "notes": []}
        kept = {"image_id": IMAGE_ID, "made_at": "2026-11-29T09:00:00Z", "report": report}
        self.cloud.ims("GET", f"/v1/cloudimages/{IMAGE_ID}/report", kept)
        assert "System Debian 12" in self.shown(owner=self.tenant.id)

    def test_copies_are_looked_for_when_they_are_asked_for(self):
        self.cloud.images(image(owner=self.tenant.id))
        copies = f"{IMAGE}/v2/images"
        self.cloud.on("GET", copies, lambda _request: Answer(200, {"images": []}))
        place = "openstack_auth.user.User.available_services_regions"
        with mock.patch(place, mock.PropertyMock(return_value=["RegionOne"])):
            assert "Ask the Regions" not in self.page(f"images/{IMAGE_ID}/")
        there = mock.patch(
            "ims_glance.dashboard.connection.ims_in", lambda _request, _region: self.service
        )
        regions = mock.PropertyMock(return_value=["RegionOne", "RegionTwo"])
        with mock.patch(place, regions), there:
            assert "Ask the Regions" in self.page(f"images/{IMAGE_ID}/")
            assert "None of the project" in self.page(f"images/{IMAGE_ID}/", regions="1")


def test_whether_it_is_in_the_marketplace():
    assert details.published(Image()) == "Not published"
    assert details.published(Image(__imagetype="market")) == "Published"
    holds = Image(properties={"__productcode": "p"})
    assert details.published(holds) == "Holds a product of the marketplace"
