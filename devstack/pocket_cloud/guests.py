# SPDX-License-Identifier: Apache-2.0
"""The virtual machines of the cloud."""

from pocket_cloud import process, procfs
from pocket_cloud.cloud import Cloud

_GRACE = 10.0


def running(cloud: Cloud) -> list[process.Process]:
    """QEMU's processes. libvirtd starts them, but they outlive it."""
    return [
        member
        for member in process.members(cloud)
        if procfs.command(member.pid).partition(" ")[0].endswith("qemu-system-x86_64")
    ]


def power_off(cloud: Cloud) -> None:
    """End all guests; QEMU writes out what it holds when it gets a SIGTERM."""
    process.stop(running(cloud), _GRACE)
