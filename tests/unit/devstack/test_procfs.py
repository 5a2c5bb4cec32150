# SPDX-License-Identifier: Apache-2.0
import os
import socket
import subprocess
import time

import pytest
from pocket_cloud import procfs
from pocket_cloud.procfs import Listener

STAT = (
    "4242 (a (bad) name) S 1 4240 4240 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 3 0 "
    "987654 1000000 256 18446744073709551615 1 1 0 0 0 0 0 0 0 0 0 0 17 1 0 0 0 0 0"
)


def test_a_command_with_parentheses_does_not_shift_the_fields():
    found = procfs.parse_stat(STAT)
    assert (found.state, found.parent, found.group, found.started) == ("S", 1, 4240, 987654)
    assert found.resident == 256 * os.sysconf("SC_PAGE_SIZE")


def test_a_process_is_found_until_it_ends():
    child = subprocess.Popen(["sleep", "60"], env={"MARK": "x=y"}, start_new_session=True)
    try:
        found = procfs.stat(child.pid)
        assert found is not None
        assert (found.parent, found.group) == (os.getpid(), child.pid)
        assert child.pid in procfs.pids()
        # The kernel tells Popen of the new program a moment before it tells others its words.
        until = time.monotonic() + 10
        while (command := procfs.command(child.pid)) != "sleep 60":
            assert time.monotonic() < until, command
        assert procfs.environment(child.pid) == {"MARK": "x=y"}
    finally:
        child.kill()
    # Not waited for yet: a zombie, which does nothing any more.
    while os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT) is None:
        pass
    assert procfs.stat(child.pid) is None
    child.wait()
    assert procfs.stat(child.pid) is None
    assert procfs.command(child.pid) == ""
    assert procfs.environment(child.pid) == {}
    assert procfs.sockets(child.pid) == set()


def test_the_moment_of_a_start():
    before = time.time()
    child = subprocess.Popen(["sleep", "60"])
    found = procfs.stat(child.pid)
    child.kill()
    child.wait()
    assert found is not None
    assert before - 0.1 <= procfs.moment(found.started) <= time.time() + 0.1


@pytest.mark.parametrize(
    ("address", "is_loopback"),
    [
        ("127.0.0.1", True),
        ("127.9.9.9", True),
        ("::1", True),
        ("::ffff:127.0.0.1", True),
        ("0.0.0.0", False),
        ("::", False),
        ("10.0.0.7", False),
        ("::ffff:10.0.0.7", False),
    ],
)
def test_loopback(address, is_loopback):
    assert Listener("tcp", address, 80, 1).is_loopback is is_loopback


@pytest.mark.parametrize("address", ["127.0.0.1", "0.0.0.0", "::1", "::"])
@pytest.mark.parametrize("kind", [socket.SOCK_STREAM, socket.SOCK_DGRAM])
def test_a_listener_of_ours_is_found(address, kind):
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family, kind) as server:
        server.bind((address, 0))
        if kind == socket.SOCK_STREAM:
            server.listen()
        inode, port = os.fstat(server.fileno()).st_ino, server.getsockname()[1]
        found = [listener for listener in procfs.listeners() if listener.inode == inode]
        protocol = ("tcp" if kind == socket.SOCK_STREAM else "udp") + "6" * (":" in address)
        assert found == [Listener(protocol, address, port, inode)]
        assert inode in procfs.sockets(os.getpid())


def test_a_connection_is_no_listener():
    with (
        socket.create_server(("127.0.0.1", 0)) as server,
        socket.create_connection(server.getsockname()) as client,
    ):
        inode = os.fstat(client.fileno()).st_ino
        assert inode not in {listener.inode for listener in procfs.listeners()}
