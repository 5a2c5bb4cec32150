# SPDX-License-Identifier: Apache-2.0
"""Against real sockets and programs."""

import dataclasses
import socket
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from pocket_cloud import probes


def at_port(cloud, port):
    """The same cloud with MariaDB's port where the test wants it."""
    moved = dataclasses.replace(cloud)
    moved.__dict__["ports"] = {**cloud.ports, "mariadb": port}
    return moved


def test_tcp(cloud):
    with socket.create_server(("127.0.0.1", 0)) as server:
        here = at_port(cloud, server.getsockname()[1])
        assert probes.tcp("mariadb")(here) == ""
    assert "refused" in probes.tcp("mariadb")(here)


def test_unix_socket(cloud):
    cloud.home.mkdir()
    probe = probes.unix_socket("a.sock")
    assert "No such file" in probe(cloud)
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(cloud.path("a.sock")))
        assert "refused" in probe(cloud)
        server.listen()
        assert probe(cloud) == ""


def test_command(cloud):
    assert probes.command("test ${host} = 127.0.0.1")(cloud) == ""
    assert probes.command("echo no luck >&2; exit 3")(cloud) == "no luck"


@pytest.mark.parametrize(("status", "is_ready"), [(200, True), (401, True), (503, False)])
def test_http(cloud, status, is_ready):
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(status)
            self.end_headers()

        def log_message(self, format, *args):
            """Quiet."""

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.handle_request).start()
        reason = probes.http("mariadb")(at_port(cloud, server.server_port))
    assert (reason == "") is is_ready


def test_http_with_nobody_there(cloud):
    assert "refused" in probes.http("mariadb")(at_port(cloud, 1))


def test_a_report_is_in_universal_time():
    assert probes._seconds("1970-01-01T00:01:40.000000") == 100.0


def test_the_log_of_a_service(cloud):
    log = cloud.log("worker")
    assert "does not say ' runs' yet" in probes.logged("worker", " runs")(cloud)
    log.parent.mkdir(parents=True, exist_ok=True)
    log.write_text("Worker x runs\n")
    assert probes.logged("worker", " runs")(cloud) == ""
