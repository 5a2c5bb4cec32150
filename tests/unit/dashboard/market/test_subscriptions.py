# SPDX-License-Identifier: Apache-2.0
from tests.unit.client.cloud import IMAGE_ID, PROJECT, SECOND_ID, offered, offered_whole, subscribed
from tests.unit.dashboard.console import ConsoleTestCase, text

PAGE = "/project/ims_market/subscriptions/"
PRODUCTS = f"/v1/{PROJECT}/market/products"
ALL = f"/v1/{PROJECT}/market/subscriptions"
ID = "5" * 32


class SubscriptionsTest(ConsoleTestCase):
    def setUp(self):
        super().setUp()
        gone = subscribed("6" * 32, product_id="b" * 32, state="ended", images=[])
        elsewhere = {"region": "RegionTwo", "image_id": SECOND_ID}
        there = [{"region": "RegionOne", "image_id": IMAGE_ID}, elsewhere]
        restricted = subscribed("7" * 32, product_id="c" * 32, images=there)
        self.cloud.ims("GET", ALL, {"subscriptions": [subscribed(), gone, restricted]})
        self.cloud.ims("GET", PRODUCTS, {"products": [offered()], "page_info": {}})
        self.cloud.ims("GET", f"{PRODUCTS}/{'c' * 32}", offered_whole("c" * 32, name="<b>r</b>"))

    def test_what_the_project_has_and_had(self):
        response = self.client.get(PAGE)
        shown = text(response)
        assert "database small Active RegionOne Nov. 24, 2026" in shown
        assert "<b>r</b> small Active" in shown
        assert f"{'b' * 32} small Ended -" in shown
        assert f'href="/project/ims/images/{IMAGE_ID}/"' in response.content.decode()
        # That of another region has no page here.
        assert "<b>r</b> small Active RegionOne , RegionTwo" in shown
        assert SECOND_ID not in response.content.decode()
        assert f'href="/project/ims_market/products/{"b" * 32}/"' not in response.content.decode()

    def test_without_the_list_of_products_they_are_there_by_their_ids(self):
        self._without_names(PRODUCTS)

    def test_without_one_of_the_products_they_are_there_by_their_ids(self):
        self._without_names(f"{PRODUCTS}/{'c' * 32}")

    def _without_names(self, path):
        self.cloud.refuse("GET", path, 403, "IMG.0002", "You may not.")
        response = self.client.get(PAGE)
        shown = text(response)
        assert response.status_code == 200
        assert f"{'b' * 32} small Ended" in shown
        assert "You may not. (IMG.0002)" in str(response.content.decode())

    def test_unsubscribe(self):
        self.cloud.ims("DELETE", f"{ALL}/{ID}", status=204)
        response = self.client.post(PAGE, {"action": f"subscriptions__unsubscribe__{ID}"})
        assert self.said(response) == ["Unsubscribed: database"]

    def test_what_has_ended_is_not_ended_again(self):
        content = self.client.get(PAGE).content.decode()
        assert f"subscriptions__unsubscribe__{ID}" in content
        assert f"subscriptions__unsubscribe__{'6' * 32}" not in content
