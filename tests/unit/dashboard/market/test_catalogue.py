# SPDX-License-Identifier: Apache-2.0
import base64

from tests.unit.api.ims.market_world import png
from tests.unit.client.cloud import PROJECT, offered, offered_whole, subscribed
from tests.unit.dashboard.console import ConsoleTestCase, text

BASE = "/project/ims_market/"
PRODUCTS = f"/v1/{PROJECT}/market/products"
SUBSCRIPTIONS = f"/v1/{PROJECT}/market/subscriptions"
ID = "a" * 32


class CatalogueTest(ConsoleTestCase):
    def there_are(self, *products):
        self.cloud.ims("GET", PRODUCTS, {"products": list(products), "page_info": {}})
        self.cloud.ims("GET", SUBSCRIPTIONS, {"subscriptions": [subscribed()]})

    def test_what_is_offered_and_what_the_project_has_already(self):
        self.there_are(
            offered(name="<b>db</b>\u202e", price_model="hourly", price="1 an hour"),
            offered("b" * 32, name="other"),
        )
        response = self.client.get(BASE)
        shown = text(response)
        assert "<b>db</b>\ufffd Subscribed Tables V1.0" in shown
        assert "Hourly: 1 an hour" in shown
        assert shown.count("Subscribed") == 1
        assert f'src="{BASE}products/{ID}/logo"' in response.content.decode()

    def test_what_is_looked_for_is_in_the_address(self):
        many = [offered(f"{number:032x}") for number in range(21)]
        self.there_are(*many)
        query = {"search": "sql", "category": "database", "price": "free"}
        content = self.client.get(BASE, query).content.decode()
        asked = next(each for each in self.cloud.requests if each.path.endswith("/products"))
        assert asked.query == {**query, "limit": "21"}
        following = f"search=sql&amp;category=database&amp;price=free&amp;marker={19:032x}"
        assert f'href="{BASE}?{following}"' in content

    def test_there_is_no_marketplace(self):
        self.cloud.refuse("GET", PRODUCTS, 404, "IMG.0017", "There is no marketplace here.")
        assert "There is no marketplace here. (IMG.0017)" in text(self.client.get(BASE))


class LogoTest(ConsoleTestCase):
    def logo(self, content):
        encoded = base64.b64encode(content).decode()
        basic = {"logo": {"name": "x.html", "media_type": "text/html", "content": encoded}}
        self.cloud.ims("GET", f"{PRODUCTS}/{ID}", offered_whole(basic=basic))
        return self.client.get(f"{BASE}products/{ID}/logo")

    def test_it_is_what_its_first_bytes_are(self):
        response = self.logo(png())
        assert (response["Content-Type"], response.content) == ("image/png", png())
        assert response["X-Content-Type-Options"] == "nosniff"

    def test_what_runs_programs_is_none(self):
        assert self.logo(b"<svg onload='alert(1)'/>").status_code == 404

    def test_a_service_that_is_away_shows_none(self):
        self.cloud.refuse("GET", f"{PRODUCTS}/{ID}", 503, "IMG.0029", "Not now.")
        assert self.client.get(f"{BASE}products/{ID}/logo").status_code == 404
