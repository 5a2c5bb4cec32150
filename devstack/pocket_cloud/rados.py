# SPDX-License-Identifier: Apache-2.0
"""Commands to Ceph's monitor through its library, much faster than the ``ceph`` program."""

import json
from typing import Any

from pocket_cloud.cloud import Cloud
from pocket_cloud.errors import PocketError


def command(cloud: Cloud, prefix: str, timeout: int = 30, **arguments: object) -> Any:
    """Run one command, for example ``osd pool create`` with ``pool="images"``.

    :param timeout: seconds.
    :returns: the decoded answer; None if there is none.
    :raises PocketError: if the monitor refuses or does not answer.
    """
    # Debian's python3-rados, which is installed after this package has been started.
    import rados  # noqa: PLC0415

    options = {
        "client_mount_timeout": str(timeout),
        "rados_mon_op_timeout": str(timeout),
        "keyring": str(cloud.path("etc", "ceph", "ceph.client.admin.keyring")),
    }
    conf = str(cloud.path("etc", "ceph", "ceph.conf"))
    request = json.dumps({"prefix": prefix, "format": "json", **arguments})
    try:
        with rados.Rados(conffile=conf, name="client.admin", conf=options) as cluster:
            code, output, message = cluster.mon_command(request, b"")
    except (rados.Error, OSError) as error:
        raise PocketError(f"ceph {prefix}: {error}") from error
    if code:
        raise PocketError(f"ceph {prefix}: {message} ({code})")
    return json.loads(output) if output.strip() else None
