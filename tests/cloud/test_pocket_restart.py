# SPDX-License-Identifier: Apache-2.0
"""The whole cloud goes down and comes back, with its servers."""

import subprocess
import time

import pytest
from pocket_cloud import guests, process
from pocket_cloud.cloud import CHECKOUT

from tests.cloud import login, servers

pytestmark = pytest.mark.pocket

# With installed packages, on two cores.
_UP = 240.0


def run(verb: str) -> None:
    subprocess.run(
        [str(CHECKOUT / "devstack" / "pocket"), verb], check=True, capture_output=True, timeout=600
    )


@pytest.mark.alone
def test_a_server_runs_again_after_down_and_up(cloud):
    demo = login.connect("demo")
    with (
        servers.guest_image(cloud, demo, __system__cmkid="ims/default") as image,
        servers.server(demo, image) as server,
    ):
        servers.wait_for_boot(demo, server)
        volume = demo.block_storage.create_volume(size=1, name="kept")
        demo.block_storage.wait_for_status(volume, "available", wait=240)
        try:
            demo.compute.create_volume_attachment(server, volume_id=volume.id)
            demo.block_storage.wait_for_status(volume, "in-use", wait=240)
            before = {guest.pid for guest in guests.running(cloud)}
            run("down")
            assert process.members(cloud) == []
            begin = time.monotonic()
            run("up")
            assert time.monotonic() - begin < _UP
            after = {guest.pid for guest in guests.running(cloud)}
            assert len(after) == len(before)
            assert not after & before
            demo = login.connect("demo")
            servers.wait_for_boot(demo, server)
            assert demo.compute.get_server(server).status == "ACTIVE"
            assert "vdb" in servers.console(demo, server)
        finally:
            demo.compute.delete_volume_attachment(server, volume)
            demo.block_storage.wait_for_status(volume, "available", wait=240)
            demo.block_storage.delete_volume(volume)
