# SPDX-License-Identifier: Apache-2.0
"""The demo runs to its end on the real cloud, and leaves nothing behind."""

import subprocess
from typing import Any

import pytest

from tests.cloud import pocket

_PATIENCE = 900
# What compute hosts keep of images, in plain.
_KEPT = pocket.HOME / "data" / "nova" / "instances" / "_base"


def _what_is_there() -> dict[str, list[str]]:
    """All that tenant ``demo`` and the image stores have, save the project's default key."""
    demo: Any = pocket.connect("demo")
    secrets = [
        pocket.secret_id(secret)
        for secret in demo.key_manager.secrets()
        if secret.name != "ims/default"
    ]
    return {
        "images": sorted(image.id for image in demo.image.images()),
        "hidden": sorted(image.id for image in demo.image.images(is_hidden=True)),
        "volumes": sorted(volume.id for volume in demo.block_storage.volumes()),
        "snapshots": sorted(each.id for each in demo.block_storage.snapshots()),
        "servers": sorted(server.id for server in demo.compute.servers()),
        "secrets": sorted(secrets),
        "orders": sorted(order.order_ref for order in demo.key_manager.orders()),
        "files": pocket.image_files(),
        "kept by Nova": sorted(path.name for path in _KEPT.glob("*")),
        "folders": sorted(path.name for path in pocket.HOME.glob("demo-*")),
    }


@pytest.mark.alone
def test_demo_shows_everything_and_leaves_nothing():
    before = _what_is_there()
    played = subprocess.run(
        [str(pocket.CHECKOUT / "devstack" / "pocket"), "demo"],
        capture_output=True,
        text=True,
        timeout=_PATIENCE,
        check=False,
    )
    assert played.returncode == 0, played.stdout[-3000:] + played.stderr
    assert "The demo is over: all was as it must be" in played.stdout
    assert "none of" in played.stdout
    assert played.stdout.count("IMS-GUEST-READY") == 2
    assert "does not authenticate" in played.stdout
    assert "they are of one instant" in played.stdout
    assert "gAAAAA" not in played.stdout, "that is how a token begins"
    assert _what_is_there() == before
