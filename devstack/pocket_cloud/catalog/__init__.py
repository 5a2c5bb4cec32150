# SPDX-License-Identifier: Apache-2.0
"""Which services the cloud has: one table a topic, put together here."""

from pocket_cloud.catalog import base, compute, console, identity, image, storage
from pocket_cloud.service import Service

LIGHT: tuple[Service, ...] = (
    base.MARIADB,
    identity.KEYSTONE,
    identity.BARBICAN,
    image.ONE_LIGHT,
    image.TWO,
    *image.WORKERS,
)

FULL: tuple[Service, ...] = (
    base.MARIADB,
    base.EPMD,
    base.RABBITMQ,
    identity.KEYSTONE,
    identity.BARBICAN,
    *storage.CEPH,
    image.ONE,
    image.TWO,
    *image.WORKERS,
    *compute.COMPUTE,
    *storage.CINDER,
    console.HORIZON,
)


def services(is_light: bool, has_console: bool = True) -> tuple[Service, ...]:
    """The services of a profile."""
    found = LIGHT if is_light else FULL
    return tuple(each for each in found if has_console or each is not console.HORIZON)
