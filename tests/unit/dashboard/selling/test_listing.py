# SPDX-License-Identifier: Apache-2.0
from tests.unit.client.cloud import PROJECT, sold
from tests.unit.dashboard.console import ConsoleTestCase, text

ID, LISTED = "a" * 32, "b" * 32
ALL = f"/v1/{PROJECT}/market/seller/products"
PAGE = "/project/ims_market/selling/"


class SellingTest(ConsoleTestCase):
    def setUp(self):
        super().setUp()
        products = [sold(name="<b>db</b>"), sold(LISTED, name="other", state="listed")]
        self.cloud.ims("GET", ALL, {"products": products, "page_info": {}})

    def test_a_draft_alone_can_be_deleted(self):
        response = self.client.get(PAGE)
        assert "<b>db</b> Draft" in text(response)
        assert "other Listed" in text(response)
        content = response.content.decode()
        assert f"selling__delete__{ID}" in content
        assert f"selling__delete__{LISTED}" not in content
        assert f"{PAGE}{LISTED}/access/" in content

    def test_delete(self):
        self.cloud.ims("DELETE", f"{ALL}/{ID}", status=204)
        response = self.client.post(PAGE, {"action": f"selling__delete__{ID}"})
        assert self.said(response) == ["Deleted Draft: <b>db</b>"]
