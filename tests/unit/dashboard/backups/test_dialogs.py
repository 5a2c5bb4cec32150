# SPDX-License-Identifier: Apache-2.0
from unittest import mock

from tests.unit.client.cloud import BACKUP_ID, JOB_ID, PROJECT, backup
from tests.unit.dashboard.console import BASE, ConsoleTestCase, text

ALL = f"/v1/{PROJECT}/server-backups"


class CreateTest(ConsoleTestCase):
    def setUp(self):
        super().setUp()
        self.cloud.ims("POST", ALL, {"job_id": JOB_ID, "backup_id": BACKUP_ID})
        patch = mock.patch(
            "ims_glance.dashboard.backups.servers.choices", lambda request: [("s-1", "web")]
        )
        patch.start()
        self.addCleanup(patch.stop)

    def create(self, **typed):
        typed = {"server": "s-1", "name": "n"} | typed
        return self.client.post(f"{BASE}backups/create/", typed)

    def test_of_a_server_that_stands_still(self):
        assert self.create()["Location"] == f"{BASE}backups/"
        assert self.cloud.only("POST").body == {"name": "n", "server_id": "s-1"}

    def test_of_one_that_runs(self):
        self.create(no_pause="on", description="d")
        asked = self.cloud.only("POST").body
        assert asked == {"name": "n", "server_id": "s-1", "description": "d", "no_pause": True}

    def test_what_is_refused_stands_in_the_dialog(self):
        self.cloud.refuse("POST", ALL, 400, "IMG.0105", "There are no backups here.")
        assert "There are no backups here. (IMG.0105)" in text(self.create())


class ImageTest(ConsoleTestCase):
    PATH = f"{BASE}backups/{BACKUP_ID}/image/"

    def setUp(self):
        super().setUp()
        self.cloud.ims("GET", f"{ALL}/{BACKUP_ID}", backup())
        self.cloud.ims("POST", "/v1/cloudimages/wholeimages/action", {"job_id": JOB_ID})

    def test_the_dialog_says_of_what(self):
        assert "Name nightly" in text(self.client.get(self.PATH))

    def test_it_is_encrypted_if_that_is_wanted(self):
        response = self.client.post(self.PATH, {"name": "i", "encrypt": "on", "description": "d"})
        assert response["Location"] == f"{BASE}private/"
        wanted = {"name": "i", "backup_id": BACKUP_ID, "cmk_id": "ims/default", "description": "d"}
        assert self.cloud.only("POST").body == wanted
