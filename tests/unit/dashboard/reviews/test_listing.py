# SPDX-License-Identifier: Apache-2.0
from tests.unit.client.cloud import PROJECT, handed_in
from tests.unit.dashboard.console import AdminConsoleTestCase, text

ID = "e" * 32
INSIDE = "/project/ims_market/reviews/"


class ReviewsTest(AdminConsoleTestCase):
    def setUp(self):
        super().setUp()
        waiting = {"reviews": [handed_in(product_name="<b>db</b>")], "page_info": {}}
        self.cloud.ims("GET", f"/v1/{PROJECT}/market/reviews", waiting)

    def test_what_waits(self):
        response = self.client.get(INSIDE)
        assert "<b>db</b> V1.0 In review Submitted" in text(response)
        content = response.content.decode()
        assert f'href="{INSIDE}{ID}/"' in content
        assert 'href="/project/ims_market/"' in content

    def test_administrators_have_it_in_their_dashboard(self):
        content = self.client.get("/admin/ims_reviews/").content.decode()
        assert f'href="/admin/ims_reviews/{ID}/"' in content
