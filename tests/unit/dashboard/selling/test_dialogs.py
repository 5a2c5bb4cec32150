# SPDX-License-Identifier: Apache-2.0
from tests.unit.client.cloud import IMAGE_ID, PROJECT, image, sold
from tests.unit.dashboard.console import ConsoleTestCase, text

ID = "a" * 32
ONE = f"/v1/{PROJECT}/market/seller/products/{ID}"
HERE = f"/project/ims_market/selling/{ID}/"


class DialogsTest(ConsoleTestCase):
    def send(self, what, state="listed", pending=None, **typed):
        self.cloud.ims("GET", ONE, sold(state=state, submission_id=pending))
        self.cloud.ims("POST", f"{ONE}/{'versions' if what == 'version' else what}", sold())
        response = self.client.post(f"{HERE}{what}/", typed)
        assert response["Location"] == HERE
        return self.cloud.only("POST").body, self.said(response)

    def test_another_version(self):
        self.cloud.images(image())
        body, _said = self.send("version", name="V2.0", image=IMAGE_ID, release_notes="n")
        assert body == {"name": "V2.0", "image_id": IMAGE_ID, "release_notes": "n"}

    def test_no_new_buyers(self):
        body, said = self.send("restrict", why="a newer one")
        assert (body, said) == ({"why": "a newer one"}, ["It takes no new buyers."])

    def test_withdrawn_from_a_day_on(self):
        body, said = self.send("withdraw", after_days="90")
        assert (body, said) == ({"after_days": 90}, ["The product was withdrawn."])

    def test_taken_back(self):
        body, said = self.send("withdraw", "submitted", "v", why="too early")
        assert (body, said) == ({"why": "too early"}, ["The version was taken back."])
        assert "After Days" not in text(self.client.get(f"{HERE}withdraw/"))
