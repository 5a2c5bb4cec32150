# SPDX-License-Identifier: Apache-2.0
"""Copies in other regions: what a killed worker has sent again, memory, and disks side by side."""

import contextlib
import os
import re
import signal
import statistics
import subprocess
import time
import urllib.parse
from collections.abc import Iterator
from typing import Any

from oslo_utils import units

from tests.benchmarks import machines, over_http, regions
from tests.benchmarks.harness import Figure, in_turns, median_ratio, note, seconds
from tests.benchmarks.over_http import OURS, SIZE
from tests.cloud import links, login, pocket

_WORKER = "ims-worker-two"
_KILLS = 3
_TURNS = 3
_RATE = 64 * units.Mi
"""Bytes a second that a link between regions gives to one connection."""


def killed() -> Figure:
    """MiB that come over the link a second time after SIGKILL of the worker, at most."""
    with _source(SIZE) as (glance, there, source):
        whole = _received(_ended(glance, regions.asked(glance, source), there))
        again = [_sent_again(glance, there, source, whole) for _ in range(_KILLS)]
    return Figure(
        "sent again after SIGKILL of a worker in the midst of a copy of 1 GiB, MiB",
        "≤ 4",
        f"{max(again):.1f}",
    )


def _sent_again(glance: Any, there: Any, source: str, whole: int) -> float:
    """Kill the worker once; what comes twice then, MiB.

    :param whole: bytes that come if nobody dies
    """
    job_id = regions.asked(glance, source)
    worker = pocket.process(_WORKER)
    while _came(worker)[0] < whole // 4:
        time.sleep(0.02)
    # Dead for all others, but for its connections, of which somebody can still be asked.
    os.kill(worker, signal.SIGSTOP)
    came, unread = _came(worker)
    time.sleep(_FOLLOWED)
    told = _received(_shown(glance, job_id))
    with pocket.killed(_WORKER):
        pass
    again = came - unread + _received(_ended(glance, job_id, there)) - told - whole
    note(f"  {again / units.Mi:.1f} MiB, and {unread / units.Mi:.1f} that nobody had read yet")
    return again / units.Mi


# The job of the source's region has looked by then, and told what it saw; seconds.
_FOLLOWED = 12.0


def _came(worker: int) -> tuple[int, int]:
    """Bytes that came on the worker's busiest connection with the source, and those it has not read."""
    port = urllib.parse.urlsplit(login.connect("demo").image.get_endpoint()).port
    command = ["ss", "-tinpOH", "dport", "=", f":{port}"]
    listed = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    found = [(0, 0)]
    for line in listed.splitlines():
        bytes_ = re.search(r"bytes_received:(\d+)", line)
        if f"pid={worker}," in line and bytes_:
            found.append((int(bytes_[1]), int(line.split()[1])))
    return max(found)


def memory() -> list[Figure]:
    """MiB that the worker grows at most, and that the source's Glance grows more than by a download."""
    with _source(SIZE) as (glance, there, source):
        _ended(glance, regions.asked(glance, source), there)
        glance.download(source, SIZE)
        glances = pocket.glance_workers()
        worker = [pocket.process(_WORKER)]
        download = _growth(glances, lambda: glance.download(source, SIZE))
        frames = []

        def copied() -> None:
            frames.append(
                _growth(glances, lambda: _ended(glance, regions.asked(glance, source), there))
            )

        grown = _growth(worker, copied)
    return [
        Figure("memory of a worker that receives 1 GiB, MiB above idle", "≤ 64", f"{grown:.0f}"),
        Figure(
            "memory of the source's Glance meanwhile, MiB above what a plain download takes",
            "≤ 32",
            f"{max(0.0, frames[0] - download):.0f}",
        ),
    ]


def _growth(processes: list[int], action: Any) -> float:
    """MiB that processes are larger at their largest than before."""
    before = {each: over_http.memory_of(each, "VmRSS") for each in processes}
    for each in processes:
        over_http.reset_peak(each)
    action()
    return sum(over_http.memory_of(each, "VmHWM") - rss for each, rss in before.items())


def disks() -> list[Figure]:
    """Seconds for a whole machine of 4 disks ÷ for as many images, one after the other; here, and over a link."""
    with machines.captured() as (machine, disk):
        there = login.connect("demo-two")
        with over_http.Glance() as glance:
            near = _side_by_side(glance, there, machine, disk, "")
            with links.to_images() as link:
                link.rate = _RATE
                title = f", over a link that gives {_RATE // units.Mi} MiB/s to a connection"
                return [near, _side_by_side(glance, there, machine, disk, title)]


def _side_by_side(glance: Any, there: Any, machine: str, disk: str, title: str) -> Figure:
    one, all_ = in_turns(
        lambda _turn: seconds(lambda: _copied(glance, there, [disk] * machines.DISKS)),
        lambda _turn: seconds(lambda: _copied(glance, there, [machine])),
        _TURNS,
    )
    return Figure(
        f"whole machine of {machines.DISKS} disks of 1 GiB of random data ÷ one after the other, "
        f"seconds{title}",
        "≤ 0.6",
        f"{median_ratio(all_, one):.2f} ({statistics.median(all_):.0f} ÷ "
        f"{statistics.median(one):.0f} s)",
    )


def _copied(glance: Any, there: Any, images: list[str]) -> None:
    for each in images:
        _ended(glance, regions.asked(glance, each), there)


@contextlib.contextmanager
def _source(size: int) -> Iterator[tuple[Any, Any, str]]:
    """Glance here, the cloud there, and an encrypted image of random data."""
    with (
        over_http.random_file(size) as data,
        over_http.Glance() as glance,
        glance.image(OURS) as source,
    ):
        glance.upload(source, OURS, data)
        yield glance, login.connect("demo-two"), source


def _ended(glance: Any, job_id: str, there: Any) -> Any:
    """Wait until a copy is there, and delete it; the job."""
    while (job := _shown(glance, job_id))["status"] != "SUCCESS":
        assert job["status"] != "FAIL", job
        time.sleep(0.05)
    there.image.delete(f"/images/{job['entities']['image_id']}")
    return job


def _shown(glance: Any, job_id: str) -> Any:
    return glance.ims("GET", f"/v1/cloudimages/job/{job_id}")


def _received(job: Any) -> int:
    return int(job["entities"].get("received_bytes") or 0)
