# SPDX-License-Identifier: Apache-2.0
"""Ceph with its object gateway, and Cinder."""

from pocket_cloud import probes
from pocket_cloud.catalog import uwsgi
from pocket_cloud.service import Service

_CONF = "-c ${etc}/ceph/ceph.conf"

CEPH_MON = Service(
    name="ceph-mon",
    command=f"ceph-mon -f -i a {_CONF}",
    probe=probes.ceph("mon stat", lambda answer: bool(answer["quorum"])),
    needs=("ceph-mon-files",),
    files={"ceph/ceph.conf": "ceph.conf", "ceph/mon.keyring": "ceph-mon.keyring"},
    folders=("ceph/mon", "ceph/mgr", "ceph/osd", "ceph/radosgw", "ceph/crash"),
    ports=("ceph_mon",),
    grace=10.0,
    is_foundation=True,
)

CEPH_MGR = Service(
    name="ceph-mgr",
    command=f"ceph-mgr -f -i pocket {_CONF}",
    probe=probes.ceph("mgr stat", lambda answer: bool(answer["available"])),
    needs=("ceph-mon",),
    grace=3.0,
    is_foundation=True,
)

CEPH_OSD = Service(
    name="ceph-osd",
    command=f"ceph-osd -f -i 0 {_CONF}",
    probe=probes.ceph("osd stat", lambda answer: bool(answer["num_up_osds"])),
    needs=("ceph-osd-files",),
    grace=20.0,
    is_foundation=True,
)

RADOSGW = Service(
    name="radosgw",
    command=f"radosgw -f -n client.radosgw {_CONF}"
    " --rgw-frontends 'beast endpoint=${host}:${port_radosgw}'",
    probe=probes.http("radosgw", "/swift/healthcheck"),
    needs=("ceph-pools", "keystone"),
    ports=("radosgw",),
    # It waits long for connections that nobody uses.
    grace=1.0,
)

_FILES = {"cinder/cinder.conf": "cinder.conf"}

CINDER_API = Service(
    name="cinder-api",
    command=uwsgi.command(
        "cinder",
        "cinder.wsgi.api:application",
        "--pyargv '--config-file ${etc}/cinder/cinder.conf'",
    ),
    probe=probes.http("cinder", "/"),
    needs=("cinder-database", "rabbitmq"),
    files=_FILES,
    folders=("cinder/backups", "cinder/conversion", "cinder/coordination"),
    ports=("cinder",),
)


def _agent(name: str, needs: tuple[str, ...] = ()) -> Service:
    return Service(
        name=name,
        command="${venv}/bin/" + name + " --config-file ${etc}/cinder/cinder.conf",
        probe=probes.reported(name, "cinder", "/v3/{project}/os-services"),
        needs=("cinder-api", "identity-resources", *needs),
        files=_FILES,
        # os-brick looks for Ceph's keys in /etc/ceph.
        is_private=True,
    )


CINDER = (
    CINDER_API,
    _agent("cinder-scheduler"),
    _agent("cinder-volume", ("ceph-pools",)),
    _agent("cinder-backup", ("ceph-pools",)),
)

CEPH = (CEPH_MON, CEPH_MGR, CEPH_OSD, RADOSGW)
