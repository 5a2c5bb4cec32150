# SPDX-License-Identifier: Apache-2.0
from types import SimpleNamespace

import pytest
from django import http

from ims_glance.dashboard.wizard import chosen
from tests.unit.dashboard.console import ConsoleTestCase
from tests.unit.dashboard.wizard.neighbours import Neighbours, server, way_of

WHOLE, FILE = way_of("whole", "server"), way_of("system", "file")


def request(**query):
    return SimpleNamespace(GET=query)


class ServerTest(Neighbours, ConsoleTestCase):
    def setUp(self):
        super().setUp()
        self.have_neighbours()

    def of(self, **more):
        self.nova.server_get.return_value = server(**more)
        return chosen.of(request(server="s-1"), WHOLE)

    def test_its_first_device_is_the_system_disk(self):
        found = self.of()
        assert [(disk.title, disk.is_system) for disk in found.disks] == [
            ("root (3 GB)", True),
            ("logs (4 GB)", False),
        ]
        assert found.is_running
        assert not found.is_on_host
        assert not found.is_quiesced
        assert found.address == "server=s-1"

    def test_the_system_disk_may_be_on_the_host(self):
        found = self.of(image={"id": "i"}, status="SHUTOFF")
        assert [disk.is_system for disk in found.disks] == [False, False]
        assert found.is_on_host
        assert not found.is_running

    def test_a_guest_agent_that_holds_the_disks_still(self):
        wanted = {"hw_qemu_guest_agent": "yes", "os_require_quiesce": "yes"}
        self.volumes["v-1"].volume_image_metadata = wanted
        assert self.of().is_quiesced


def test_a_file_gives_the_image_its_name():
    found = chosen.of(request(bucket="images", file="a/debian.12.vmdk"), FILE)
    assert found.name == "debian"
    assert found.query == {"bucket": "images", "file": "a/debian.12.vmdk"}


@pytest.mark.parametrize("query", [{}, {"server": ""}, {"server": "s" * 129}])
def test_nothing_is_chosen(query):
    with pytest.raises(http.Http404):
        chosen.of(request(**query), WHOLE)


@pytest.mark.parametrize("query", [{"bucket": "b"}, {"bucket": "b", "file": "f" * 1025}])
def test_no_file_is_named(query):
    with pytest.raises(http.Http404):
        chosen.of(request(**query), FILE)
