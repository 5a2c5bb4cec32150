# SPDX-License-Identifier: Apache-2.0
"""Servers from the guest that tells what it sees."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from openstack import exceptions
from pocket_cloud import guest
from pocket_cloud.cloud import Cloud

_FLAVOR = "m1.nano"


@contextmanager
def guest_image(cloud: Cloud, connection: Any, **properties: str) -> Iterator[Any]:
    """An image with the guest's disk, for as long as the block lasts."""
    image = connection.image.create_image(
        "guest",
        filename=str(guest.build(cloud)),
        disk_format="raw",
        container_format="bare",
        **properties,
    )
    try:
        yield image
    finally:
        connection.image.delete_image(image)


@contextmanager
def server(connection: Any, image: Any, name: str = "guest") -> Iterator[Any]:
    """A running server without a network, for as long as the block lasts."""
    flavor = connection.compute.find_flavor(_FLAVOR)
    made = connection.compute.create_server(
        name=name, image_id=image.id, flavor_id=flavor.id, networks="none"
    )
    try:
        yield running(connection, made)
    finally:
        connection.compute.delete_server(made)
        connection.compute.wait_for_delete(made, wait=240)


def running(connection: Any, made: Any) -> Any:
    """A server once it runs; says why it does not."""
    try:
        return connection.compute.wait_for_server(made, wait=240)
    except exceptions.ResourceFailure as failure:
        failure.add_note(f"Nova says: {connection.compute.get_server(made).fault}")
        raise


def console(connection: Any, server: Any) -> str:
    """What the server has written on its serial console so far."""
    try:
        return str(connection.compute.get_server_console_output(server)["output"])
    except (exceptions.NotFoundException, exceptions.ConflictException):
        # While it is rebooted it has none, nor while it is built.
        return ""


def wait_until(is_true: Callable[[], object], patience: float = 300.0, pause: float = 0.5) -> None:
    """Wait.

    :param pause: between two looks, in seconds
    :raises AssertionError: if it does not become true in *patience* seconds
    """
    deadline = time.monotonic() + patience
    while not is_true():
        assert time.monotonic() < deadline, f"not true after {patience:.0f} s"
        time.sleep(pause)


def wait_for_line(connection: Any, server: Any, line: str) -> None:
    """Wait for something that a guest writes on its serial console."""
    # Each look costs Nova a tenth of a second of a processor, and the guest wants that to boot.
    wait_until(lambda: line in console(connection, server), pause=1.5)


def wait_for_boot(connection: Any, server: Any) -> None:
    """Wait for the last line that the guest writes."""
    wait_for_line(connection, server, guest.LAST_LINE)
