# SPDX-License-Identifier: Apache-2.0
"""Nova, with what only Nova needs: Placement, Neutron, libvirt."""

from collections.abc import Mapping

from pocket_cloud import guests, probes
from pocket_cloud.catalog import uwsgi
from pocket_cloud.service import Service

# Image properties that a snapshot does not take over from the image its server came from.
NOT_INHERITED = "__system__cmkid"

PLACEMENT = Service(
    name="placement",
    command=uwsgi.command("placement", "placement.wsgi.api:application"),
    probe=probes.http("placement", "/"),
    needs=("placement-database",),
    files={"placement/placement.conf": "placement.conf"},
    environment={"OS_PLACEMENT_CONFIG_DIR": "${etc}/placement"},
    ports=("placement",),
)

NEUTRON = Service(
    name="neutron",
    command=uwsgi.command("neutron", "neutron.wsgi.api:application"),
    # Not just any answer: it does not find its way through its own tables before a first query.
    probe=probes.authorized("neutron", "/v2.0/networks"),
    needs=("neutron-database", "rabbitmq", "identity-resources"),
    files={
        "neutron/neutron.conf": "neutron.conf",
        "neutron/api-paste.ini": "${venv}/etc/neutron/api-paste.ini",
    },
    folders=("neutron",),
    environment={
        "OS_NEUTRON_CONFIG_DIR": "${etc}/neutron",
        "OS_NEUTRON_CONFIG_FILES": "neutron.conf",
    },
    ports=("neutron",),
)

VIRTLOGD = Service(
    name="virtlogd",
    command="virtlogd --pid-file /run/libvirt/virtlogd.pid",
    probe=probes.unix_socket("data/libvirt/run/virtlogd-sock"),
    files={"libvirt/virtlogd.conf": "virtlogd.conf"},
    is_private=True,
    is_foundation=True,
)

LIBVIRTD = Service(
    name="libvirtd",
    command="libvirtd --pid-file /run/libvirt/libvirtd.pid",
    probe=probes.unix_socket("data/libvirt/run/libvirt-sock"),
    # Not for itself: the guests' disks are there, so the guests have to go first.
    needs=("virtlogd", "ceph-osd"),
    files={
        "libvirt/libvirtd.conf": "libvirtd.conf",
        "libvirt/qemu.conf": "qemu.conf",
        "libvirt/secret.xml": "libvirt-secret.xml",
    },
    before_stop=guests.power_off,
    is_private=True,
    is_foundation=True,
)

_FILES = {"nova/nova.conf": "nova.conf"}
_DATABASE = {"nova/nova-database.conf": "nova-database.conf"}
_EXTRA = {"not_inherited": NOT_INHERITED}

NOVA_API = Service(
    name="nova-api",
    command=uwsgi.command("nova", "nova.wsgi.osapi_compute:application"),
    probe=probes.http("nova", "/"),
    needs=("nova-databases", "rabbitmq", "virt-type"),
    files={**_FILES, **_DATABASE, "nova/api-paste.ini": "${venv}/etc/nova/api-paste.ini"},
    folders=("nova/instances",),
    extra=_EXTRA,
    environment={
        "OS_NOVA_CONFIG_DIR": "${etc}/nova",
        # The first is taken for the pipeline.
        "OS_NOVA_CONFIG_FILES": "api-paste.ini;nova.conf;nova-database.conf",
    },
    ports=("nova",),
)


def _agent(name: str, files: Mapping[str, str], needs: tuple[str, ...] = ()) -> Service:
    options = [f"--config-file ${{etc}}/{target}" for target in files]
    return Service(
        name=name,
        command=" ".join(("${venv}/bin/" + name, *options)),
        probe=probes.reported(name, "nova", "/v2.1/os-services"),
        needs=("nova-databases", "rabbitmq", "identity-resources", "virt-type", *needs),
        files=files,
        extra=_EXTRA,
        # Only nova-compute needs it, for libvirt and for Ceph's keys.
        is_private=name == "nova-compute",
    )


NOVA = (
    NOVA_API,
    _agent("nova-conductor", {**_FILES, **_DATABASE}),
    _agent("nova-scheduler", {**_FILES, **_DATABASE}, ("placement",)),
    # It needs nova-conductor too, but asks for it later than nova-conductor begins to answer.
    _agent(
        "nova-compute", _FILES, ("nova-api", "placement", "libvirt-secret", "neutron", "glance-one")
    ),
)

COMPUTE = (PLACEMENT, NEUTRON, VIRTLOGD, LIBVIRTD, *NOVA)
