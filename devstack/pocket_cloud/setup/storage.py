# SPDX-License-Identifier: Apache-2.0
"""Ceph's first files, its pools; Cinder's schema; buckets for Glance."""

from pocket_cloud import rados, rest, template
from pocket_cloud.cloud import Cloud
from pocket_cloud.service import Step, digest

POOLS = ("images", "volumes", "backups", "ims")
CLIENTS = ("admin", "radosgw", "glance", "cinder")

# What Glance's object stores write to, in the project "service". A container of Swift is a bucket
# of S3 here.
CONTAINERS = ("glance", "ims-kms", "glance-s3", "ims-kms-s3")


def _keyrings(cloud: Cloud) -> None:
    for name in CLIENTS:
        _keyring(cloud, f"client.{name}", name, f"etc/ceph/ceph.client.{name}.keyring")
    _keyring(cloud, "mgr.pocket", "mgr", "data/ceph/mgr/keyring")
    _keyring(cloud, "osd.0", "osd", "data/ceph/osd/keyring")


def _keyring(cloud: Cloud, entity: str, secret: str, path: str) -> None:
    values = {"entity": entity, "key": cloud.secrets[f"cephx_{secret}"]}
    template.write(cloud.path(path), template.render("ceph.keyring", values))


def _pools(cloud: Cloud) -> None:
    for pool in POOLS:
        rados.command(cloud, "osd pool create", pool=pool, pg_num=8)
        rados.command(cloud, "osd pool application enable", pool=pool, app="rbd")


def _containers(cloud: Cloud) -> None:
    password = cloud.secrets["password_glance"]
    glance = rest.Session(cloud.url("keystone", "/v3"), "glance", password, "service")
    account = cloud.url("radosgw", f"/swift/v1/AUTH_{glance.project_id}")
    for name in CONTAINERS:
        glance("PUT", f"{account}/{name}")


STEPS = (
    Step("ceph-keyrings", function=_keyrings),
    Step(
        "ceph-mon-files",
        needs=("ceph-keyrings",),
        command="""
            rm -rf ${data}/ceph/mon/*
            monmaptool --create --clobber --fsid ${ceph_fsid} \\
                --addv a [v2:${host}:${port_ceph_mon}] ${data}/ceph/monmap
            ceph-mon --mkfs -i a -c ${etc}/ceph/ceph.conf --monmap ${data}/ceph/monmap \\
                --keyring ${etc}/ceph/mon.keyring
            cp ${etc}/ceph/mon.keyring ${data}/ceph/mon/keyring
        """,
    ),
    Step(
        "ceph-osd-files",
        needs=("ceph-mon",),
        command="""
            echo '{"cephx_secret": "${cephx_osd}"}' |
                ceph -c ${etc}/ceph/ceph.conf osd new ${osd_uuid} -i -
            ceph-osd --mkfs -i 0 -c ${etc}/ceph/ceph.conf --osd-uuid ${osd_uuid}
        """,
    ),
    Step("ceph-pools", needs=("ceph-osd",), function=_pools),
    Step(
        "object-stores",
        needs=("radosgw", "identity-resources"),
        function=_containers,
        version=digest(*CONTAINERS),
    ),
    Step(
        "cinder-database",
        needs=("more-databases",),
        command="cinder-manage --config-file ${etc}/cinder/cinder.conf db sync",
        is_patient=True,
    ),
)
