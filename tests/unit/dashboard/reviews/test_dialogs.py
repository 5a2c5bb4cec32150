# SPDX-License-Identifier: Apache-2.0
from tests.unit.client.cloud import PROJECT, handed_in
from tests.unit.dashboard.console import AdminConsoleTestCase, text

ID = "e" * 32
ONE = f"/v1/{PROJECT}/market/reviews/{ID}"
REVIEWS = "/admin/ims_reviews/"


class DecisionTest(AdminConsoleTestCase):
    def setUp(self):
        super().setUp()
        self.cloud.ims("GET", ONE, handed_in(document={}))
        for decision in ("approve", "reject"):
            self.cloud.ims("POST", f"{ONE}/{decision}", handed_in(document={}))

    def test_approve(self):
        response = self.client.post(f"{REVIEWS}{ID}/approve/", {})
        assert response["Location"] == REVIEWS
        assert not self.cloud.only("POST").body

    def test_who_rejects_says_why(self):
        response = self.client.post(f"{REVIEWS}{ID}/reject/", {})
        assert "This field is required." in text(response)
        self.client.post(f"{REVIEWS}{ID}/reject/", {"reasons": "no guide"})
        assert self.cloud.only("POST").body == {"reasons": "no guide"}

    def test_nobody_decides_about_their_own(self):
        self.cloud.refuse("POST", f"{ONE}/approve", 403, "IMG.0006", "It is your own.")
        response = self.client.post(f"{REVIEWS}{ID}/approve/", {})
        assert "It is your own. (IMG.0006)" in text(response)
