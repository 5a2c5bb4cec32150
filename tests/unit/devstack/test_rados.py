# SPDX-License-Identifier: Apache-2.0
"""What a monitor answers is tested by the cloud itself; here, that nobody answers."""

import pytest
from pocket_cloud import rados, template
from pocket_cloud.errors import PocketError


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
