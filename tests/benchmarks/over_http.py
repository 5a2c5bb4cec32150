# SPDX-License-Identifier: Apache-2.0
"""Uploads, downloads, ranges and re-keying through Glance under uWSGI, on the pocket cloud.

As tenant ``demo`` in RegionOne, into the stores ``plain`` (stock file driver) and ``kms`` (ims-kms
over file). The client is a bare socket with ``sendfile``, for it shares the processors.
"""

import functools
import http.client
import os
import re
import secrets
import statistics
import tempfile
import urllib.parse
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, Self

from oslo_utils import units

from tests.benchmarks.harness import Figure, in_turns, median_ratio, seconds
from tests.cloud import login, pocket

SIZE = units.Gi
BIG = 10 * units.Gi
STOCK, OURS, RBD = "plain", "kms", "kms-rbd"
_READS = 200


def put() -> Figure:
    """Seconds of an upload of 1 GiB, stock ÷ ims-kms."""
    with Glance() as glance, random_file(SIZE) as data:

        def measure(store: str) -> float:
            with glance.image(store) as image_id:
                return seconds(lambda: glance.upload(image_id, store, data))

        stock, ours = in_turns(lambda _turn: measure(STOCK), lambda _turn: measure(OURS))
    return Figure(
        "HTTP upload of 1 GiB to uWSGI Glance, seconds, stock ÷ ims-kms",
        "≥ 1.3",
        f"{median_ratio(stock, ours):.2f} ({statistics.median(stock):.2f} ÷ "
        f"{statistics.median(ours):.2f} s)",
    )


def get() -> Figure:
    """MB/s of a download of 1 GiB, ims-kms ÷ stock."""
    with (
        Glance() as glance,
        random_file(SIZE) as data,
        glance.image(STOCK) as plain,
        glance.image(OURS) as encrypted,
    ):
        glance.upload(plain, STOCK, data)
        glance.upload(encrypted, OURS, data)

        def measure(image_id: str) -> float:
            return SIZE / 1e6 / seconds(lambda: glance.download(image_id, SIZE))

        stock, ours = in_turns(lambda _turn: measure(plain), lambda _turn: measure(encrypted))
    return Figure(
        "HTTP download of 1 GiB, MB/s, ims-kms ÷ stock file",
        "≥ 0.85",
        f"{median_ratio(ours, stock):.2f} ({statistics.median(ours):.0f} ÷ "
        f"{statistics.median(stock):.0f} MB/s)",
    )


def random_range() -> Figure:
    """Milliseconds that a 4 KiB range of 10 GiB takes longer than from the stock file driver."""
    with (
        Glance() as glance,
        random_file(BIG) as data,
        glance.image(STOCK) as plain,
        glance.image(OURS) as encrypted,
    ):
        glance.upload(plain, STOCK, data)
        glance.upload(encrypted, OURS, data)

        def measure(image_id: str) -> float:
            offsets = [secrets.randbelow(BIG - 4096) for _ in range(_READS)]
            return statistics.median(
                1000 * seconds(functools.partial(glance.download, image_id, 4096, at))
                for at in offsets
            )

        stock, ours = in_turns(lambda _turn: measure(plain), lambda _turn: measure(encrypted))
    above = statistics.median(b - a for a, b in zip(stock, ours, strict=True))
    return Figure(
        "random 4 KiB range in a 10 GiB image, ims-kms, ms above stock",
        "≤ 3",
        f"{above:.1f} ({statistics.median(ours):.1f} against {statistics.median(stock):.1f} ms)",
    )


def range_on_rbd() -> Figure:
    """Milliseconds of processor time of Glance for a 4 KiB range of an image in Ceph."""
    with Glance() as glance, random_file(SIZE) as data, glance.image(RBD) as image_id:
        glance.upload(image_id, RBD, data)

        def measure() -> float:
            before = _processor_time()
            for _ in range(_READS):
                glance.download(image_id, 4096, secrets.randbelow(SIZE - 4096))
            return 1000 * (_processor_time() - before) / _READS

        measure()
        took = [measure() for _ in range(5)]
    return Figure(
        "random 4 KiB range of an image on rbd, processor time of Glance, ms",
        "≤ 25",
        f"{statistics.median(took):.0f}",
    )


def _processor_time() -> float:
    """Of all workers of Glance, in seconds."""
    ticks = 0
    for worker in pocket.glance_workers():
        # utime and stime (proc(5)), behind a name that may hold blanks.
        fields = Path(f"/proc/{worker}/stat").read_text().rpartition(")")[2].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def memory() -> Figure:
    """MiB that the workers of Glance grow while 10 GiB are uploaded."""
    with Glance() as glance, random_file(BIG) as data:
        # The first upload loads code and grows pools for good; it is not the upload's own.
        with glance.image(OURS) as image_id, random_file(units.Mi) as small:
            glance.upload(image_id, OURS, small)
        grown = []
        for _ in range(3):
            with glance.image(OURS) as image_id:
                workers = pocket.glance_workers()
                before = {worker: memory_of(worker, "VmRSS") for worker in workers}
                for worker in workers:
                    reset_peak(worker)
                glance.upload(image_id, OURS, data)
                grown.append(sum(memory_of(worker, "VmHWM") - before[worker] for worker in workers))
    return Figure(
        "extra memory of one 10 GiB upload (peak resident memory of the workers), MiB",
        "≤ 32",
        f"{statistics.median(grown):.0f}",
    )


def rekey() -> Figure:
    """Seconds of ``ims-manage rekey`` of a 10 GiB image, as it says itself."""
    with Glance() as glance, random_file(BIG) as data, glance.image(OURS) as image_id:
        glance.upload(image_id, OURS, data)
        took = []
        for _ in range(5):
            key_id = glance.new_key()
            told = re.search(r"\((\d+) ms\)", pocket.manage("rekey", image_id, key_id).stdout)
            assert told is not None
            took.append(int(told[1]) / 1000)
            glance.download(image_id, units.Mi, BIG - units.Mi)
    return Figure(
        "re-key of a 10 GiB image (`ims-manage rekey`), s",
        "≤ 1",
        f"{statistics.median(took):.2f}",
    )


class Glance:
    """Glance of RegionOne for tenant ``demo``."""

    def __init__(self) -> None:
        self._cloud = login.connect("demo")
        self._keys: list[str] = []
        endpoint = urllib.parse.urlsplit(self._cloud.image.get_endpoint())
        self._address = (endpoint.hostname or "", endpoint.port)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        for key in self._keys:
            self._cloud.key_manager.delete_secret(key)
        self._cloud.close()

    @contextmanager
    def image(self, store: str) -> Iterator[str]:
        """A queued image for *store*; deleted afterwards."""
        wanted = {"name": "benchmark", "disk_format": "raw", "container_format": "bare"}
        if store != STOCK:
            wanted["__system__cmkid"] = "ims/default"
        response = self._cloud.image.post("/images", json=wanted)
        response.raise_for_status()
        image_id: str = response.json()["id"]
        try:
            yield image_id
        finally:
            self._cloud.image.delete(f"/images/{image_id}")

    @property
    def url(self) -> str:
        """Where it is, without a path."""
        return "http://{}:{}".format(*self._address)

    @property
    def token(self) -> str:
        """A token of the tenant."""
        return str(self._cloud.auth_token)

    def ims(self, method: str, path: str, **request: Any) -> Any:
        """The answer of an operation of the IMS API."""
        response = self._cloud.session.request(self.url + path, method, log=False, **request)
        return response.json()

    def delete(self, image_id: str) -> None:
        """Delete an image."""
        self._cloud.image.delete(f"/images/{image_id}")

    def new_key(self) -> str:
        """A key of the tenant, opened to the service; deleted at the end."""
        key_id = login.make_key(self._cloud)
        self._keys.append(key_id)
        # An image that names it makes the guard open it to the service.
        response = self._cloud.image.post("/images", json={"__system__cmkid": key_id})
        response.raise_for_status()
        self._cloud.image.delete(f"/images/{response.json()['id']}")
        return key_id

    def upload(self, image_id: str, store: str, data: IO[bytes]) -> None:
        """Send the whole of *data* as an image's data."""
        size = data.seek(0, 2)
        data.seek(0)
        headers = {
            "Content-Type": "application/octet-stream",
            "Content-Length": str(size),
            "x-image-meta-store": store,
        }
        connection = self._request("PUT", f"/v2/images/{image_id}/file", headers)
        connection.sock.sendfile(data)
        response = connection.getresponse()
        assert response.status == http.HTTPStatus.NO_CONTENT, response.read()
        connection.close()

    def download(self, image_id: str, size: int, offset: int | None = None) -> None:
        """Read an image, or *size* bytes of it from *offset* on, into nowhere."""
        headers = {} if offset is None else {"Range": f"bytes={offset}-{offset + size - 1}"}
        connection = self._request("GET", f"/v2/images/{image_id}/file", headers)
        response = connection.getresponse()
        buffer = bytearray(units.Mi)
        received = 0
        while got := response.readinto(buffer):
            received += got
        assert received == size, f"{response.status}: {received} bytes"
        connection.close()

    def _request(self, method: str, path: str, headers: dict[str, str]) -> Any:
        connection = http.client.HTTPConnection(*self._address)
        connection.putrequest(method, path)
        for name, value in {"X-Auth-Token": self._cloud.auth_token, **headers}.items():
            connection.putheader(name, value)
        connection.endheaders()
        return connection


@contextmanager
def random_file(size: int) -> Iterator[IO[bytes]]:
    """A file of incompressible data on the disk of the pocket cloud."""
    with tempfile.TemporaryFile(dir=pocket.HOME) as file:
        for _ in range(size // units.Mi):
            file.write(secrets.token_bytes(units.Mi))
        file.seek(0)
        yield file


def memory_of(process: int, field: str) -> float:
    """A field of /proc/<process>/status, in MiB."""
    status = Path(f"/proc/{process}/status").read_text()
    found = re.search(rf"^{field}:\s+(\d+) kB", status, re.MULTILINE)
    assert found is not None
    return int(found[1]) / units.Ki


def reset_peak(process: int) -> None:
    # "5" resets VmHWM to VmRSS (Documentation/filesystems/proc.rst of Linux).
    Path(f"/proc/{process}/clear_refs").write_text("5")
