# SPDX-License-Identifier: Apache-2.0
from types import SimpleNamespace
from unittest import mock

from ims_glance.api.ims.operations.image_actions import ACTIONS
from ims_glance.client.resources.image import Image
from ims_glance.dashboard.images import possible
from tests.unit.client.cloud import IMAGE_ID
from tests.unit.dashboard.console import ConsoleTestCase


def test_the_names_are_those_of_the_service():
    assert {name for name, *_rest in possible._DIALOGS} <= ACTIONS.keys()


class PossibleTest(ConsoleTestCase):
    def of(self, regions=("One",), allowed=True):
        user = SimpleNamespace(available_services_regions=regions)
        with mock.patch("openstack_dashboard.policy.check", return_value=allowed):
            return {
                each.name: each.reason
                for each in possible.of(SimpleNamespace(user=user), Image(id=IMAGE_ID))
            }

    def test_what_the_policy_forbids_is_not_there(self):
        assert self.of(allowed=False) == {}

    def test_another_region_is_needed_to_copy_to(self):
        assert "copy_cross_region" not in self.of()
        assert "copy_cross_region" in self.of(("One", "Two"))

    def test_the_service_says_why_not(self):
        actions = [{"name": "tag", "allowed": False, "error_code": "IMG.1", "reason": "No.\u202e"}]
        path = f"/v1/cloudimages/{IMAGE_ID}/actions"
        self.cloud.ims("GET", path, {"image_id": IMAGE_ID, "actions": actions})
        assert {name for name, reason in self.of().items() if reason} == {"tag"}
        assert self.of()["tag"] == "No.\ufffd (IMG.1)"
