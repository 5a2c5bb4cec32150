# SPDX-License-Identifier: Apache-2.0
from tests.unit.client.cloud import IMAGE_ID, image
from tests.unit.dashboard.console import BASE, ConsoleTestCase, text

NATIVE = f"/v2/images/{IMAGE_ID}"


class TagsTest(ConsoleTestCase):
    def setUp(self):
        super().setUp()
        self.has("env=test", "old")
        self.address = f"{BASE}images/{IMAGE_ID}/tags/"

    def has(self, *tags):
        self.cloud.images(image(tags=list(tags)))
        self.cloud.ims("GET", NATIVE, image(tags=list(tags)))
        self.cloud.ims("PATCH", NATIVE, {})

    def sent(self):
        return [request.body[0]["value"] for request in self.cloud.sent("PATCH")]

    def test_they_are_there_to_be_changed(self):
        assert "env=test\nold</textarea>" in self.client.get(self.address).content.decode()

    def test_what_is_left_is_what_it_has(self):
        response = self.client.post(self.address, {"tags": "env=live\r\n\r\n new \r\n"})
        assert response["Location"] == f"{BASE}images/{IMAGE_ID}/"
        assert self.sent() == [["env=live", "new"]]

    def test_saved_without_a_change(self):
        more = [f"k{number}" for number in range(9)]
        self.has("env=a", "env=b", "web server", "two\nlines", " blank", *more)
        form = self.client.get(self.address).context["form"]
        posted = {"tags": form["tags"].value().replace("\n", "\r\n")}
        response = self.client.post(self.address, posted)
        assert response.status_code == 302
        assert self.sent() == []

    def test_what_no_line_can_be_stays(self):
        self.has("two\nlines", "old")
        self.client.post(self.address, {"tags": ""})
        assert self.sent() == [["two\nlines"]]

    def test_refused_before_anything_is_taken_away(self):
        said = text(self.client.post(self.address, {"tags": "env.prod/2"}))
        assert "IMG.0115" in said
        assert self.sent() == []

    def test_too_many(self):
        eleven = "\n".join(f"k{number}" for number in range(11))
        assert "10 tags at most" in text(self.client.post(self.address, {"tags": eleven}))
