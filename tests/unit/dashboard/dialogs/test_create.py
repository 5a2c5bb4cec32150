# SPDX-License-Identifier: Apache-2.0
from types import SimpleNamespace
from unittest import mock

from horizon import exceptions

from tests.unit.client.cloud import JOB_ID
from tests.unit.dashboard.console import BASE, ConsoleTestCase, text

SERVER = SimpleNamespace(id="s-1", name="web\u202e", status="ACTIVE")


class CreateTest(ConsoleTestCase):
    def setUp(self):
        super().setUp()
        self.all = [SERVER]
        self.listed = mock.patch(
            "openstack_dashboard.api.nova.server_list", side_effect=self.page_of
        )
        self.nova = self.listed.start()
        self.addCleanup(self.listed.stop)
        for path in ("/v2/cloudimages/action", "/v1/cloudimages/wholeimages/action"):
            self.cloud.ims("POST", path, {"job_id": JOB_ID})

    def page_of(self, request, search_opts, detailed):
        """As Nova does it: so many at once as it likes, here one."""
        ids = [each.id for each in self.all]
        begin = ids.index(search_opts["marker"]) + 1 if "marker" in search_opts else 0
        return self.all[begin : begin + 1], False

    def create(self, **typed):
        typed = {"kind": "system", "server": "s-1", "name": "new"} | typed
        response = self.client.post(f"{BASE}create/", typed)
        assert response["Location"] == BASE
        return self.cloud.only("POST")

    def test_the_servers_are_there_to_choose_from(self):
        assert "web\ufffd (ACTIVE)" in text(self.client.get(f"{BASE}create/"))

    def test_there_are_more_servers_than_nova_shows_at_once(self):
        self.all.append(SimpleNamespace(id="s-2", name="second", status="SHUTOFF"))
        shown = text(self.client.get(f"{BASE}create/"))
        assert "web\ufffd (ACTIVE)" in shown
        assert "second (SHUTOFF)" in shown

    def test_a_description_is_one_line(self):
        """The service takes no more."""
        assert b'<input type="text" name="description"' in self.client.get(f"{BASE}create/").content

    def test_of_its_system_disk(self):
        asked = self.create()
        assert asked.path.endswith("/v2/cloudimages/action")
        assert asked.body == {"name": "new", "instance_id": "s-1"}

    def test_of_all_its_disks_encrypted_and_with_tags(self):
        asked = self.create(kind="whole", encrypt="on", tags="a=1\n\n b \n")
        assert asked.path.endswith("/wholeimages/action")
        assert asked.body["cmk_id"] == "ims/default"
        assert asked.body["image_tags"] == [{"key": "a", "value": "1"}, {"key": "b", "value": ""}]

    def test_a_compute_service_that_is_away(self):
        self.nova.side_effect = exceptions.NotAvailable("away")
        assert self.client.get(f"{BASE}create/").status_code == 200
