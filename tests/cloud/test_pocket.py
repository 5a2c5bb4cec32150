# SPDX-License-Identifier: Apache-2.0
"""The running cloud: what it says of itself, and where it listens."""

import os
import subprocess
import sys

import pytest
from pocket_cloud import catalog, guests, process, procfs
from pocket_cloud.cloud import CHECKOUT, MARKER

from tests.cloud import login, pocket, servers

pytestmark = pytest.mark.pocket

# Some of the services make children that keep sockets open which they inherited.
_LISTENERS_AT_LEAST = 14


def listeners_of(cloud) -> dict[procfs.Listener, str]:
    """Listening sockets that processes of the cloud hold, with the command of one of them."""
    everywhere = {listener.inode: listener for listener in procfs.listeners()}
    return {
        everywhere[inode]: procfs.command(member.pid)
        for member in process.members(cloud)
        for inode in procfs.sockets(member.pid) & everywhere.keys()
    }


def exposed(cloud) -> dict[procfs.Listener, str]:
    """Those that somebody else's machine could reach."""
    found = listeners_of(cloud)
    return {listener: found[listener] for listener in found if not listener.is_loopback}


@pytest.fixture(scope="module")
def running_guest(cloud):
    demo = login.connect("demo")
    with servers.guest_image(cloud, demo) as image, servers.server(demo, image) as server:
        servers.wait_for_boot(demo, server)
        yield server


def test_every_listener_is_on_loopback(cloud, running_guest):
    assert guests.running(cloud)
    found = listeners_of(cloud)
    assert len(found) >= _LISTENERS_AT_LEAST
    assert exposed(cloud) == {}


def test_every_port_is_held_by_a_process_of_the_cloud(cloud):
    """RabbitMQ's distribution port and epmd among them: nothing else may answer there."""
    held = {listener.port for listener in listeners_of(cloud)}
    expected = {
        service.name: cloud.ports[name]
        for service in catalog.services(cloud.is_light)
        for name in service.ports
    }
    assert {name: port for name, port in expected.items() if port not in held} == {}


def test_nothing_listens_outside_of_the_cloud_s_own_ports(cloud):
    span = range(cloud.base, cloud.base + 100)
    strangers = {
        listener: command
        for listener, command in listeners_of(cloud).items()
        if listener.port not in span
    }
    assert strangers == {}


@pytest.mark.parametrize("address", ["0.0.0.0", "::"])
def test_an_exposed_listener_would_be_found(cloud, address):
    script = (
        "import socket, sys\n"
        "family = socket.AF_INET6 if ':' in sys.argv[1] else socket.AF_INET\n"
        "server = socket.create_server((sys.argv[1], 0), family=family)\n"
        "print(server.getsockname()[1], flush=True)\n"
        "sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script, address],
        env={**os.environ, MARKER: str(cloud.home)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as child:
        assert child.stdout is not None
        port = int(child.stdout.readline())
        found = {listener.port for listener in exposed(cloud)}
        child.kill()
    assert found == {port}


def status() -> tuple[int, dict[str, list[str]]]:
    """Exit code of ``devstack/pocket status``, and the cells of its rows by service."""
    shown = subprocess.run(
        [str(CHECKOUT / "devstack" / "pocket"), "status"],
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )
    table = shown.stdout.partition("\n\n")[2].partition("\n\n")[0]
    head = shown.stdout.partition("\n\n")[0]
    lines = f"{head}\n{table}".splitlines()
    return shown.returncode, {line.split()[0]: line.split() for line in lines}


def test_status_shows_every_service(cloud):
    code, rows = status()
    assert code == 0
    members = {member.pid for member in process.members(cloud)}
    for service in catalog.services(cloud.is_light):
        name, state, pid, size, unit, *_rest = rows[service.name]
        assert (name, state, unit) == (service.name, "up", "MiB")
        assert int(size) > 0
        assert int(pid) in members
    assert rows["hypervisor"][1] in {"kvm", "qemu"}
    assert {"RegionOne:", "RegionTwo:"} <= rows.keys()


@pytest.mark.alone
def test_a_service_whose_process_is_gone_is_not_up_whatever_cinder_says(cloud):
    admin = login.connect("admin")
    with pocket.killed("cinder-backup"):
        code, rows = status()
        said = [s.state for s in admin.block_storage.services() if s.binary == "cinder-backup"]
    assert (code, rows["cinder-backup"][1]) == (1, "crashed")
    assert said == ["up"]
    assert status()[0] == 0


@pytest.mark.parametrize("user", ["demo", "other"])
def test_tenants_are_no_administrators(user):
    connection = login.connect(user)
    roles = connection.session.auth.get_access(connection.session).role_names
    # "demo" sells in the marketplace once test_client_market has begun.
    assert sorted({*roles} - {"ims_seller"}) == ["member", "reader"]


def test_who_reads_keys_for_glance_is_no_administrator(cloud):
    connection = login.connect(
        "demo",
        {
            "username": "glance",
            "password": cloud.secrets["password_glance"],
            "project_name": "service",
        },
    )
    assert connection.session.auth.get_access(connection.session).role_names == ["service"]


def test_each_region_has_its_own_images(cloud):
    one, two = login.connect("demo"), login.connect("demo-two")
    image = two.image.create_image("here", data=b"x" * 512, disk_format="raw")
    try:
        assert two.image.get_image(image.id).status == "active"
        assert image.id not in {found.id for found in one.image.images()}
        assert one.image.get_endpoint() != two.image.get_endpoint()
    finally:
        two.image.delete_image(image)


def test_a_volume_is_backed_up_and_restored(cloud, running_guest):
    """Cinder's part of the cloud: RBD volumes and the backup service."""
    demo = login.connect("demo")
    storage = demo.block_storage
    volume = storage.wait_for_status(storage.create_volume(size=1, name="v"), "available", wait=240)
    backup = storage.create_backup(volume_id=volume.id, name="b")
    try:
        storage.wait_for_status(backup, "available", failures=["error"], wait=240)
        storage.restore_backup(backup, volume=volume)
        servers.wait_until(lambda: storage.get_backup(backup).status != "restoring")
        assert storage.get_backup(backup).status == "available"
        assert storage.get_volume(volume).status == "available"
    finally:
        storage.delete_backup(backup)
        storage.wait_for_delete(backup, wait=240)
        storage.delete_volume(volume)
        storage.wait_for_delete(volume, wait=240)
