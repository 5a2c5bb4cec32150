# SPDX-License-Identifier: Apache-2.0
import configparser

from pocket_cloud import actions
from pocket_cloud.catalog import storage


def test_ceph_stays_on_loopback_and_in_its_ports(cloud):
    actions.write_files(cloud, storage.CEPH_MON)
    parser = configparser.ConfigParser(interpolation=None)
    parser.read(cloud.path("etc", "ceph", "ceph.conf"))
    general = parser["global"]
    assert general["public addr"] == general["cluster addr"] == "127.0.0.1"
    assert general["mon host"] == f"[v2:127.0.0.1:{cloud.ports['ceph_mon']}]"
    assert int(general["ms bind port min"]) == cloud.ports["ceph_first"]
    assert int(general["ms bind port max"]) == cloud.ports["ceph_last"]
    assert {general[f"auth {part} required"] for part in ("cluster", "service", "client")} == {
        "cephx"
    }


def test_the_keyring_of_the_monitor_knows_every_user(cloud):
    actions.write_files(cloud, storage.CEPH_MON)
    text = cloud.path("etc", "ceph", "mon.keyring").read_text()
    for name in ("mon", "admin", "mgr", "radosgw", "glance", "cinder"):
        assert f"key = {cloud.secrets[f'cephx_{name}']}\n" in text


def test_cinder_s_workers_see_ceph_s_keys():
    private = {service.name for service in storage.CINDER if service.is_private}
    assert private == {"cinder-scheduler", "cinder-volume", "cinder-backup"}
