# SPDX-License-Identifier: Apache-2.0
"""What each step sends, through its page."""

from unittest import mock

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

    def save_unchanged(self, step, product):
        """Post what the page shows, as a browser does."""
        self.cloud.ims("GET", f"{ALL}/{ID}", product)
        form = self.client.get(f"{HERE}{step}/").context["form"]
        typed = {}
        for bound in form:
            value = bound.value()
            if value and not bound.field.disabled and value is not True:
                is_text = isinstance(value, str)
                typed[bound.name] = "\r\n".join(value.splitlines()) if is_text else value
            elif value is True:
                typed[bound.name] = "on"
        return self.send(step, **typed)

    def test_saved_without_a_change_it_is_the_same_to_the_last_blank(self):
        kept = {
            "introduction": "Tables\n",
            "description": " a\n\nb ",
            "agreement": "One.\nTwo.\n\n" + "\n".join(["line"] * 11997) + "\n",
            "support_scope": "one\r\ntwo",
            "category": "database",
            "usage_guide": {**GUIDE, "text": "Log in.\nLook.\n"},
            "attributes": {"a=b": "1"},
            "keywords": ["a,b", "c"],
            "specifications": [
                {"sku": "small", "description": "a\ntests", "price": "1"},
                {"sku": "large", "description": "a|b"},
            ],
        }
        body = self.save_unchanged("basic", sold(basic={**kept, "certificates": [CERTIFICATE]}))
        certificate = {name: CERTIFICATE[name] for name in ("name", "digest", "kind")}
        assert body["basic"] == {**kept, "certificates": [certificate]}

    def test_lists_that_can_be_typed_are_the_same_too(self):
        kept = {
            "attributes": {"a": " b "},
            "specifications": [{"sku": "small", "name": " S ", "price": ""}],
            "keywords": [" a ", "b"],
            "usage_guide": {"ports": []},
        }
        body = self.save_unchanged("basic", sold(basic=kept))["basic"]
        assert {name: body[name] for name in kept} == kept

    def test_the_other_steps_saved_without_a_change(self):
        version = {"name": "V1.0", "image_id": IMAGE_ID, "release_notes": "a\nb\n"}
        body = self.save_unchanged("access", sold(version=version, note="n\n"))
        assert (body["version"], body["note"]) == (version, "n\n")

    def test_what_cannot_be_typed_is_not_changed_here(self):
        self.basic["specifications"] = [{"sku": "small", "description": "a|b"}]
        self.cloud.ims("GET", f"{ALL}/{ID}", sold(basic=self.basic))
        page = self.client.get(f"{HERE}basic/").content.decode()
        assert "change it by the command line" in page
        body = self.send("basic", specifications="other", certificate_kind="other")["basic"]
        assert body["specifications"] == self.basic["specifications"]

    def test_line_ends_of_browsers_are_not_kept(self):
        body = self.send("basic", agreement="a\r\nb", certificate_kind="other")["basic"]
        assert body["agreement"] == "a\nb"

    def refused(self, **files):
        """What the page says when these files come; nothing is sent on."""
        response = self.client.post(f"{HERE}basic/", {"certificate_kind": "other", **files})
        assert self.cloud.sent("PUT") == []
        return text(response)

    def test_files_that_are_too_large_are_not_read(self):
        with mock.patch("ims_glance.dashboard.selling.draft.upload") as read:
            logo = SimpleUploadedFile("l.png", bytes(128 * 1024 + 1))
            assert "A logo has 128 KiB at most." in self.refused(logo=logo)
            half = [SimpleUploadedFile("a.zip", bytes(5 * 1024 * 1024 + 1)) for _each in range(2)]
            assert "10 certificates, of 10 MiB" in self.refused(certificates=half)
            ten = [SimpleUploadedFile("a.zip", b"PK") for _each in range(10)]
            kept = [CERTIFICATE["digest"]]
            said = self.refused(certificates=ten, kept_certificates=kept)
            assert "10 certificates, of 10 MiB" in said
        assert not read.called

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
