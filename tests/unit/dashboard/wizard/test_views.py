# SPDX-License-Identifier: Apache-2.0
"""The steps to an image, one after the other."""

from tests.unit.client.cloud import BACKUP_ID, JOB_ID, PROJECT, backup
from tests.unit.dashboard.console import BASE, ConsoleTestCase, text
from tests.unit.dashboard.wizard.neighbours import Neighbours

WHOLE = f"{BASE}create/whole/server/settings/?server=s-1"
SYSTEM = f"{BASE}create/system/server/settings/?server=s-1"
FILE = f"{BASE}create/system/file/settings/?bucket=images&file=a/debian.vmdk"
VERSIONS = [
    {
        "platform": "Debian",
        "version_list": [
            {
                "platform": "Debian",
                "os_version": "Debian 12 64bit",
                "os_type": "Linux",
                "os_bit": 64,
            }
        ],
    }
]


class StepsTest(Neighbours, ConsoleTestCase):
    def setUp(self):
        super().setUp()
        self.have_neighbours()
        for path in (
            "/v2/cloudimages/action",
            "/v1/cloudimages/wholeimages/action",
            "/v1/cloudimages/dataimages/action",
            "/v1/cloudimages/check/action",
        ):
            self.cloud.ims("POST", path, {"job_id": JOB_ID})
        self.cloud.ims("GET", "/v1/cloudimages/os_version", VERSIONS)

    def made(self, address, **typed):
        """Fill in the settings, confirm them, and return what the service was asked."""
        shown = self.client.post(address, {"name": "new", **typed})
        assert shown.status_code == 200, shown
        assert 'name="confirmed"' in shown.content.decode(), text(shown)
        assert self.cloud.sent("POST") == []
        done = self.client.post(address, {"name": "new", **typed, "confirmed": "1"})
        assert done["Location"] == BASE, text(done)
        return self.cloud.only("POST")

    def test_what_can_be_made_of_what(self):
        content = self.client.get(f"{BASE}create/").content.decode()
        for address in ("system/server", "whole/backup", "data/file"):
            assert f'href="{BASE}create/{address}/"' in content
        assert f"{BASE}create/data/backup/" not in content
        assert self.client.get(f"{BASE}create/data/backup/").status_code == 404

    def test_a_server_is_chosen(self):
        response = self.client.get(f"{BASE}create/whole/server/")
        assert "web\ufffd Debian 12 64bit Running" in text(response)
        assert f"{WHOLE}" in response.content.decode()

    def test_what_the_server_has_is_shown_beside_the_settings(self):
        shown = text(self.client.get(SYSTEM))
        assert "System disk: root (3 GB)" in shown
        assert "Data disk: logs (4 GB)" in shown

    def test_of_its_system_disk(self):
        asked = self.made(SYSTEM)
        assert asked.path.endswith("/v2/cloudimages/action")
        assert asked.body == {"name": "new", "instance_id": "s-1"}

    def test_of_all_its_disks_encrypted_and_with_tags(self):
        asked = self.made(WHOLE, encrypt="on", tags="a=1\n\n b \n", with_backup="on")
        assert asked.path.endswith("/wholeimages/action")
        assert asked.body == {
            "name": "new",
            "instance_id": "s-1",
            "cmk_id": "ims/default",
            "with_backup": True,
            "image_tags": [{"key": "a", "value": "1"}, {"key": "b", "value": ""}],
        }

    def test_of_its_data_disks(self):
        asked = self.made(f"{BASE}create/data/server/settings/?server=s-1", disks=["v-2"])
        assert asked.body == {"name": "new", "data_images": [{"name": "new", "volume_id": "v-2"}]}

    def test_of_a_volume(self):
        address = f"{BASE}create/system/volume/settings/?volume=v-1"
        asked = self.made(address, os_version="Debian 12 64bit", prepare="on")
        assert asked.body == {
            "name": "new",
            "volume_id": "v-1",
            "os_version": "Debian 12 64bit",
            "is_config": True,
        }

    def test_a_volume_does_not_say_what_is_on_it(self):
        shown = self.client.post(
            f"{BASE}create/system/volume/settings/?volume=v-1", {"name": "new"}
        )
        assert 'name="confirmed"' not in shown.content.decode()

    def test_of_a_backup(self):
        self.cloud.ims("GET", f"/v1/{PROJECT}/server-backups/{BACKUP_ID}", backup())
        asked = self.made(f"{BASE}create/whole/backup/settings/?backup={BACKUP_ID}")
        assert asked.body == {"name": "new", "backup_id": BACKUP_ID}

    def test_of_a_file(self):
        asked = self.made(FILE, min_disk="40", encrypt="on", key="k-1", enterprise_project="0")
        assert asked.body == {
            "name": "new",
            "image_url": "images:a/debian.vmdk",
            "min_disk": 40,
            "cmk_id": "k-1",
            "enterprise_project_id": "0",
        }

    def test_of_a_data_disk_in_a_file(self):
        address = FILE.replace("system", "data")
        asked = self.made(address, min_disk="40", os_type="Windows")
        assert asked.path.endswith("/dataimages/action")
        assert asked.body["os_type"] == "Windows"

    def test_what_will_happen_is_said_before(self):
        shown = text(self.client.post(SYSTEM, {"name": "new"}))
        assert "Left out These disks of the server: logs (4 GB)" in shown
        assert "1 private image of the 14 that you can still create" in shown
        assert "The image is not encrypted" in shown
        shown = text(self.client.post(WHOLE, {"name": "new"}))
        assert "paused for about a second" in shown
        assert "Nothing: all disks" in shown

    def test_back_from_the_last_step_what_was_typed_is_there(self):
        typed = {"name": "new", "description": "of mine", "tags": "a=1", "back": "1"}
        shown = self.client.post(WHOLE, typed).content.decode()
        assert 'value="of mine"' in shown
        assert "a=1</textarea>" in shown

    def test_a_refusal_stands_above_what_was_typed(self):
        path = "/v1/cloudimages/wholeimages/action"
        self.cloud.refuse("POST", path, 409, "IMG.0010", "It is busy.")
        shown = self.client.post(WHOLE, {"name": "new", "confirmed": "1"})
        assert "It is busy. (IMG.0010)" in text(shown)
        assert '<input type="hidden" name="name" value="new">' in shown.content.decode()

    def test_what_is_wrong_stands_at_its_field(self):
        tags = "\n".join(f"k{number}" for number in range(11))
        assert "10 tags at most" in text(self.client.post(WHOLE, {"name": "new", "tags": tags}))
        assert "required" in text(self.client.post(WHOLE, {"name": ""}))

    def test_a_file_is_named(self):
        address = f"{BASE}create/system/file/"
        named = {"bucket": "images", "file": "a/debian.vmdk"}
        response = self.client.post(address, named)
        assert response["Location"] == FILE.replace("a/debian", "a%2Fdebian")
        assert "required" in text(self.client.post(address, {"bucket": "images"}))

    def test_a_file_is_looked_into_first(self):
        address = f"{BASE}create/system/file/"
        named = {"bucket": "images", "file": "debian.vmdk"}
        response = self.client.post(address, {**named, "look": "1"})
        assert self.cloud.only("POST").body == {"image_url": "images:debian.vmdk"}
        about = {"file": "images:debian.vmdk"}
        running = {"job_id": JOB_ID, "status": "RUNNING", "entities": about}
        self.cloud.ims("GET", f"/v1/{PROJECT}/jobs/{JOB_ID}", running)
        shown = self.client.get(response["Location"]).content.decode()
        assert 'http-equiv="refresh"' in shown
        report = {
            "guest": {"product_name": "Debian 12", "has_cloud_init": False},
            "steps": [{"name": "network", "state": "todo", "what": "<b>", "advice": "Use DHCP."}],
        }
        done = {
            **running,
            "status": "SUCCESS",
            "entities": {**about, "report": report},
        }
        self.cloud.ims("GET", f"/v1/{PROJECT}/jobs/{JOB_ID}", done)
        response = self.client.get(response["Location"])
        assert "System Debian 12" in text(response)
        assert "network todo <b> Use DHCP." in text(response)
        assert "refresh" not in response.content.decode().split("</head>")[0]
        typed = {"bucket": "images", "file": "debian.vmdk", "check": JOB_ID}
        settings = self.client.post(FILE.partition("settings")[0], typed)["Location"]
        assert settings == f"{FILE.replace('a/', '')}&check={JOB_ID}"
        renamed = self.client.post(FILE.partition("settings")[0], {**typed, "file": "b"})
        assert "file=b&" in renamed["Location"]
        shown = text(self.client.post(settings, {"name": "new", "min_disk": "40"}))
        assert "Use DHCP." in shown
        other = settings.replace("debian", "other")
        shown = text(self.client.post(other, {"name": "new", "min_disk": "40"}))
        assert "Use DHCP." not in shown

    def test_of_a_manifest_which_says_how_large_the_disk_is(self):
        address = FILE.replace("system", "whole").replace("debian.vmdk", "web.JSON")
        assert self.made(address).body == {"name": "new", "image_url": "images:a/web.JSON"}

    def test_a_sealed_file_stays_encrypted(self):
        shown = text(self.client.post(FILE, {"name": "new", "min_disk": "40"}))
        assert "not encrypted, unless the file is sealed" in shown
        assert "required" in text(self.client.post(FILE, {"name": "new"}))

    def test_an_address_that_names_nothing(self):
        for address in ("whole/server/settings/", "system/file/settings/?bucket=images"):
            assert self.client.get(f"{BASE}create/{address}").status_code == 404

    def test_a_server_that_is_gone(self):
        self.nova.server_get.side_effect = self.exceptions.nova
        response = self.client.get(WHOLE)
        assert response["Location"] == BASE
