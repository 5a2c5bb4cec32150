# SPDX-License-Identifier: Apache-2.0
"""The pocket cloud's own processes, files and queues, for tests that look into them or harm them."""

import configparser
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import kombu
from pocket_cloud.cloud import CHECKOUT, Cloud

HOME = Cloud.from_environment().home
CLOUDS = HOME / "clouds.yaml"
"""The credentials of the cloud's own users."""


@contextmanager
def killed(service: str, asking: Any = None) -> Iterator[None]:
    """Kill a service of the cloud, all its processes at once; afterwards bring it back.

    :param asking: a worker (``jobs.Process``) that is held still until the service has answered, and
        goes on once it is dead: in the midst of a request for a snapshot or a volume, Cinder would
        leave that "creating" for good
    """
    master = process(service)
    if asking is not None:
        asking.signal(signal.SIGSTOP)
        _answered(master)
    for each in [master, *_children(master)]:
        os.kill(each, signal.SIGKILL)
    if asking is not None:
        asking.signal(signal.SIGCONT)
    try:
        yield
    finally:
        light = ["--light"] if "light" in (HOME / "state.json").read_text() else []
        command = [str(CHECKOUT / "devstack" / "pocket"), "up", *light]
        subprocess.run(command, check=True, capture_output=True, timeout=600)
        if service == "rabbitmq":
            _listened_to()


def _answered(master: int) -> None:
    """Wait until a service has done what it was asked: its processes do nothing for a while."""
    before, end = -1.0, time.monotonic() + 120
    while (now := sum(map(_processor_time, [master, *_children(master)]))) > before + 0.01:
        assert time.monotonic() < end, "it is asked all the time"
        before = now
        time.sleep(0.7)


def _processor_time(process_id: int) -> float:
    """How long a process has been working; seconds."""
    fields = Path(f"/proc/{process_id}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


_LISTENERS = {
    "cinder": ("cinder-scheduler", "cinder-volume.pocket@rbd", "cinder-backup"),
    "nova": ("scheduler", "conductor", "compute.pocket"),
}
"""The queues of those that do what Cinder's and Nova's APIs ask for; the small cloud has neither."""


def _listened_to() -> None:
    """Wait until Cinder and Nova found the new RabbitMQ: what is said before that, nobody hears.

    They look for it every few seconds. (An upload that Cinder's API announces to nobody is for ever
    "uploading".)
    """
    end = time.monotonic() + 120
    for service, queues_of_it in _LISTENERS.items():
        for queue in queues_of_it if (HOME / "etc" / service).exists() else ():
            while not consumers(queue):
                assert time.monotonic() < end, f"nobody listens to {queue}"
                time.sleep(0.3)


def consumers(queue: str) -> int:
    """How many listen to a queue of RabbitMQ."""
    parser = configparser.RawConfigParser(strict=False)
    parser.read(glance_config_files())
    url = parser["DEFAULT"]["transport_url"].replace("rabbit://", "amqp://")
    with kombu.Connection(url) as connection:
        try:
            return int(connection.channel().queue_declare(queue, passive=True).consumer_count)
        except connection.channel_errors:  # There is no such queue yet.
            return 0


def queues(what: str = "arguments") -> dict[str, str]:
    """RabbitMQ's queues: name -> arguments, or something else, as rabbitmqctl writes it."""
    ports = Cloud.from_environment().ports
    node = f"pocket{ports['amqp']}@localhost"
    done = subprocess.run(
        ["rabbitmqctl", "--quiet", "--node", node, "list_queues", "name", what],
        env={
            "PATH": f"/usr/lib/rabbitmq/bin:{os.environ['PATH']}",
            "HOME": str(HOME / "data" / "rabbitmq"),
            "ERL_EPMD_PORT": str(ports["epmd"]),
        },
        check=True,
        capture_output=True,
        text=True,
        timeout=600,
    )
    lines = [line.partition("\t") for line in done.stdout.splitlines()[1:]]
    return {name: arguments for name, _tab, arguments in lines}


@contextmanager
def frozen(service: str) -> Iterator[None]:
    """Have a service of the cloud stand still."""
    master = process(service)
    processes = [master, *_children(master)]
    for each in processes:
        os.kill(each, signal.SIGSTOP)
    try:
        yield
    finally:
        for each in processes:
            os.kill(each, signal.SIGCONT)


def glance_environment(region: str = "one") -> dict[str, str]:
    """The environment of a region's Glance: with it, our commands find its configuration."""
    etc = HOME / "etc" / f"glance-{region}"
    return {**os.environ, "HOME": str(etc), "OS_GLANCE_CONFIG_DIR": str(etc)}


def glance_config_files(region: str = "one") -> list[str]:
    """The configuration files of a region's Glance, in the order in which it reads them."""
    etc = HOME / "etc" / f"glance-{region}"
    drop_ins = sorted((etc / ".glance" / "glance-api.conf.d").glob("*.conf"))
    return [str(etc / "glance-api.conf"), *map(str, drop_ins)]


def image_files() -> list[str]:
    """What is in the directories of region one's Glance: data of images, whole or staged."""
    found = (HOME / "data" / "glance-one").rglob("*")
    return sorted(str(path) for path in found if path.is_file())


def manage(*arguments: str, region: str = "one", check: bool = True) -> Any:
    """Run ``ims-manage`` as the operator of a region.

    :returns: the finished process, with its output as text
    """
    return subprocess.run(
        [str(Path(sys.executable).with_name("ims-manage")), *arguments],
        env=glance_environment(region),
        capture_output=True,
        text=True,
        check=check,
        timeout=600,
    )


def glance_workers(region: str = "one") -> list[int]:
    """Process ids of the workers of a region's Glance."""
    return _children(process(f"glance-{region}"))


def process(service: str) -> int:
    """Process id of a service; of the first one, if it has several."""
    return int(json.loads((HOME / "run" / f"{service}.json").read_text())["pid"])


def _children(process: int) -> list[int]:
    children = Path(f"/proc/{process}/task/{process}/children").read_text().split()
    return [int(child) for child in children]
