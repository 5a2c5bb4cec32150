# SPDX-License-Identifier: Apache-2.0
"""Schemas of Placement, Neutron and Nova; libvirt's key for Ceph; flavors and volume types."""

import time
from typing import NamedTuple

from pocket_cloud import kvm, rest
from pocket_cloud.cloud import Cloud
from pocket_cloud.errors import PocketError
from pocket_cloud.service import Step, digest

_PATIENCE = 60.0


class Flavor(NamedTuple):
    """A size of servers: processors, memory in MiB, disk in GiB."""

    name: str
    vcpus: int
    ram: int
    disk: int


FLAVORS = (
    Flavor("m1.nano", 1, 128, 1),
    Flavor("m1.micro", 1, 256, 2),
    Flavor("m1.tiny", 1, 512, 5),
    Flavor("m1.small", 1, 1024, 10),
)


def _flavors(cloud: Cloud) -> None:
    nova, admin = cloud.url("nova", "/v2.1"), rest.admin(cloud)
    known = {flavor["name"] for flavor in admin("GET", f"{nova}/flavors")["flavors"]}
    for flavor in FLAVORS:
        if flavor.name not in known:
            admin("POST", f"{nova}/flavors", {"flavor": {**flavor._asdict(), "id": flavor.name}})


def _volume_type(cloud: Cloud) -> None:
    admin = rest.admin(cloud)
    cinder = cloud.url("cinder", f"/v3/{admin.project_id}")
    known = {entry["name"] for entry in admin("GET", f"{cinder}/types")["volume_types"]}
    if "rbd" not in known:
        fields = {"name": "rbd", "extra_specs": {"volume_backend_name": "rbd"}}
        admin("POST", f"{cinder}/types", {"volume_type": fields})


def _hypervisor(cloud: Cloud) -> None:
    """Wait until the scheduler knows the machine: only then can it place a server."""
    url = cloud.url("nova", "/v2.1/os-hypervisors")
    deadline = time.monotonic() + _PATIENCE
    while not rest.admin(cloud)("GET", url)["hypervisors"]:
        if time.monotonic() > deadline:
            raise PocketError(f"Nova found no hypervisor in {_PATIENCE:.0f} s")
        time.sleep(0.5)


_NOVA = (
    "nova-manage --config-file ${etc}/nova/nova.conf --config-file ${etc}/nova/nova-database.conf"
)

STEPS = (
    Step("virt-type", function=kvm.decide, is_repeated=True),
    Step(
        "placement-database",
        needs=("more-databases",),
        command="placement-manage --config-file ${etc}/placement/placement.conf db sync",
        is_patient=True,
    ),
    Step(
        "neutron-database",
        needs=("more-databases",),
        command="neutron-db-manage --config-file ${etc}/neutron/neutron.conf upgrade heads",
        is_patient=True,
    ),
    Step(
        "nova-api-database",
        needs=("more-databases",),
        command=f"{_NOVA} api_db sync",
    ),
    Step(
        "nova-databases",
        needs=("nova-api-database",),
        command=f"""
            {_NOVA} cell_v2 map_cell0
            {_NOVA} cell_v2 create_cell --name cell1 || [ $$? -eq 2 ]
            {_NOVA} db sync
        """,
    ),
    Step(
        "libvirt-secret",
        needs=("libvirtd",),
        command="""
            uri='qemu:///system?socket=${data}/libvirt/run/libvirt-sock'
            virsh -c "$$uri" secret-define ${etc}/libvirt/secret.xml
            virsh -c "$$uri" secret-set-value ${ceph_fsid} ${cephx_cinder}
            # It takes a while the first time, and nova-compute would wait for it at the very end.
            virsh -c "$$uri" capabilities
        """,
    ),
    Step(
        "flavors",
        needs=("nova-api", "identity-resources"),
        function=_flavors,
        version=digest(repr(FLAVORS)),
    ),
    Step("volume-type", needs=("cinder-api", "identity-resources"), function=_volume_type),
    Step(
        "hypervisor",
        needs=("nova-compute", "nova-scheduler"),
        function=_hypervisor,
        is_repeated=True,
    ),
)
