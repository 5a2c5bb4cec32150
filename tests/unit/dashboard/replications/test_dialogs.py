# SPDX-License-Identifier: Apache-2.0
from tests.unit.client.cloud import PROJECT, replication
from tests.unit.dashboard.console import BASE, ConsoleTestCase, text

ALL = f"/v1/{PROJECT}/replications"
ID = "e" * 32


class CreateTest(ConsoleTestCase):
    def create(self, **typed):
        # Another one than the user's.
        typed = {"name": "r", "region": "RegionTwo", **typed}
        return self.client.post(f"{BASE}replications/create/", typed)

    def test_of_what_is_filled_in(self):
        self.cloud.ims("POST", ALL, replication())
        response = self.create(tag="a=b", keep="3", existing="on")
        assert response["Location"] == f"{BASE}replications/"
        body = self.cloud.only("POST").body
        assert body == {
            "name": "r",
            "region": "RegionTwo",
            "tag": "a=b",
            "keep": 3,
            "existing": True,
        }

    def test_what_is_refused_stands_in_the_dialog(self):
        self.cloud.refuse("POST", ALL, 400, "IMG.0104", "Say which images.")
        assert "Say which images. (IMG.0104)" in text(self.create())


class ChangeTest(ConsoleTestCase):
    PATH = f"{BASE}replications/{ID}/change/"

    def test_only_what_was_changed_is_sent(self):
        self.cloud.ims("GET", f"{ALL}/{ID}", replication())
        self.cloud.ims("PUT", f"{ALL}/{ID}", replication())
        self.client.post(self.PATH, {"name": "releases", "keep": ""})
        assert self.cloud.only("PUT").body == {"keep": None}
        self.client.post(self.PATH, {"name": "releases", "keep": "3"})
        assert len(self.cloud.sent("PUT")) == 1
