# SPDX-License-Identifier: Apache-2.0
"""Ways to find out whether a service is ready. Each makes a :data:`pocket_cloud.service.Probe`."""

import datetime
import socket
import subprocess
from collections.abc import Callable
from typing import Any

from pocket_cloud import process, procfs, rados, rest, template
from pocket_cloud.cloud import HOST, Cloud
from pocket_cloud.errors import PocketError
from pocket_cloud.service import Probe


def tcp(port: str) -> Probe:
    """Somebody accepts connections."""

    def probe(cloud: Cloud) -> str:
        try:
            with socket.create_connection((HOST, cloud.ports[port]), timeout=2):
                return ""
        except OSError as error:
            return str(error)

    return probe


def http(port: str, path: str = "/", worst: int = 499) -> Probe:
    """An answer, and not one that says the server is in trouble.

    :param worst: status that is well; of most services that they want a token
    """

    def probe(cloud: Cloud) -> str:
        try:
            rest.call("GET", cloud.url(port, path), timeout=10)
        except rest.HttpError as error:
            return str(error) if error.status > worst else ""
        except rest.UNREACHABLE as error:
            return str(error)
        return ""

    return probe


def command(text: str) -> Probe:
    """A command (a template) that succeeds."""

    def probe(cloud: Cloud) -> str:
        filled = template.fill(text, cloud.values, text)
        try:
            result = subprocess.run(
                ["/bin/sh", "-c", filled], capture_output=True, timeout=20, check=False, text=True
            )
        except subprocess.TimeoutExpired:
            return f"no answer from {filled.split()[0]}"
        return "" if result.returncode == 0 else (result.stderr or result.stdout).strip()[-300:]

    return probe


def unix_socket(path: str) -> Probe:
    """Somebody accepts connections on a socket below the home."""

    def probe(cloud: Cloud) -> str:
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
                client.connect(str(cloud.path(path)))
        except OSError as error:
            return str(error)
        return ""

    return probe


def ceph(command: str, is_ready: Callable[[Any], bool]) -> Probe:
    """An answer of Ceph's monitor that satisfies *is_ready*."""

    def probe(cloud: Cloud) -> str:
        try:
            answer = rados.command(cloud, command, timeout=5)
        except PocketError as error:
            return str(error)
        return "" if is_ready(answer) else f"ceph {command}: {answer}"

    return probe


def logged(name: str, text: str) -> Probe:
    """The log of a service, which begins anew with its process, says something."""

    def probe(cloud: Cloud) -> str:
        log = cloud.log(name)
        if log.exists() and text in log.read_text(errors="replace"):
            return ""
        return f"its log does not say '{text}' yet"

    return probe


def authorized(port: str, path: str) -> Probe:
    """A good answer to an administrator."""

    def probe(cloud: Cloud) -> str:
        try:
            rest.admin(cloud)("GET", cloud.url(port, path))
        except (rest.HttpError, *rest.UNREACHABLE) as error:
            return str(error)
        return ""

    return probe


def reported(name: str, port: str, path: str) -> Probe:
    """The API says that it has heard of the service since its process was started.

    What it says of the state is no help: it says "up" for a while after the process is gone.
    """

    def probe(cloud: Cloud) -> str:
        recorded = process.recorded(cloud, name)
        if recorded is None:
            return "never started"
        started = procfs.moment(recorded[0].started)
        try:
            admin = rest.admin(cloud)
            url = cloud.url(port, path.format(project=admin.project_id))
            entries = admin("GET", f"{url}?binary={name}")["services"]
        except (rest.HttpError, *rest.UNREACHABLE) as error:
            return str(error)
        reports = [entry["updated_at"] for entry in entries if entry["updated_at"]]
        if any(_seconds(report) > started for report in reports):
            return ""
        return f"no report since its start; the last: {max(reports, default='none')}"

    return probe


def _seconds(report: str) -> float:
    moment = datetime.datetime.fromisoformat(report)
    return moment.replace(tzinfo=datetime.UTC).timestamp()
