# SPDX-License-Identifier: Apache-2.0
from tests.unit.client.cloud import IMAGE_ID, PROJECT, image
from tests.unit.dashboard.console import BASE, ConsoleTestCase, text

TAGS = f"/v2/{PROJECT}/images/{IMAGE_ID}/tags"


class TagsTest(ConsoleTestCase):
    def setUp(self):
        super().setUp()
        self.cloud.images(image(tags=["env=test", "old"]))
        here = [{"key": "env", "value": "test"}, {"key": "old", "value": ""}]
        self.cloud.ims("GET", TAGS, {"tags": here})
        self.cloud.ims("POST", f"{TAGS}/action", None, 204)
        self.address = f"{BASE}images/{IMAGE_ID}/tags/"

    def test_they_are_there_to_be_changed(self):
        assert "env=test\nold</textarea>" in self.client.get(self.address).content.decode()

    def test_what_is_left_is_what_it_has(self):
        response = self.client.post(self.address, {"tags": "env=live\r\n\r\n new \r\n"})
        assert response["Location"] == f"{BASE}images/{IMAGE_ID}/"
        sent = [request.body for request in self.cloud.sent("POST")]
        assert sent == [
            {"action": "delete", "tags": [{"key": "old", "value": ""}]},
            {
                "action": "create",
                "tags": [{"key": "env", "value": "live"}, {"key": "new", "value": ""}],
            },
        ]

    def test_too_many(self):
        eleven = "\n".join(f"k{number}" for number in range(11))
        assert "10 tags at most" in text(self.client.post(self.address, {"tags": eleven}))
