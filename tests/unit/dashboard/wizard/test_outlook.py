# SPDX-License-Identifier: Apache-2.0
import dataclasses

import pytest

from ims_glance.dashboard.wizard import outlook
from ims_glance.dashboard.wizard.chosen import Chosen
from tests.unit.dashboard.console import QUOTAS, ConsoleTestCase
from tests.unit.dashboard.wizard.neighbours import way_of
from tests.unit.dashboard.wizard.test_forms import DISKS, form

SERVER = Chosen({"server": "s"}, "web", [], DISKS, is_running=True)


@pytest.mark.parametrize(
    ("kind", "more", "typed", "said"),
    [
        ("system", {}, {}, "power cut"),
        ("whole", {}, {}, "paused for about a second"),
        ("whole", {"is_on_host": True}, {}, "for each GB"),
        ("whole", {"is_quiesced": True}, {}, "guest agent"),
        ("whole", {}, {"no_pause": True}, "not of one moment"),
        ("whole", {"is_running": False}, {}, ""),
    ],
)
def test_the_standstill(kind, more, typed, said):
    source = dataclasses.replace(SERVER, **more)
    found = outlook.standstill(way_of(kind, "server"), source, typed)
    assert said in found
    assert bool(found) == bool(said)


@pytest.mark.parametrize(
    ("kind", "typed", "said"),
    [
        ("system", "name=new", "logs (4 GB)"),
        ("data", "name=new&disks=v-2", "root (3 GB)"),
        ("whole", "name=new", "Nothing"),
    ],
)
def test_what_is_left_out(kind, typed, said):
    settings = form(kind, "server", typed)
    assert settings.is_valid()
    assert said in outlook.left_out(way_of(kind, "server"), SERVER, settings)


def test_a_system_disk_that_is_no_volume_is_in_no_image_of_data_disks():
    source = dataclasses.replace(SERVER, disks=DISKS[1:], is_on_host=True)
    settings = form("data", "server", "name=new&disks=v-2", DISKS[1:])
    assert settings.is_valid()
    said = outlook.left_out(way_of("data", "server"), source, settings)
    assert said == "These disks of the server: System disk"


def test_of_a_file_nothing_stands_still_and_nothing_is_left_out():
    settings = form("system", "file", "name=new&min_disk=40")
    assert settings.is_valid()
    way = way_of("system", "file")
    assert outlook.standstill(way, SERVER, {}) == outlook.left_out(way, SERVER, settings) == ""


class QuotaTest(ConsoleTestCase):
    def foreseen(self):
        settings = form("whole", "server")
        assert settings.is_valid()
        return outlook.of(None, way_of("whole", "server"), SERVER, settings)

    def test_no_more_room(self):
        resources = [{**QUOTAS["quotas"]["resources"][0], "used": 50}]
        self.cloud.ims("GET", "/v1/cloudimages/quota", {"quotas": {"resources": resources}})
        assert self.foreseen().is_over

    def test_a_quota_that_is_not_known_keeps_nobody_off(self):
        self.cloud.refuse("GET", "/v1/cloudimages/quota", 503, "IMG.0014", "Not now.")
        found = self.foreseen()
        assert not found.is_over
        assert "Quota" not in dict(found.lines)
