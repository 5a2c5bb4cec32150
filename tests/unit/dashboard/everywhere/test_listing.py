# SPDX-License-Identifier: Apache-2.0
from tests.unit.client.cloud import IMAGE_ID, OTHER, image
from tests.unit.dashboard.console import AdminConsoleTestCase, text

PAGE = "/admin/ims_all/"


class AllImagesTest(AdminConsoleTestCase):
    def test_whose_each_is_and_those_of_one_project(self):
        self.cloud.images(image(owner=OTHER, name="<b>web</b>"))
        response = self.client.get(PAGE, {"owner": OTHER, "kind": "system"})
        assert "<b>web</b> Normal Linux" in text(response)
        assert f"{OTHER} Private image" in text(response)
        (asked,) = self.cloud.requests
        wanted = {"owner": OTHER, "virtual_env_type": "FusionCompute", "limit": "21"}
        assert asked.query == wanted

    def test_delete(self):
        self.cloud.images(image())
        self.cloud.ims("DELETE", f"/v2/images/{IMAGE_ID}", status=204)
        response = self.client.post(PAGE, {"action": f"everywhere__delete__{IMAGE_ID}"})
        assert self.said(response) == ["Deleted Image: mine"]
