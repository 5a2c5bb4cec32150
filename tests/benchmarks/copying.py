# SPDX-License-Identifier: Apache-2.0
"""In-region copies by the pocket cloud's workers, against ``curl`` from a download to an upload."""

import subprocess
import time
from typing import IO, Any

from oslo_utils import units

from tests.benchmarks import over_http
from tests.benchmarks.harness import Figure, in_turns, median_ratio, seconds
from tests.benchmarks.over_http import OURS, SIZE, STOCK
from tests.cloud import pocket

WORKERS = ("ims-worker-one", "ims-worker-one-b")


def copy() -> Figure:
    """MB/s of a copy, from the request to the job's end, and of the two requests by hand."""
    return _compared(STOCK, None, "in-region copy of 1 GiB")


def copy_encrypted() -> Figure:
    """The same for a copy that is encrypted; by hand, into an image with a key as well."""
    return _compared(OURS, "ims/default", "in-region copy of 1 GiB into an encrypted image")


def copy_memory() -> Figure:
    """MiB that the workers grow at most while one copies 4 GiB, after a first small copy."""
    with over_http.Glance() as glance, over_http.random_file(4 * units.Gi) as data:
        with over_http.random_file(units.Mi) as small:
            _copied(glance, small)
        before = {worker: over_http.memory_of(worker, "VmRSS") for worker in _workers()}
        for worker in before:
            over_http.reset_peak(worker)
        _copied(glance, data)
        grown = [over_http.memory_of(each, "VmHWM") - rss for each, rss in before.items()]
    return Figure("extra memory of one copy of 4 GiB (peak of the workers), MiB", "≤ 32",
                  f"{max(grown):.0f}")  # fmt: skip


def _workers() -> list[int]:
    return [pocket.process(name) for name in WORKERS]


def _copied(glance: Any, data: IO[bytes]) -> None:
    with glance.image(STOCK) as source:
        glance.upload(source, STOCK, data)
        glance.delete(_job(glance, source, None))


def _compared(store: str, key: str | None, title: str) -> Figure:
    with (
        over_http.Glance() as glance,
        over_http.random_file(SIZE) as data,
        glance.image(STOCK) as source,
    ):
        glance.upload(source, STOCK, data)

        def by_hand(_turn: int) -> float:
            with glance.image(store) as target:
                return SIZE / 1e6 / seconds(lambda: _curl(glance, source, target))

        def by_job(_turn: int) -> float:
            made = []
            took = seconds(lambda: made.append(_job(glance, source, key)))
            glance.delete(made[0])
            return SIZE / 1e6 / took

        hand, job = in_turns(by_hand, by_job)
    return Figure(
        f"{title}, MB/s, ÷ `curl` download | `curl` upload",
        "≥ 0.8",
        f"{median_ratio(job, hand):.2f} ({sorted(job)[len(job) // 2]:.0f} ÷ "
        f"{sorted(hand)[len(hand) // 2]:.0f} MB/s)",
    )


def _curl(glance: Any, source: str, target: str) -> None:
    """The pipe as an operator would write it; the upload's length told, which curl does faster."""
    url = f"{glance.url}/v2/images"
    token = f"-H 'X-Auth-Token: {glance.token}'"
    kind = f"-H 'Content-Type: application/octet-stream' -H 'Content-Length: {SIZE}'"
    plain = "-H 'Transfer-Encoding:'"
    command = (
        f"curl -sf {token} {url}/{source}/file"
        f" | curl -sf -X PUT {token} {kind} {plain} -T - {url}/{target}/file"
    )
    subprocess.run(["bash", "-o", "pipefail", "-c", command], check=True)


def _job(glance: Any, source: str, key: str | None) -> str:
    """Have an image copied, and wait for it; the id of the copy."""
    wanted = {"name": "benchmark copy"} | ({"cmk_id": key} if key else {})
    accepted = glance.ims("POST", f"/v1/cloudimages/{source}/copy", json=wanted)
    while True:
        job = glance.ims("GET", f"/v1/cloudimages/job/{accepted['job_id']}")
        assert job["status"] != "FAIL", job
        if job["status"] == "SUCCESS":
            image_id: str = job["entities"]["image_id"]
            return image_id
        time.sleep(0.05)
