# SPDX-License-Identifier: Apache-2.0
from tests.unit.client.cloud import IMAGE_ID, JOB_ID, OTHER, PROJECT, image
from tests.unit.dashboard.console import BASE, ConsoleTestCase


class ShareTest(ConsoleTestCase):
    def share(self, action):
        self.cloud.images(image())
        for method in ("POST", "DELETE"):
            self.cloud.ims(method, "/v1/cloudimages/members", {"job_id": JOB_ID})
        typed = {"projects": f" {OTHER},\n{PROJECT}\n", "action": action}
        return self.client.post(f"{BASE}images/{IMAGE_ID}/share/", typed)

    def test_with_several_at_once(self):
        assert self.share("share")["Location"] == BASE
        assert self.cloud.only("POST").body == {"images": [IMAGE_ID], "projects": [OTHER, PROJECT]}

    def test_no_longer(self):
        self.share("stop")
        assert self.cloud.only("DELETE").body["projects"] == [OTHER, PROJECT]
