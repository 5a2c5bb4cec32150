# SPDX-License-Identifier: Apache-2.0
from ims_glance.dashboard.wizard import picking
from tests.unit.client.cloud import (
    BACKUP_ID,
    IMAGE,
    IMAGE_ID,
    PROJECT,
    SECOND_ID,
    Answer,
    backup,
    image,
)
from tests.unit.dashboard.console import BASE, ConsoleTestCase, text
from tests.unit.dashboard.wizard.neighbours import Neighbours, server


class ServersTest(Neighbours, ConsoleTestCase):
    def setUp(self):
        super().setUp()
        self.have_neighbours()

    def shown(self, **query):
        return self.client.get(f"{BASE}create/system/server/", query)

    def test_the_system_is_said_by_the_image_of_the_server(self):
        of_image = server(image={"id": IMAGE_ID})
        self.nova.server_list_paged.return_value = [of_image], False, False
        self.cloud.on(
            "GET",
            f"{IMAGE}/v2/images",
            lambda _request: Answer(200, {"images": [image(__os_version="FreeBSD 13 64bit")]}),
        )
        assert "FreeBSD 13 64bit Running" in text(self.shown())
        assert not self.cinder.volume_list.called

    def test_what_nobody_says_is_left_open(self):
        self.nova.server_list_paged.return_value = [server(image={"id": IMAGE_ID})], False, False
        self.cloud.refuse("GET", "/v2/images", 503, "IMG.0014", "Not now.")
        assert "web\ufffd - Running" in text(self.shown())
        self.nova.server_list_paged.return_value = [server()], False, False
        self.cinder.volume_list.side_effect = self.exceptions.cinder
        assert "web\ufffd - Running" in text(self.shown())

    def test_name_and_state_are_looked_for_as_they_are_typed(self):
        self.nova.server_list_paged.return_value = [server()], True, False
        content = self.shown(name="a.b", state="SHUTOFF", marker="s-0").content.decode()
        sought = self.nova.server_list_paged.call_args.kwargs["search_opts"]
        assert sought == {"name": "a\\.b", "status": "SHUTOFF", "marker": "s-0", "paginate": True}
        assert "?name=a.b&amp;state=SHUTOFF&amp;marker=s-1" in content
        assert '/server/?name=a.b&amp;state=SHUTOFF">First page' in content

    def test_a_compute_service_that_is_away(self):
        self.nova.server_list_paged.side_effect = self.exceptions.nova
        assert "Nothing to choose from" in text(self.shown())


class OthersTest(Neighbours, ConsoleTestCase):
    def setUp(self):
        super().setUp()
        self.have_neighbours()

    def test_a_system_is_on_what_boots(self):
        shown = text(self.client.get(f"{BASE}create/system/volume/"))
        assert "root Debian 12 64bit In use 3" in shown
        assert "logs" not in shown

    def test_volumes_that_cannot_be_listed(self):
        self.cinder.volume_list_paged.side_effect = self.exceptions.cinder
        assert "Nothing to choose from" in text(self.client.get(f"{BASE}create/system/volume/"))

    def test_of_a_backup_one_image_is_made(self):
        used = backup(SECOND_ID, "used", image_id=IMAGE_ID)
        listed = {"server_backups": [backup(), used]}
        self.cloud.ims("GET", f"/v1/{PROJECT}/server-backups", listed)
        response = self.client.get(f"{BASE}create/whole/backup/")
        assert f"?backup={BACKUP_ID}" in response.content.decode()
        assert "used" not in text(response).split("Action")[1]

    def test_backups_that_cannot_be_listed(self):
        path = f"/v1/{PROJECT}/server-backups"
        self.cloud.refuse("GET", path, 403, "IMG.0026", "You may not.")
        shown = text(self.client.get(f"{BASE}create/whole/backup/"))
        assert "You may not. (IMG.0026)" in shown


def test_nothing_is_sent_that_is_not_filled_in():
    assert picking.Sought(name="a").given(name="n", state="s") == {"n": "a"}
