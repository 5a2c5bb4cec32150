# SPDX-License-Identifier: Apache-2.0
from tests.unit.client.cloud import PROJECT, sold
from tests.unit.dashboard.console import ConsoleTestCase, text

ID = "a" * 32
ALL = f"/v1/{PROJECT}/market/seller/products"
SELLING = "/project/ims_market/selling/"


class StepsTest(ConsoleTestCase):
    def test_a_product_is_begun_with_its_name_alone(self):
        self.cloud.ims("POST", ALL, sold(), 201)
        typed = {"access_type": "image", "name": "database"}
        response = self.client.post(f"{SELLING}create/", typed)
        assert response["Location"] == f"{SELLING}{ID}/basic/"
        assert self.cloud.only("POST").body["name"] == "database"

    def test_a_step_says_what_it_lacks_and_leads_to_the_others(self):
        self.cloud.ims("GET", f"{ALL}/{ID}", sold())
        response = self.client.get(f"{SELLING}{ID}/basic/")
        assert "this step lacks: a logo of 120 x 120 pixels" in text(response)
        assert f'href="{SELLING}{ID}/business/"' in response.content.decode()
        assert "lacks" not in text(self.client.get(f"{SELLING}{ID}/business/"))

    def test_what_is_refused_stands_above_what_was_typed(self):
        self.cloud.refuse("POST", ALL, 400, "IMG.0003", "A name has no price.")
        typed = {"access_type": "image", "name": "5 EUR"}
        response = self.client.post(f"{SELLING}create/", typed)
        assert "A name has no price. (IMG.0003)" in text(response)
        assert 'value="5 EUR"' in response.content.decode()

    def test_who_does_not_sell_has_no_such_page(self):
        self.cloud.refuse("GET", f"{ALL}/{ID}", 404, "IMG.0017", "There is nothing at this path.")
        assert self.client.get(f"{SELLING}{ID}/access/").status_code == 404
