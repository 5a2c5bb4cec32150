# SPDX-License-Identifier: Apache-2.0
from ims_glance.dashboard.dialogs.share import named
from tests.unit.client.cloud import (
    IMAGE,
    IMAGE_ID,
    JOB_ID,
    OTHER,
    PROJECT,
    SECOND_ID,
    Answer,
    image,
)
from tests.unit.dashboard.console import BASE, ConsoleTestCase, text


class ShareTest(ConsoleTestCase):
    def share(self, action):
        self.cloud.images(image())
        for method in ("POST", "DELETE"):
            self.cloud.ims(method, "/v1/cloudimages/members", {"job_id": JOB_ID})
        typed = {"projects": f" {OTHER},\n{PROJECT}\n", "action": action}
        return self.client.post(f"{BASE}images/{IMAGE_ID}/share/", typed)

    def test_with_several_at_once(self):
        assert self.share("share")["Location"] == BASE
        assert self.cloud.only("POST").body == {"images": [IMAGE_ID], "projects": [OTHER, PROJECT]}

    def test_no_longer(self):
        self.share("stop")
        assert self.cloud.only("DELETE").body["projects"] == [OTHER, PROJECT]

    def test_by_the_exact_name(self):
        self.cloud.images(image())
        self.cloud.ims("POST", "/v1/cloudimages/members", {"job_id": JOB_ID})
        self.cloud.ims("GET", "/v1/cloudimages/receivers", {"project_id": OTHER, "name": "my web"})
        typed = {"projects": f"my web\n{PROJECT}", "action": "share"}
        self.client.post(f"{BASE}images/{IMAGE_ID}/share/", typed)
        assert self.cloud.only("POST").body["projects"] == [OTHER, PROJECT]
        self.cloud.requests.clear()
        self.client.post(
            f"{BASE}images/{IMAGE_ID}/share/", {**typed, "projects": f"my web\n{OTHER}"}
        )
        assert self.cloud.only("POST").body["projects"] == [OTHER]
        self.cloud.refuse("GET", "/v1/cloudimages/receivers", 404, "IMG.0067", "There is none.")
        response = self.client.post(f"{BASE}images/{IMAGE_ID}/share/", typed)
        assert "There is none. (IMG.0067)" in text(response)
        assert "my web" in text(response)

    def test_how_many_more_can_get_it(self):
        self.cloud.images(image())
        quotas = [{"type": "image_member", "used": 0, "quota": 128, "min": 0, "max": 128}]
        self.cloud.ims("GET", "/v1/cloudimages/quota", {"quotas": {"resources": quotas}})
        members = {"members": [{"member_id": OTHER, "status": "pending"}]}
        self.cloud.ims("GET", f"/v1/{PROJECT}/cloudimages/{IMAGE_ID}/members", members)
        shown = text(self.client.get(f"{BASE}images/{IMAGE_ID}/share/"))
        assert "Can still be shared with 127" in shown


class ShareManyTest(ConsoleTestCase):
    def setUp(self):
        super().setUp()
        self.cloud.ims("POST", "/v1/cloudimages/members", {"job_id": JOB_ID})
        self.cloud.images(image(), image(SECOND_ID, "second"))
        both = {"images": [image(), image(SECOND_ID, "second")]}
        self.cloud.on("GET", f"{IMAGE}/v2/images", lambda _request: Answer(200, both))

    def test_those_that_are_chosen(self):
        chosen = {"action": "private__share_many", "object_ids": [IMAGE_ID, SECOND_ID]}
        address = self.client.post(f"{BASE}private/", chosen)["Location"]
        assert "Image mine Image second" in text(self.client.get(address))
        response = self.client.post(address, {"projects": OTHER, "action": "share"})
        assert response["Location"] == BASE
        assert self.cloud.only("POST").body == {
            "images": [IMAGE_ID, SECOND_ID],
            "projects": [OTHER],
        }

    def test_more_than_the_service_takes(self):
        many = [f"11111111-2222-4333-8444-{number:012}" for number in range(129)]
        chosen = {"action": "private__share_many", "object_ids": many}
        response = self.client.post(f"{BASE}private/", chosen)
        assert response["Location"] == f"{BASE}private/"
        assert self.said(response) == ["At most 128 images can be shared at once."]
        chosen["object_ids"] = many[:128]
        assert "/share/?" in self.client.post(f"{BASE}private/", chosen)["Location"]

    def test_one_that_is_gone_or_none(self):
        for query in ("", f"?image={IMAGE_ID}"):
            assert self.client.get(f"{BASE}share/{query}").status_code == 404


def test_ids_have_anything_between_them_and_names_lines():
    assert named(f"{OTHER} {PROJECT};my web\n\n a , {OTHER}") == [OTHER, PROJECT, "my web", "a"]
