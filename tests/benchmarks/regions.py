# SPDX-License-Identifier: Apache-2.0
"""Copies in other regions: bytes over the link, of servers' disks that were made of Debian's packages.

Bytes are exact, so they are counted where they are made, without a cloud: what a sender writes, and what the
receiver told it before of the older version. Times are those between the pocket cloud's regions, against
Glance's own ``glance-download`` into the same store.
"""

import os
import secrets
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from oslo_utils import units

from ims_glance.transfer import cuts, writer
from ims_glance.transfer.frames import Cut
from ims_glance.transfer.held import NOTHING, Held, piece_prefix
from tests.benchmarks import over_http, server_images
from tests.benchmarks.harness import Figure, in_turns, median_ratio, note, seconds
from tests.benchmarks.over_http import OURS, SIZE
from tests.cloud import login, pocket

_CHUNK = 1 << 20
_NOT_EMPTY = 89 * units.Mi
_TARGET = "RegionTwo"
_MB = 1_000_000
# Name of the figure, the disk that is sent, older versions of it that are there, a qcow2 or not, MB.
_PAIRS = (
    ("first time, server of 4 GiB raw", "first", (), False, 320),
    ("the same upgraded in place and trimmed", "trimmed", ("first",), False, 220),
    ("the same upgraded in place, as qcow2", "upgraded", ("first",), True, 460),
    ("a day's use of it, as qcow2", "used", ("upgraded",), True, 225),
    ("the same made anew with the updates", "rebuilt", ("first",), False, 200),
    ("the same, and two versions are there", "rebuilt", ("upgraded", "first"), False, 130),
)


def stream() -> list[Figure]:
    """MB over the link for each pair, the hashes that the receiver sends included.

    What fixed pieces would need is noted beside it. The disks are made in ``$IMS_BENCHMARK_DISKS``, or
    below the working directory, and stay there.
    """
    disks = server_images.make(Path(os.environ.get("IMS_BENCHMARK_DISKS") or "benchmark-disks"))
    figures = []
    for name, new, there, is_qcow2, must in _PAIRS:
        disk, *olds = (
            server_images.as_qcow2(disks[each]) if is_qcow2 else disks[each]
            for each in (new, *there)
        )
        by_content = cuts.by_content(sum(old.stat().st_size for old in olds))
        found = [
            _sent(disk, olds, cut) for cut in ([cuts.FIXED, by_content] if olds else [cuts.FIXED])
        ]
        for cut, sent, told, took in found:
            note(
                f"  {name}, {cut}: {sent} bytes, after {told} bytes of hashes; {took:.1f} s of CPU"
            )
        _cut, sent, told, _took = found[-1]
        measured = f"{(sent + told) / _MB:.1f}"
        figures.append(Figure(f"{name}: MB over the link", f"≤ {must}", measured))
    return figures


def _sent(new: Path, olds: list[Path], cut: Cut) -> tuple[str, int, int, float]:
    """The cut; bytes of the stream of a disk, and of the hashes of what is there; CPU time of both sides."""
    begun = time.process_time()
    packed = b"".join(sorted({each for old in olds for each in _hashes(old, cut)}))
    held = Held.of(packed) if packed else NOTHING
    size = new.stat().st_size
    sent = sum(map(len, writer.write(_chunks(new, _CHUNK), 0, held, size, sizes=cut)))
    return cut.name, sent, len(packed), time.process_time() - begun


def _hashes(disk: Path, cut: Cut) -> set[bytes]:
    pieces = cut.cut(_chunks(disk, _CHUNK), 0)
    return {piece_prefix(piece) for piece in pieces if piece != bytes(len(piece))}


def _chunks(disk: Path, size: int) -> Iterator[bytes]:
    with disk.open("rb") as opened:
        while chunk := opened.read(size):
            yield chunk


def random_data() -> Figure:
    """Seconds for 1 GiB that cannot be compressed, encrypted in both regions."""
    with over_http.random_file(SIZE) as data:
        return _compared(data, "random 1 GiB, encrypted → encrypted", "≤ 1.0")


def mostly_empty() -> Figure:
    """The same for 1 GiB of which less than a tenth is not zero."""
    with _mostly_empty() as data:
        return _compared(data, "mostly empty 1 GiB, encrypted → encrypted", "≤ 0.6")


@contextmanager
def _mostly_empty() -> Iterator[IO[bytes]]:
    with tempfile.TemporaryFile(dir=pocket.HOME) as file:
        file.write(secrets.token_bytes(_NOT_EMPTY))
        file.truncate(SIZE)
        yield file


def _compared(data: IO[bytes], title: str, must: str) -> Figure:
    there = login.connect("demo-two")
    with over_http.Glance() as glance, glance.image(OURS) as source:
        glance.upload(source, OURS, data)

        def timed(copy: Any) -> float:
            made: list[str] = []
            took = seconds(lambda: made.append(copy()))
            there.image.delete(f"/images/{made[0]}")
            return took

        stock, ours = in_turns(
            lambda _turn: timed(lambda: _download(there, source)),
            lambda _turn: timed(lambda: _job(glance, source)),
        )
    return Figure(
        f"{title}, seconds ÷ `glance-download` into the same store",
        must,
        f"{median_ratio(ours, stock):.2f} ({sorted(ours)[len(ours) // 2]:.1f} ÷ "
        f"{sorted(stock)[len(stock) // 2]:.1f} s)",
    )


def _download(there: Any, source: str) -> str:
    """Have Glance fetch an image; its id there."""
    wanted = {"name": "benchmark", "disk_format": "raw", "container_format": "bare"}
    made = there.image.post("/images", json={**wanted, "__system__cmkid": "ims/default"}).json()
    method = {"name": "glance-download", "glance_region": "RegionOne", "glance_image_id": source}
    asked = there.image.post(
        f"/images/{made['id']}/import", json={"method": method, "stores": [OURS]}
    )
    assert asked.status_code == 202, asked.text
    while (shown := there.image.get(f"/images/{made['id']}").json())["status"] != "active":
        assert shown["status"] in ("queued", "importing"), shown
        time.sleep(0.05)
    return str(made["id"])


def asked(glance: Any, source: str) -> str:
    """Have an image copied into the other region; the job's id."""
    wanted = {"name": "benchmark", "region": _TARGET, "project_name": login.project_name("demo")}
    path = f"/v1/cloudimages/{source}/cross_region_copy"
    return str(glance.ims("POST", path, json=wanted)["job_id"])


def _job(glance: Any, source: str) -> str:
    """The same, and wait for it; its id there."""
    job_id = asked(glance, source)
    while True:
        job = glance.ims("GET", f"/v1/cloudimages/job/{job_id}")
        assert job["status"] != "FAIL", job
        if job["status"] == "SUCCESS":
            return str(job["entities"]["image_id"])
        time.sleep(0.05)
