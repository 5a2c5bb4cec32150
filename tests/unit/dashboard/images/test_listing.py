# SPDX-License-Identifier: Apache-2.0
from typing import Any

from ims_glance.client.resources.image import Image
from tests.unit.client.cloud import IMAGE, IMAGE_ID, JOB_ID, PROJECT, SECOND_ID, Answer, image
from tests.unit.dashboard.console import BASE, QUOTAS, ConsoleTestCase, text

JOB: dict[str, Any] = {
    "job_id": JOB_ID,
    "job_type": "imsCopyImageInRegionJob",
    "status": "RUNNING",
    "begin_time": "2026-11-24T01:00:00Z",
    "entities": {"image_name": "copy_web", "done_bytes": 25, "total_bytes": 100},
}


class PrivateTest(ConsoleTestCase):
    def test_the_page_has_the_decks_columns_and_asks_three_times(self):
        self.cloud.images(image(name="<b>web</b>"), image(SECOND_ID, "data", status="saving"))
        shown = self.page()
        assert "Name Status OS Type OS Image Type Disk (GB) Encrypted Created" in shown
        assert "<b>web</b> Normal Linux Ubuntu 22.04 server 64bit System disk image 40" in shown
        assert "data Creating" in shown
        assert "You can create 14 more private images." in shown
        assert sorted(self.asked()) == [
            "/image/v1/" + PROJECT + "/jobs",
            "/image/v1/cloudimages/quota",
            "/image/v2/cloudimages",
        ]

    def test_what_several_images_are_done_to(self):
        """Horizon makes a plural of what has none, by another "s"."""
        self.cloud.images(image())
        page = self.page()
        assert "Share Images " in page
        assert "Imagess" not in page

    def test_what_is_under_way_stands_above(self):
        self.cloud.ims("GET", f"/v1/{PROJECT}/jobs", {"jobs": [JOB, {**JOB, "status": "FAIL"}]})
        shown = self.page()
        assert "Copy image copy_web" in shown
        assert "25%" in shown
        assert shown.count("copy_web") == 1

    def test_a_filter_is_kept_from_page_to_page(self):
        many = [image(f"{number:08x}-2222-4333-8444-555555555555") for number in range(22)]
        self.cloud.json("GET", f"{IMAGE}/v2/cloudimages", {"images": many[:21]})
        response = self.client.get(BASE, {"name": "web", "kind": "system"})
        content = response.content.decode()
        marker = many[19]["id"]
        assert f"?kind=system&amp;name=web&amp;marker={marker}" in content
        assert f"{BASE}list/private.csv?kind=system&amp;name=web" in content
        query = next(each.query for each in self.cloud.requests if "cloudimages" in each.path[-12:])
        assert query["name"] == "web"
        assert query["virtual_env_type"] == "FusionCompute"
        assert query["limit"] == "21"

    def test_the_page_before_is_asked_for_backwards(self):
        self.cloud.images(image(), image(SECOND_ID, "second"))
        response = self.client.get(BASE, {"prev_marker": "m"})
        names = [each.name for each in response.context["images"].data]
        assert names == ["second", "mine"]
        (query,) = [r.query for r in self.cloud.requests if r.path == "/image/v2/cloudimages"]
        assert (query["sort_dir"], query["marker"]) == ("asc", "m")

    def test_a_refusal_is_shown_with_its_code_and_the_page_is_there(self):
        self.cloud.refuse("GET", "/v2/cloudimages", 400, "IMG.0017", "No such filter.")
        response = self.client.get(BASE)
        assert response.status_code == 200
        assert "No such filter. (IMG.0017)" in text(response)
        assert "No items to display." in text(response)

    def test_a_login_that_has_ended_leads_to_the_login(self):
        self.cloud.json("GET", f"{IMAGE}/v2/cloudimages", {"message": "no"}, 401)
        response = self.client.get(BASE)
        assert response.status_code == 302
        assert "/auth/login/" in response["Location"]

    def test_a_row_changes_by_itself(self):
        self.cloud.images(image(status="saving"))
        query = {"action": "row_update", "table": "private", "obj_id": IMAGE_ID}
        ajax = {"HTTP_X_REQUESTED_WITH": "XMLHttpRequest"}
        response = self.client.get(f"{BASE}private/", query, **ajax)
        assert "warning" in response.content.decode()
        self.cloud.images()
        assert self.client.get(f"{BASE}private/", query, **ajax).status_code == 404


class OthersTest(ConsoleTestCase):
    def test_public(self):
        self.page("public/")
        (query,) = [r.query for r in self.cloud.requests if r.path == "/image/v2/cloudimages"]
        assert query["__imagetype"] == "gold"
        assert len(self.asked()) == 2

    def test_what_is_offered_stands_above_what_was_accepted(self):
        offered = image(SECOND_ID, "offered", member_status="pending")
        self.cloud.images(image(), offered)
        shown = self.page("shared/")
        assert shown.index("Waiting for your answer") < shown.index("offered") < shown.index("mine")
        assert len(self.asked()) == 3

    def test_of_very_many_offers_there_is_a_page(self):
        """Anybody can make them."""
        many = [image(f"{number:08x}-2222-4333-8444-555555555555") for number in range(25)]
        self.cloud.json("GET", f"{IMAGE}/v2/cloudimages", {"images": many})
        response = self.client.get(f"{BASE}shared/")
        assert len(response.context["offered_table"].data) == 20

    def test_what_is_shared_is_exported_too(self):
        content = self.client.get(f"{BASE}shared/", {"name": "web"}).content.decode()
        assert f'href="{BASE}list/shared.csv?name=web"' in content

    def test_market(self):
        self.page("market/")
        (query,) = [r.query for r in self.cloud.requests if r.path == "/image/v2/cloudimages"]
        assert query["__imagetype"] == "market"


class CsvTest(ConsoleTestCase):
    def test_the_file_has_what_is_filtered(self):
        self.cloud.on(
            "GET", f"{IMAGE}/v2/cloudimages", lambda _request: Answer(200, b"id,name\r\n")
        )
        response = self.client.get(f"{BASE}list/private.csv", {"os_type": "Linux"})
        # What it begins with says to a spreadsheet that it is UTF-8.
        assert b"".join(response.streaming_content) == b"\xef\xbb\xbfid,name\r\n"
        assert 'filename="images-private.csv"' in response["Content-Disposition"]
        (request,) = self.cloud.requests
        assert request.query == {"__imagetype": "private", "__os_type": "Linux"}
        assert request.headers["Accept"] == "text/csv"

    def test_of_no_list(self):
        assert self.client.get(f"{BASE}list/cats.csv").status_code == 404

    def test_its_address_is_that_of_this_request_whatever_others_ask_for_meanwhile(self):
        asked: list[Any] = []

        def quota(request):
            if not asked:
                asked.append(request)
                self.client.get(BASE, {"name": "theirs"})
            return Answer(200, QUOTAS)

        self.cloud.on("GET", f"{IMAGE}/v1/cloudimages/quota", quota)
        content = self.client.get(BASE, {"name": "mine"}).content.decode()
        assert asked
        assert f"{BASE}list/private.csv?name=mine" in content

    def test_a_refusal_is_shown_on_the_list(self):
        self.cloud.refuse("GET", "/v2/cloudimages", 403, "IMG.0003", "You may not.")
        response = self.client.get(f"{BASE}list/public.csv")
        assert response["Location"] == f"{BASE}public/"
        assert self.said(response) == ["You may not. (IMG.0003)"]


def test_a_resource_of_the_sdk_is_never_taken_for_nothing():
    """Horizon asks whether a row has data by asking whether it is true."""
    assert Image(id="i")
