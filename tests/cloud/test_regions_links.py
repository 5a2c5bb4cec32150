# SPDX-License-Identifier: Apache-2.0
"""Copies in another region over links that are slow, are cut, or change bytes; and what lies on disks meanwhile."""

import contextlib
import os
import secrets
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pocket_cloud.demo import ciphertext

from tests.cloud import client_shell, jobs, links, login, pocket, servers
from tests.cloud.client_shell import MIB, ims, read, refusal
from tests.link import Link

# The catalogue is everybody's.
pytestmark = [pytest.mark.pocket, pytest.mark.alone]

_TO = ("--region", "RegionTwo")
# Parts of answers that are shorter are no data of images.
_DATA = 16_384


@pytest.fixture(scope="module")
def there(cloud):
    """The same tenant in the other region."""
    return login.connect("demo-two")


@pytest.fixture(scope="module")
def way(cloud) -> Iterator[Link]:
    """The link on which everybody reaches the Image service of the images."""
    with links.to_images() as link:
        yield link


@pytest.fixture
def link(way) -> Iterator[Link]:
    """The same, as good as new."""
    way.cuts = way.passed = 0
    yield way
    way.rate = way.longest = None
    way.spoil = lambda part: part


@pytest.fixture
def name(demo, there):
    chosen = f"link-{secrets.token_hex(4)}"
    yield chosen
    client_shell.forget(there, f"copy_{chosen}")
    # Both regions have given back what was delegated to them, and nothing is on its way any more.
    jobs.eventually(lambda: jobs.trusts(demo), [])
    assert "spool" not in pocket.manage("orphans", region="two").stdout


def _begin(name: str) -> str:
    """Have an image copied; the id of the job."""
    return str(read("demo", "image", "copy", name, *_TO)["job_id"])


def _come(job_id: str) -> int:
    return read("demo", "job", "show", job_id)["received"] or 0


def _is_same(demo: Any, there: Any, image_id: str, copy_id: str) -> bool:
    copy = there.image.get(f"/images/{copy_id}").json()
    return bool(copy["os_hash_value"] == demo.image.get_image(image_id).hash_value)


def test_a_slow_link(demo, there, name, link):
    link.rate = 2 * MIB
    with client_shell.image(demo, name, 8) as image_id:
        begun = time.monotonic()
        shown = read("demo", "image", "copy", name, *_TO, "--wait")
        assert time.monotonic() - begun > 3
        assert _is_same(demo, there, image_id, shown["image_id"])


def test_a_link_that_is_cut_again_and_again(demo, there, name, link):
    """With each new connection at most 4 MiB are sent again."""
    link.longest = 5 * MIB
    with client_shell.image(demo, name, 24) as image_id:
        shown = read("demo", "image", "copy", name, *_TO, "--wait")
        assert _is_same(demo, there, image_id, shown["image_id"])
        assert link.cuts >= 4
        assert 24 * MIB < shown["received"] < 24 * MIB + link.cuts * 4 * MIB


def test_a_link_that_changes_bytes(demo, there, name, link):
    """What is wrong is asked for once more, and the copy is right."""
    spoilt: list[int] = []

    def spoil(part: bytes) -> bytes:
        if len(part) < _DATA or len(spoilt) == 2 or link.passed < (len(spoilt) + 1) * 4 * MIB:
            return part
        spoilt.append(link.passed)
        return part[:1000] + bytes([part[1000] ^ 4]) + part[1001:]

    with client_shell.image(demo, name, 16) as image_id:
        link.passed = 0
        link.spoil = spoil
        shown = read("demo", "image", "copy", name, *_TO, "--wait")
        assert _is_same(demo, there, image_id, shown["image_id"])
        assert len(spoilt) == 2


def test_the_source_is_deleted_on_the_way(demo, there, name, link):
    with client_shell.image(demo, name, 32) as image_id:
        link.rate, link.longest = 4 * MIB, 8 * MIB
        job_id = _begin(name)
        servers.wait_until(lambda: _come(job_id) > MIB, 60)
        demo.image.delete_image(image_id)
        assert "IMG.0027" in refusal("demo", "job", "wait", job_id)
        assert list(there.image.images(name=f"copy_{name}")) == []


def test_the_workers_of_both_regions_are_killed(demo, there, name, link):
    link.rate = 8 * MIB
    with client_shell.image(demo, name, 64) as image_id:
        job_id = _begin(name)
        servers.wait_until(lambda: _come(job_id) > 8 * MIB, 60)
        with contextlib.ExitStack() as dead:
            for worker in ("ims-worker-two", "ims-worker-one", "ims-worker-one-b"):
                dead.enter_context(pocket.killed(worker))
        link.rate = None
        ended = read("demo", "job", "wait", job_id)
        assert _is_same(demo, there, image_id, ended["image_id"])
        assert ended["received"] < 76 * MIB


def test_nothing_readable_is_on_any_disk_of_the_target(demo, there, name, link):
    """Neither while an encrypted image comes nor when it is there."""
    begun = time.time() - 1
    with client_shell.image(demo, name, 24, __system__cmkid="ims/default") as image_id:
        data = demo.image.get(f"/images/{image_id}/file").content
        found = ciphertext.runs(data)
        wanted = found[:: len(found) // 24]
        link.rate = 2 * MIB
        job_id = _begin(name)
        looks = 0
        while not (seen := read("demo", "job", "show", job_id))["ended"]:
            read_, met = _look(wanted, begun)
            assert met == []
            looks += bool(seen["received"]) and read_ > MIB
        ended = read("demo", "job", "wait", job_id)
        assert looks > 1
        assert _is_same(demo, there, image_id, ended["image_id"])
        read_, met = _look(wanted, begun)
        assert (read_ > 24 * MIB, met) == (True, [])
        # It would have been found.
        path = pocket.HOME / "data" / "glance-two" / f"{name}.tmp"
        try:
            path.write_bytes(os.urandom(1001) + data[: 2 * MIB])
            assert set(_look(wanted, begun)[1]) == {str(path)}
        finally:
            path.unlink()


def _look(wanted: list[bytes], since: float) -> tuple[int, list[str]]:
    """Look through all that was written since then: how many bytes that is, and in which files a run is."""
    total, met = 0, []
    for path in _files(since):
        try:
            stored = path.read_bytes()
        except OSError:
            continue
        total += len(stored)
        if any(run in stored for run in wanted):
            met.append(str(path))
    return total, met


def _files(since: float) -> Iterator[Path]:
    """What the second region has on disks: its own folders, tables, queues, logs, and files without a name."""
    data = [pocket.HOME / "data" / each for each in ("glance-two", "mariadb", "rabbitmq")]
    for top in (*data, pocket.HOME / "logs", pocket.HOME / "run", Path(tempfile.gettempdir())):
        for folder, _folders, names in os.walk(top):
            for path in (Path(folder, each) for each in names):
                with contextlib.suppress(OSError):
                    if path.is_file() and path.lstat().st_mtime >= since:
                        yield path
    for process in (pocket.process("ims-worker-two"), *pocket.glance_workers("two")):
        for path in Path(f"/proc/{process}/fd").iterdir():
            with contextlib.suppress(OSError):
                if str(path.readlink()).endswith(" (deleted)") and path.is_file():
                    yield path


def test_cancelled_while_nothing_comes(demo, there, name, link):
    with client_shell.image(demo, name, 16):
        link.rate = 4 * MIB
        job_id = _begin(name)
        servers.wait_until(lambda: _come(job_id) > MIB, 60)
        link.rate = 20_000.0
        ims("demo", "job", "cancel", job_id)
        refusal("demo", "job", "wait", job_id)
        link.rate = None
        assert list(there.image.images(name=f"copy_{name}")) == []
