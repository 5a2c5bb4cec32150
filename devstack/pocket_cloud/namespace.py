# SPDX-License-Identifier: Apache-2.0
"""A view of the file system of its own for services with paths fixed in their code.

libvirt and os-brick insist on folders that belong to the whole machine. A service started in a
private mount namespace sees ours in their place; nobody else does, and when the last process of
the namespace ends the mounts are gone.
"""

import shlex
from pathlib import Path

from pocket_cloud.cloud import Cloud

# What the service sees -> where it really is, below the home.
BINDS: dict[str, str] = {
    "/etc/ceph": "etc/ceph",
    "/etc/libvirt": "etc/libvirt",
    "/run/libvirt": "data/libvirt/run",
    "/var/lib/libvirt": "data/libvirt/lib",
    "/var/cache/libvirt": "data/libvirt/cache",
    "/var/log/libvirt": "data/libvirt/log",
}


def wrap(cloud: Cloud, argv: list[str]) -> list[str]:
    """The command line that runs *argv* in a namespace; the process id stays the same."""
    mounts = []
    for seen, inside in BINDS.items():
        ours = cloud.path(inside)
        ours.mkdir(parents=True, exist_ok=True)
        # A mount needs something to be mounted on; an empty folder harms nobody.
        Path(seen).mkdir(parents=True, exist_ok=True)
        mounts.append(f"mount --bind {shlex.quote(str(ours))} {seen}")
    script = " && ".join([*mounts, 'exec "$@"'])
    return ["unshare", "--mount", "--propagation", "private", "sh", "-c", script, "sh", *argv]
