# SPDX-License-Identifier: Apache-2.0
"""What each step sends, through its page."""

from django.core.files.uploadedfile import SimpleUploadedFile

from tests.unit.client.cloud import IMAGE_ID, PROJECT, SECOND_ID, image, sold
from tests.unit.dashboard.console import ConsoleTestCase, text

ID = "a" * 32
ALL = f"/v1/{PROJECT}/market/seller/products"
HERE = f"/project/ims_market/selling/{ID}/"
CERTIFICATE = {"name": "<b>r</b>.pdf", "digest": "1" * 64, "kind": "other", "size": 3}
GUIDE = {"text": "Log in.", "ports": [{"port": 22}], "login": {"method": "key pair"}}


class StepTest(ConsoleTestCase):
    def setUp(self):
        super().setUp()
        self.basic = {
            "introduction": "Tables",
            "category": "database",
            "usage_guide": GUIDE,
            "specifications": [{"sku": "small"}],
            "certificates": [CERTIFICATE],
        }
        self.cloud.ims("GET", f"{ALL}/{ID}", sold(basic=self.basic))
        self.cloud.ims("PUT", f"{ALL}/{ID}", sold())
        self.cloud.images(image(), image(SECOND_ID, "data", virtual_env_type="DataImage"))

    def send(self, step, **typed):
        self.response = self.client.post(f"{HERE}{step}/", typed)
        return self.cloud.only("PUT").body

    def test_the_first_step_offers_images_that_start_a_server(self):
        content = self.client.get(f"{HERE}access/").content.decode()
        assert f'value="{IMAGE_ID}"' in content
        assert SECOND_ID not in content

    def test_what_is_emptied_is_taken_away(self):
        typed = {"access_type": "image", "name": "database", "version": "V2.0", "image": IMAGE_ID}
        assert self.send("access", **typed) == {
            "access_type": "image",
            "name": "database",
            "note": None,
            "version": {"name": "V2.0", "image_id": IMAGE_ID, "release_notes": None},
        }
        assert self.response["Location"] == f"{HERE}basic/"

    def test_files_that_are_there_stay_and_new_ones_come_beside_them(self):
        files = [SimpleUploadedFile("a.pdf", b"%PDF-"), SimpleUploadedFile("b.zip", b"PK")]
        body = self.send(
            "basic",
            logo=SimpleUploadedFile("l.png", b"\x89PNG"),
            kept_certificates=[CERTIFICATE["digest"]],
            certificates=files,
            certificate_kind="other",
            ports="5432/tcp SQL",
            keywords="sql, , tables",
            login_method="none",
        )["basic"]
        assert body["logo"] == {"name": "l.png", "content": "iVBORw=="}
        kept = {"name": "<b>r</b>.pdf", "digest": "1" * 64, "kind": "other"}
        assert body["certificates"][0] == kept
        assert [each["name"] for each in body["certificates"][1:]] == ["a.pdf", "b.zip"]
        assert body["usage_guide"]["ports"][0]["purpose"] == "SQL"
        assert body["usage_guide"]["login"] == {"method": "none"}
        assert body["keywords"] == ["sql", "tables"]
        assert body["specifications"] is None

    def test_without_files_and_ports(self):
        body = self.send("basic", opens_none="on", certificate_kind="other")["basic"]
        assert "logo" not in body
        assert body["certificates"] is None
        assert body["usage_guide"] == {"ports": []}

    def test_what_is_there_stands_in_the_fields_as_text(self):
        response = self.client.get(f"{HERE}basic/")
        assert "<b>r</b>.pdf" in text(response)
        assert "22/tcp" in text(response)

    def test_a_line_that_is_not_understood_stays(self):
        response = self.client.post(f"{HERE}basic/", {"ports": "http", "certificate_kind": "other"})
        assert "This line is not understood: http" in text(response)
        assert self.cloud.sent("PUT") == []

    def test_the_third_step(self):
        body = self.send("business", price_model="hourly", price="1 an hour", regions="RegionOne")
        assert body["business"] == {
            "regions": ["RegionOne"],
            "pricing": {"model": "hourly", "text": "1 an hour"},
            "support_terms": None,
        }
        assert self.response["Location"] == HERE
