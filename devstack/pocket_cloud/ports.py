# SPDX-License-Identifier: Apache-2.0
"""Every port of the cloud, counted from one base, so that two clouds fit on one machine."""

from pocket_cloud.errors import PocketError

DEFAULT_BASE = 21000

# Above lies the kernel's range for outgoing connections, which would take a port now and then.
FIRST_EPHEMERAL = 32768

OFFSETS: dict[str, int] = {
    "mariadb": 1,
    "epmd": 2,
    "amqp": 3,
    "erlang": 4,
    "keystone": 10,
    "barbican": 11,
    "glance_one": 12,
    "glance_two": 13,
    "placement": 14,
    "neutron": 15,
    "nova": 16,
    "cinder": 17,
    "radosgw": 18,
    "horizon": 19,
    "ceph_mon": 20,
    # The manager and the OSD take what they need from this range.
    "ceph_first": 30,
    "ceph_last": 59,
}

SPAN = 100


def allocate(base: int) -> dict[str, int]:
    """Port numbers by name.

    :raises PocketError: if the range is privileged or reaches into the ephemeral ports.
    """
    if not 1024 <= base <= FIRST_EPHEMERAL - SPAN:
        raise PocketError(
            f"POCKET_PORT={base}: the {SPAN} ports must lie between 1024 and {FIRST_EPHEMERAL}"
        )
    return {name: base + offset for name, offset in OFFSETS.items()}
