# SPDX-License-Identifier: Apache-2.0
from unittest import mock

from tests.unit.client.cloud import IMAGE_ID, JOB_ID, PROJECT, image
from tests.unit.dashboard.console import BASE, ConsoleTestCase


class CopyHereTest(ConsoleTestCase):
    def copy(self, **typed):
        self.cloud.images(image())
        self.cloud.ims("POST", f"/v1/cloudimages/{IMAGE_ID}/copy", {"job_id": JOB_ID})
        response = self.client.post(f"{BASE}images/{IMAGE_ID}/copy/", {"name": "copy_mine"} | typed)
        assert response["Location"] == BASE
        return self.cloud.only("POST").body

    def test_encrypted_with_the_projects_own_key(self):
        assert self.copy(encrypt="on") == {"name": "copy_mine", "cmk_id": "ims/default"}

    def test_not_encrypted_whatever_key_is_named(self):
        assert self.copy(key="k", description="d") == {"name": "copy_mine", "description": "d"}


class CopyToRegionTest(ConsoleTestCase):
    def setUp(self):
        super().setUp()
        regions = mock.patch(
            "openstack_auth.user.User.available_services_regions",
            new_callable=mock.PropertyMock,
            return_value=["RegionOne", "RegionTwo"],
        )
        self.regions = regions.start()
        self.addCleanup(regions.stop)
        self.cloud.images(image())
        path = f"/v1/cloudimages/{IMAGE_ID}/cross_region_copy"
        preflight = {"total_bytes": 2**22, "base_holds": 3 * 2**20}
        self.cloud.ims("POST", path, {"job_id": JOB_ID, "preflight": preflight})

    def copy(self, **typed):
        typed = {"name": "there", "region": "RegionTwo"} | typed
        return self.client.post(f"{BASE}images/{IMAGE_ID}/replicate/", typed)

    def test_begun(self):
        assert self.copy(agency_name="app")["Location"] == BASE
        assert self.cloud.only("POST").body == {
            "name": "there",
            "region": "RegionTwo",
            "project_name": PROJECT,
            "agency_name": "app",
        }

    def test_only_foreseen(self):
        response = self.copy(only_foresee="on")
        assert response.status_code == 200
        assert self.cloud.only("POST").body["dry_run"] is True
        assert self.said(response) == ["It would send about 1.0\xa0MB of 4.0\xa0MB."]

    def test_all_of_it_is_there(self):
        path = f"/v1/cloudimages/{IMAGE_ID}/cross_region_copy"
        self.cloud.ims("POST", path, {"preflight": {"total_bytes": 2**22, "base_holds": 2**22}})
        response = self.copy(only_foresee="on")
        assert self.said(response) == ["It would send about 0\xa0bytes of 4.0\xa0MB."]

    def test_a_copy_is_called_by_the_region_if_there_is_one_alone(self):
        address = f"{BASE}images/{IMAGE_ID}/replicate/"
        assert b'value="copy_RegionTwo_mine"' in self.client.get(address).content
        self.regions.return_value = ["RegionOne", "RegionTwo", "RegionThree"]
        content = self.client.get(address).content
        assert b'value="copy_mine"' in content
        assert b'<input type="text" name="description"' in content
