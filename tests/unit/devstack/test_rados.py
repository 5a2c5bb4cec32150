# SPDX-License-Identifier: Apache-2.0
"""What a monitor answers is tested by the cloud itself; here, that nobody answers."""

import importlib.util
import sys
from types import SimpleNamespace

import pytest
from pocket_cloud import rados, template
from pocket_cloud.errors import PocketError


@pytest.fixture(autouse=True)
def library(monkeypatch):
    """Ceph's library, or a stand-in for it: no index has it, and only the pocket cloud installs it."""
    if importlib.util.find_spec("rados") is None:
        stand_in = SimpleNamespace(Error=RuntimeError, Rados=lambda **_options: _Nobody())
        monkeypatch.setitem(sys.modules, "rados", stand_in)


class _Nobody:
    def __enter__(self):
        raise RuntimeError("nobody answers")

    def __exit__(self, *_error):
        pass


def test_without_a_monitor_it_says_so_in_time(cloud):
    conf = template.render("ceph.conf", cloud.values)
    template.write(cloud.path("etc", "ceph", "ceph.conf"), conf)
    values = {"entity": "client.admin", "key": cloud.secrets["cephx_admin"]}
    keyring = template.render("ceph.keyring", values)
    template.write(cloud.path("etc", "ceph", "ceph.client.admin.keyring"), keyring)
    with pytest.raises(PocketError, match="ceph mon stat: "):
        rados.command(cloud, "mon stat", timeout=1)


def test_without_a_configuration_it_says_so(cloud):
    with pytest.raises(PocketError, match="ceph mon stat: "):
        rados.command(cloud, "mon stat", timeout=1)
