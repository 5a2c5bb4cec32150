# SPDX-License-Identifier: Apache-2.0
from ims_glance.client.resources.image import Image
from ims_glance.dashboard.dialogs import base
from tests.unit.client.cloud import IMAGE, IMAGE_ID, image
from tests.unit.dashboard.console import BASE, ConsoleTestCase, text

COPY = f"{BASE}images/{IMAGE_ID}/copy/"


class DialogTest(ConsoleTestCase):
    def setUp(self):
        super().setUp()
        self.cloud.images(image(name="<b>web</b>"))

    def test_it_is_a_page_of_its_own_without_javascript_and_says_what_it_is_about(self):
        shown = text(self.client.get(COPY))
        assert "Name <b>web</b> Image Type System disk image" in shown
        ajax = self.client.get(COPY, HTTP_X_REQUESTED_WITH="XMLHttpRequest")
        assert b"<html" not in ajax.content
        assert f'action="{COPY}"'.encode() in ajax.content

    def test_what_is_refused_stands_in_the_dialog_and_what_was_typed_stays(self):
        self.cloud.refuse("POST", f"/v1/cloudimages/{IMAGE_ID}/copy", 400, "IMG.0130", "No ISO.")
        response = self.client.post(COPY, {"name": "typed", "key": "k"})
        assert response.status_code == 200
        assert "No ISO. (IMG.0130)" in text(response)
        assert 'value="typed"' in response.content.decode()

    def test_a_login_that_has_ended_meanwhile_leads_to_another(self):
        self.cloud.json("POST", f"{IMAGE}/v1/cloudimages/{IMAGE_ID}/copy", {}, 401)
        response = self.client.post(COPY, {"name": "typed", "key": "k"})
        assert "/auth/login/" in response["Location"]

    def test_a_service_that_does_not_show_it_now(self):
        self.cloud.refuse("GET", "/v2/cloudimages", 403, "IMG.0003", "You may not.")
        response = self.client.get(COPY)
        assert response["Location"] == BASE
        assert self.said(response) == ["You may not. (IMG.0003)"]

    def test_an_image_that_is_not_there(self):
        self.cloud.images()
        assert self.client.get(COPY).status_code == 404


def test_what_a_copy_is_called():
    long = Image(name="x" * 128)
    assert base.copy_name(Image(name="web")) == "copy_web"
    assert base.copy_name(Image(name="web"), "RegionTwo") == "copy_RegionTwo_web"
    assert len(base.copy_name(long)) == 128
