# SPDX-License-Identifier: Apache-2.0
import base64

from tests.unit.api.ims.market_world import CERTIFICATE, png, whole
from tests.unit.client.cloud import OTHER, PROJECT, handed_in
from tests.unit.dashboard.console import ConsoleTestCase, text

ID = "e" * 32
ONE = f"/v1/{PROJECT}/market/reviews/{ID}"
HERE = f"/project/ims_market/reviews/{ID}/"


class ReviewTest(ConsoleTestCase):
    def setUp(self):
        super().setUp()
        finding = {"severity": "review", "where": "/etc/<b>", "what": "old", "advice": "Renew."}
        scan = {"state": "findings", "findings": [finding], "scanned_at": "2026-11-24T01:00:00Z"}
        version = handed_in(
            document=whole(), note="<i>n</i>", source={"os_type": "Linux"}, scan=scan
        )
        self.cloud.ims("GET", ONE, version)

    def test_all_that_was_handed_in(self):
        response = self.client.get(HERE)
        shown = text(response)
        assert f"Seller's Project {OTHER}" in shown
        assert "OS Linux" in shown
        assert "Note <i>n</i>" in shown
        assert "The reviewer decides /etc/<b> old Renew." in shown
        assert "SECRET-NAME.pdf" in shown
        assert f'href="{HERE}certificates/1"' in response.content.decode()
        assert f'href="{HERE}approve/"' in response.content.decode()

    def test_what_is_decided_is_not_decided_again(self):
        self.cloud.ims("GET", ONE, handed_in(document={}, state="rejected"))
        assert f'href="{HERE}approve/"' not in self.client.get(HERE).content.decode()

    def test_files(self):
        assert self.client.get(f"{HERE}logo").content == png()
        response = self.client.get(f"{HERE}certificates/1")
        assert response.content == CERTIFICATE
        assert response["Content-Type"] == "application/octet-stream"
        assert self.client.get(f"{HERE}certificates/2").status_code == 404
        assert base64.b64encode(png()).decode() not in self.client.get(HERE).content.decode()

    def test_one_that_is_not_there(self):
        self.cloud.refuse("GET", ONE, 404, "IMG.0027", "There is none.")
        assert self.client.get(HERE).status_code == 404
