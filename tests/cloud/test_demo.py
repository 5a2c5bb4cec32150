# SPDX-License-Identifier: Apache-2.0
"""The demo runs to its end on the real cloud, and leaves nothing behind, however it ends.

Others may work on the cloud meanwhile: what is looked for is what demos name and print.
"""

import hashlib
import re
import signal
import subprocess
import time
from collections.abc import Callable
from typing import Any

import pytest
from pocket_cloud.cloud import CHECKOUT

from tests.cloud import login, pocket

pytestmark = pytest.mark.pocket

_PATIENCE = 1800
_POCKET = str(CHECKOUT / "devstack" / "pocket")
_NAME = re.compile(r"ims-demo-[0-9a-f]{12}")
# What compute hosts keep of images, in plain.
_KEPT = pocket.HOME / "data" / "nova" / "instances" / "_base"
_OBJECT = re.compile(r"ims-[0-9a-f]{32}")
_IMAGE = re.compile(r"--image ([0-9a-f-]{36})")


def _left(told: str) -> dict[str, list[str]]:
    """All that a demo has in the cloud, by what it told: another one may be played beside it."""
    (own,) = set(_NAME.findall(told))
    left: dict[str, list[str]] = {"folders": [path.name for path in pocket.HOME.glob(f"*{own}*")]}
    for user in ("demo", "other"):
        cloud: Any = login.connect(user, file=pocket.CLOUDS)
        there: Any = login.connect(f"{user}-two", file=pocket.CLOUDS)
        images = [
            image
            for region in (cloud, there)
            for hidden in (False, True)
            for image in region.image.images(is_hidden=hidden)
        ]
        volumes = list(cloud.block_storage.volumes())
        named = {
            "images": [image.name for image in images],
            "servers": [server.name for server in cloud.compute.servers()],
            "volumes": [volume.name for volume in volumes],
            "volumes of images": [
                (volume.volume_image_metadata or {}).get("image_name") for volume in volumes
            ],
            "secrets": [secret.name for secret in cloud.key_manager.secrets()],
            "orders": [order.meta.get("name") for order in cloud.key_manager.orders()],
        }
        for kind, names in named.items():
            found = [name for name in names if name and name.startswith(own)]
            left[kind] = left.get(kind, []) + found
    return {kind: names for kind, names in left.items() if names}


def _kept_by_nova(told: str) -> list[str]:
    """What is kept of the images that a demo booted, by what it told."""
    names = [hashlib.sha1(image.encode()).hexdigest() for image in set(_IMAGE.findall(told))]
    return [path.name for name in names for path in _KEPT.glob(f"{name}*")]


def test_demo_shows_everything_and_leaves_nothing():
    played = subprocess.run(
        [_POCKET, "demo"], capture_output=True, text=True, timeout=_PATIENCE, check=False
    )
    told = played.stdout
    assert played.returncode == 0, told[-3000:] + played.stderr
    assert "The demo is over: all was as it must be" in told
    assert "none of" in told
    assert told.count("IMS-GUEST-READY") == 4
    assert "does not authenticate" in told
    for code in ("404 {", "IMG.0027", "IMG.0057", "IMG.0096", "IMG.0108", "IMG.0024", "IMG.0079"):
        assert code in told
    assert "they are of one instant" in told
    assert "bytes went over the link" in told
    assert "its buyer has it no more" in told
    assert "gAAAAA" not in told, "that is how a token begins"
    assert _left(told) == {}
    assert _kept_by_nova(told) == []
    objects = set(_OBJECT.findall(told))
    assert objects
    assert [file for file in pocket.image_files() if set(_OBJECT.findall(file)) & objects] == []


def _begin(until: str) -> tuple["subprocess.Popen[str]", list[str]]:
    """A demo that has just told a line with *until* in it, and the lines so far."""
    demo = subprocess.Popen([_POCKET, "demo"], stdout=subprocess.PIPE, text=True)
    assert demo.stdout is not None
    lines: list[str] = []
    for line in demo.stdout:
        lines.append(line)
        if until in line:
            break
    return demo, lines


@pytest.mark.parametrize(
    ("until", "number"),
    [("image create --prop", signal.SIGTERM), (" server create ", signal.SIGINT)],
)
def test_a_stopped_demo_leaves_nothing(until, number):
    demo, lines = _begin(until)
    time.sleep(4)
    demo.send_signal(number)
    rest, _errors = demo.communicate(timeout=_PATIENCE)
    told = "".join(lines) + rest
    assert demo.returncode == 128 + number, told
    assert "Traceback" not in told
    assert _left(told) == {}
    assert _kept_by_nova(told) == []


def _wait(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(1)


def test_what_a_killed_demo_leaves_can_be_removed():
    demo, lines = _begin(" server create ")
    told = "".join(lines)
    _wait(lambda: "servers" in _left(told))
    demo.kill()
    demo.communicate()
    assert {"folders", "images", "servers"} <= set(_left(told))
    cleaned = subprocess.run(
        [_POCKET, "clean", "--demo"], capture_output=True, text=True, timeout=_PATIENCE, check=False
    )
    assert cleaned.returncode == 0, cleaned.stdout + cleaned.stderr
    assert "thing(s) of demos that were killed are removed" in cleaned.stdout
    assert _left(told) == {}
