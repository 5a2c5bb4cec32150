# SPDX-License-Identifier: Apache-2.0
import stat

from pocket_cloud import template
from pocket_cloud.setup import storage


def test_keyrings_hold_the_same_keys_as_the_monitor_s(cloud):
    step = next(step for step in storage.STEPS if step.name == "ceph-keyrings")
    assert step.function
    step.function(cloud)
    path = cloud.path("etc", "ceph", "ceph.client.cinder.keyring")
    assert path.read_text() == f"[client.cinder]\nkey = {cloud.secrets['cephx_cinder']}\n"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_every_pool_and_container_that_a_store_writes_to_is_made():
    text = template.FOLDER.joinpath("ims-glance.stores.conf").read_text()
    pairs = [line.split(" = ") for line in text.splitlines() if " = " in line]
    pools = {value for name, value in pairs if name == "rbd_store_pool"}
    kept = {v for n, v in pairs if n in {"swift_store_container", "s3_store_bucket"}}
    assert pools <= set(storage.POOLS)
    assert kept == set(storage.CONTAINERS)
