# SPDX-License-Identifier: Apache-2.0
from tests.unit.client.cloud import IMAGE_ID, JOB_ID, PROJECT, SECOND_ID, image
from tests.unit.dashboard.console import BASE, ConsoleTestCase


class DeleteTest(ConsoleTestCase):
    def delete(self, *ids):
        chosen = {"action": "private__delete", "object_ids": list(ids)}
        return self.client.post(f"{BASE}private/?os_type=Linux", chosen)

    def test_those_that_are_chosen_are_deleted_one_by_one(self):
        self.cloud.images(image(), image(SECOND_ID, "second"))
        self.cloud.ims("DELETE", f"/v2/images/{IMAGE_ID}", status=204)
        self.cloud.refuse("DELETE", f"/v2/images/{SECOND_ID}", 403, "IMG.0028", "It is protected.")
        response = self.delete(IMAGE_ID, SECOND_ID)
        assert response["Location"] == f"{BASE}private/?os_type=Linux"
        assert self.said(response) == ["It is protected. (IMG.0028)", "Deleted Image: mine"]

    def test_one_that_the_page_does_not_show_is_deleted_and_told(self):
        """It may be on another page by now."""
        self.cloud.images(image())
        self.cloud.ims("DELETE", f"/v2/images/{SECOND_ID}", status=204)
        response = self.delete(SECOND_ID)
        assert response["Location"] == f"{BASE}private/?os_type=Linux"
        assert self.said(response) == [f"Deleted Image: {SECOND_ID}"]

    def test_the_button_is_only_where_it_can_be_used(self):
        self.cloud.images(image())
        assert "Delete Image" in self.page()
        assert "Delete Image" not in self.page("public/")


class AnswerTest(ConsoleTestCase):
    def answer(self, action, *ids):
        self.cloud.ims("PUT", "/v1/cloudimages/members", {"job_id": JOB_ID})
        self.cloud.images(
            *(image(each, each[:4], member_status="pending") for each in (IMAGE_ID, SECOND_ID))
        )
        chosen = {"action": f"offered__{action}", "object_ids": list(ids)}
        return self.client.post(f"{BASE}shared/", chosen)

    def test_all_that_are_chosen_are_one_job(self):
        response = self.answer("accept", IMAGE_ID, SECOND_ID)
        assert self.cloud.only("PUT").body == {
            "images": [IMAGE_ID, SECOND_ID],
            "project_id": PROJECT,
            "status": "accepted",
        }
        assert self.said(response) == ["Accepting Images: 1111, 9999"]

    def test_reject(self):
        self.answer("reject", IMAGE_ID)
        assert self.cloud.only("PUT").body["status"] == "rejected"


class LinksTest(ConsoleTestCase):
    def test_a_volume_is_made_of_one_disk(self):
        self.cloud.images(image(), image(SECOND_ID, "machine", __whole_image="true"))
        content = self.client.get(BASE).content.decode()
        assert f"/project/volumes/create/?image_id={IMAGE_ID}" in content
        assert f"/project/volumes/create/?image_id={SECOND_ID}" not in content

    def test_no_server_starts_from_a_data_disk(self):
        self.cloud.images(image(virtual_env_type="DataImage"))
        assert "Launch Server" not in self.page()
        self.cloud.images(image())
        assert "Launch Server" in self.page()

    def test_a_launched_server_leads_back_here_also_without_horizons_own_list(self):
        self.cloud.images(image())
        content = self.client.get(BASE).content.decode()
        assert f"{{successUrl: &#x27;{BASE}&#x27;, imageId: &#x27;{IMAGE_ID}&#x27;}}" in content
        assert "/project/images" not in content[content.index('id="private"') :]
