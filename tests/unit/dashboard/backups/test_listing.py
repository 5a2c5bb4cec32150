# SPDX-License-Identifier: Apache-2.0
import html
import re

from tests.unit.client.cloud import BACKUP_ID, IMAGE_ID, PROJECT, backup
from tests.unit.dashboard.console import BASE, ConsoleTestCase

ALL = f"/v1/{PROJECT}/server-backups"
LIST = f"{BASE}backups/"


class BackupsTest(ConsoleTestCase):
    def backups(self, *backups):
        self.cloud.ims("GET", ALL, {"server_backups": list(backups), "page_info": {}})

    def test_all_that_one_chooses_by(self):
        self.backups(backup(name="<b>n</b>", server_name="web\u202e"))
        shown = self.page("backups/")
        assert "<b>n</b> Available web\ufffd 2 3 -" in shown
        assert "Create Image" in shown
        assert "Create Server Backup" in shown

    def test_a_backup_makes_one_image(self):
        self.backups(backup(image_id=IMAGE_ID))
        content = self.client.get(LIST).content.decode()
        assert f'href="{BASE}images/{IMAGE_ID}/"' in content
        assert f"{LIST}{BACKUP_ID}/image/" not in content

    def test_a_filter(self):
        self.backups()
        self.client.get(LIST, {"name": "n", "status": "error"})
        asked = next(each for each in self.cloud.requests if each.path.endswith(ALL))
        assert asked.query == {"name": "n", "status": "error", "limit": "21"}

    def test_delete(self):
        self.backups(backup())
        self.cloud.ims("DELETE", f"{ALL}/{BACKUP_ID}", status=204)
        response = self.client.post(LIST, {"action": f"backups__delete__{BACKUP_ID}"})
        assert self.said(response) == ["Deleting Backup: nightly"]

    def test_a_row_changes_while_something_is_done_to_it(self):
        self.backups(backup(status="creating"))
        self.cloud.ims("GET", f"{ALL}/{BACKUP_ID}", backup(status="creating"))
        query = {"action": "row_update", "table": "backups", "obj_id": BACKUP_ID}
        ajax = {"HTTP_X_REQUESTED_WITH": "XMLHttpRequest"}
        response = self.client.get(LIST, query, **ajax)
        assert "warning" in response.content.decode()

    def test_a_row_stays_while_the_service_is_away(self):
        self.backups(backup(status="deleting", size=5, server_name="web"))
        page = self.client.get(LIST).content.decode()
        (address,) = map(html.unescape, re.findall(r'data-update-url="([^"]*)"', page))
        self.cloud.refuse("GET", f"{ALL}/{BACKUP_ID}", 503, "IMG.0014", "Not now.")
        for each in (address, f"{LIST}?action=row_update&table=backups&obj_id={BACKUP_ID}&shown=1"):
            response = self.client.get(each, HTTP_X_REQUESTED_WITH="XMLHttpRequest")
            assert response.status_code == 200
            row = response.content.decode()
            assert "warning" in row
            assert ("web" in row) == (each == address)
