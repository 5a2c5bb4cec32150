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

    def test_who_approves_what_nobody_could_look_into_says_so_and_why(self):
        scan = {"state": "not inspected", "is_whole": False, "findings": []}
        self.cloud.ims("GET", ONE, handed_in(document={}, scan=scan))
        assert "I know what is in it" in text(self.client.get(f"{REVIEWS}{ID}/approve/"))
        assert "I know what is in it" not in text(self.client.get(f"{REVIEWS}{ID}/reject/"))
        for said in ({}, {"reasons": "booted it"}, {"uninspected": "on"}):
            response = self.client.post(f"{REVIEWS}{ID}/approve/", said)
            assert "This field is required." in text(response)
        said = {"uninspected": "on", "reasons": "booted it"}
        self.client.post(f"{REVIEWS}{ID}/approve/", said)
        assert self.cloud.only("POST").body == {"uninspected": True, "reasons": "booted it"}
        self.client.post(f"{REVIEWS}{ID}/reject/", {"reasons": "no guide"})
        assert [each.body for each in self.cloud.sent("POST")][1:] == [{"reasons": "no guide"}]

    def test_who_rejects_says_why(self):
        response = self.client.post(f"{REVIEWS}{ID}/reject/", {})
        assert "This field is required." in text(response)
        self.client.post(f"{REVIEWS}{ID}/reject/", {"reasons": "no guide"})
        assert self.cloud.only("POST").body == {"reasons": "no guide"}

    def test_nobody_decides_about_their_own(self):
        self.cloud.refuse("POST", f"{ONE}/approve", 403, "IMG.0006", "It is your own.")
        response = self.client.post(f"{REVIEWS}{ID}/approve/", {})
        assert "It is your own. (IMG.0006)" in text(response)
