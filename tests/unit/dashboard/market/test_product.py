# SPDX-License-Identifier: Apache-2.0
from unittest import mock

from tests.unit.client.cloud import PROJECT, offered_whole, subscribed
from tests.unit.dashboard.console import ConsoleTestCase, text

BASE = "/project/ims_market/"
ID = "a" * 32
ONE = f"/v1/{PROJECT}/market/products/{ID}"
SUBSCRIPTIONS = f"/v1/{PROJECT}/market/subscriptions"
HERE = f"{BASE}products/{ID}/"
DIGEST = "d" * 64


class ProductTest(ConsoleTestCase):
    def there_is(self, basic=None, **more):
        whole = offered_whole(**more)
        whole["basic"] |= basic or {}
        self.cloud.ims("GET", ONE, whole)

    def test_all_public_parts_and_the_agreement(self):
        ports = [{"port": 5432, "purpose": "<i>SQL</i>"}]
        guide = {"text": "One\nTwo\u202e", "ports": ports, "login": {"method": "key pair"}}
        self.there_is({"usage_guide": guide, "description": "<script>x</script>"})
        response = self.client.get(HERE)
        shown = text(response)
        assert "One Two\ufffd" in shown
        assert "Login Key pair" in shown
        assert "5432/tcp: <i>SQL</i>" in shown
        assert "<script>x</script>" in shown
        assert "Agreement Be kind." in shown
        assert f'name="agreement" value="{DIGEST}"' in response.content.decode()

    def test_who_agrees_has_it(self):
        self.there_is({"specifications": [{"sku": "small"}, {"sku": "large"}]})
        self.cloud.ims("POST", SUBSCRIPTIONS, subscribed(), 201)
        typed = {"agreement": DIGEST, "agrees": "on", "sku": "large"}
        response = self.client.post(HERE, typed)
        assert response["Location"] == HERE
        wanted = {"product_id": ID, "agreement_digest": DIGEST, "sku": "large"}
        assert self.cloud.only("POST").body == wanted

    def test_who_does_not_agree_has_not(self):
        self.there_is()
        shown = text(self.client.post(HERE, {"agreement": DIGEST}))
        assert "Nobody has the product who does not agree." in shown
        assert self.cloud.sent("POST") == []

    def test_an_agreement_that_was_changed_meanwhile(self):
        self.there_is()
        self.cloud.refuse("POST", SUBSCRIPTIONS, 409, "IMG.0035", "The agreement is another one.")
        response = self.client.post(HERE, {"agreement": "e" * 64, "agrees": "on"})
        assert "The agreement is another one. (IMG.0035)" in text(response)
        content = response.content.decode()
        assert f'name="agreement" value="{DIGEST}"' in content
        form = content[content.index("ims-subscribe") :]
        assert "checked" not in form[: form.index("</form>")]

    def test_what_the_project_has_is_not_offered_again(self):
        self.there_is(subscription=subscribed(agreement_digest="e" * 64), agreement_digest=DIGEST)
        shown = self.client.get(HERE)
        assert "Your project has it since Nov. 24, 2026" in text(shown)
        assert "not the one that you agreed to" in text(shown)
        assert b"ims-subscribe" not in shown.content

    def test_who_may_not_subscribe_sees_no_button(self):
        self.there_is()
        with mock.patch("ims_glance.dashboard.pages.may", lambda r, what: what == "show_product"):
            assert b"ims-subscribe" not in self.client.get(HERE).content

    def test_one_that_is_not_there(self):
        self.cloud.refuse("GET", ONE, 404, "IMG.0027", "There is none.")
        assert self.client.get(HERE).status_code == 404
