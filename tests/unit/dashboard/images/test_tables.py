# SPDX-License-Identifier: Apache-2.0
import html
import re

from ims_glance.client.resources.image import TYPES
from ims_glance.dashboard.images import tables
from tests.unit.client.cloud import IMAGE_ID, image
from tests.unit.dashboard.console import BASE, ConsoleTestCase


def test_each_tab_has_a_table_of_its_own():
    """Horizon binds actions to the last table of a class."""
    classes = [
        each
        for each in tables.ImagesTable.__subclasses__()
        if "dashboard.images" in each.__module__
    ]
    names = {each._meta.name for each in classes}
    assert len(names) == len(classes)
    assert names == {*TYPES, "offered"}


def test_rows_that_are_not_finished_are_asked_for_again():
    choices = dict(tables.ImagesTable.base_columns["status"].status_choices)
    assert choices["active"] is True
    assert "saving" not in choices
    assert tables.PrivateImages._meta.row_class.ajax


class RowTest(ConsoleTestCase):
    def test_it_is_asked_for_again_after_the_service_was_away(self):
        self.cloud.images(image(status="saving", name="<b>new"))
        address = f"{BASE}private/"
        found = re.search(r'data-update-url="([^"]*)"', self.client.get(address).content.decode())
        assert found
        self.cloud.refuse("GET", "/v2/cloudimages", 503, "IMG.0014", "Not now.")
        ajax = {"HTTP_X_REQUESTED_WITH": "XMLHttpRequest"}
        response = self.client.get(html.unescape(found[1]), **ajax)
        assert response.status_code == 200
        content = response.content.decode()
        assert "warning" in content
        assert "&lt;b&gt;new" in content
        assert "Ubuntu 22.04 server 64bit" in content
        again = re.search(r'data-update-url="([^"]*)"', content)
        assert again
        assert again[1] == found[1]
        self.cloud.images(image(name="done"))
        response = self.client.get(html.unescape(again[1]), **ajax)
        assert "warning" not in response.content.decode()

    def test_what_it_shows_may_be_anything(self):
        self.cloud.refuse("GET", "/v2/cloudimages", 503, "IMG.0014", "Not now.")
        odd = (
            "",
            "nonsense",
            "[1]",
            '{"name": {"a": 1}}',
            '{"location": "x", "to_dict": "y", "connection": "z"}',
        )
        for shown in odd:
            query = {"action": "row_update", "table": "private", "obj_id": IMAGE_ID, "shown": shown}
            ajax = {"HTTP_X_REQUESTED_WITH": "XMLHttpRequest"}
            response = self.client.get(f"{BASE}private/", query, **ajax)
            assert response.status_code == 200
            assert "warning" in response.content.decode()
