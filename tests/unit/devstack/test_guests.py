# SPDX-License-Identifier: Apache-2.0
"""With a program that only has QEMU's name."""

import shutil

from pocket_cloud import guests, process


def test_guests_are_powered_off_and_nobody_else(cloud):
    cloud.home.mkdir()
    qemu = cloud.path("qemu-system-x86_64")
    shutil.copy("/bin/sleep", qemu)
    guest = process.start(cloud, "guest", [str(qemu), "60"], {}, "mark")
    other = process.start(cloud, "other", ["sleep", "60"], {}, "mark")
    try:
        assert [found.pid for found in guests.running(cloud)] == [guest.pid]
        guests.power_off(cloud)
        assert guest.wait(10) != 0
        assert other.poll() is None
        assert guests.running(cloud) == []
    finally:
        for child in (guest, other):
            child.kill()
            child.wait()
