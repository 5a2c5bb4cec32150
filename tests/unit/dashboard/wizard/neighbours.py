# SPDX-License-Identifier: Apache-2.0
"""What Nova and Cinder have, as Horizon shows it: a server of two volumes."""

from types import SimpleNamespace
from typing import Any
from unittest import mock

from openstack_dashboard.api import cinder, nova

from ims_glance.dashboard.wizard import ways


def server(server_id="s-1", **more):
    """A server; its system disk is a volume."""
    known = {
        "id": server_id,
        "name": "web\u202e",
        "status": "ACTIVE",
        "image": "",
        "created": "2026-11-29T09:00:00Z",
    }
    return SimpleNamespace(**(known | more))


def volume(volume_id, name, size, device, **more):
    """A volume of it."""
    known = {
        "id": volume_id,
        "name": name,
        "size": size,
        "status": "in-use",
        "created_at": "2026-11-29T09:00:00Z",
        "is_bootable": device.endswith("a"),
        "attachments": [{"server_id": "s-1", "device": device}],
        "volume_image_metadata": {},
    }
    return SimpleNamespace(**(known | more))


class Neighbours:
    """A test that has them: ``nova`` and ``cinder`` are mocks of Horizon's own modules."""

    def have_neighbours(self):
        """Have them."""
        system = {"__os_version": "Debian 12 64bit"}
        self.volumes = {
            "v-2": volume("v-2", "logs", 4, "/dev/vdb"),
            "v-1": volume("v-1", "root", 3, "/dev/vda", volume_image_metadata=system),
        }
        self.nova = self._mocked(
            nova,
            server_list_paged=mock.Mock(return_value=([server()], False, False)),
            server_get=mock.Mock(return_value=server()),
            instance_volumes_list=mock.Mock(
                return_value=[SimpleNamespace(volumeId=each) for each in self.volumes]
            ),
        )
        self.cinder = self._mocked(
            cinder,
            volume_list=mock.Mock(return_value=list(self.volumes.values())),
            volume_list_paged=mock.Mock(return_value=(list(self.volumes.values()), False, False)),
            volume_get=lambda _request, volume_id: self.volumes[volume_id],
        )

    def _mocked(self, module, **functions):
        patch = mock.patch.multiple(module, **functions)
        patch.start()
        case: Any = self
        case.addCleanup(patch.stop)
        return SimpleNamespace(**functions)


def way_of(kind, source):
    """A way that there is."""
    found = ways.find(kind, source)
    assert found is not None
    return found
