# SPDX-License-Identifier: Apache-2.0
"""Passwords and keys of one cloud: made once at random, kept in one file only root can read."""

import base64
import json
import secrets
import struct
import time
import uuid
from pathlib import Path

from pocket_cloud import template

PASSWORDS = (
    "admin", "demo", "other", "database", "rabbit",
    "glance", "nova", "cinder", "placement", "neutron", "barbican", "radosgw",
    "ims", "ims_signature", "ims_backups", "ims_usage",
)  # fmt: skip
CEPH_CLIENTS = ("mon", "admin", "mgr", "osd", "radosgw", "glance", "cinder")


def cephx_key() -> str:
    """A key as ``ceph-authtool --gen-key`` makes it: type 1 (AES), time, length, 16 bytes."""
    head = struct.pack("<HLLH", 1, int(time.time()), 0, 16)
    return base64.b64encode(head + secrets.token_bytes(16)).decode()


def _new() -> dict[str, str]:
    made = {f"password_{name}": secrets.token_hex(16) for name in PASSWORDS}
    made |= {f"cephx_{name}": cephx_key() for name in CEPH_CLIENTS}
    return made | {
        "ceph_fsid": str(uuid.uuid4()),
        "osd_uuid": str(uuid.uuid4()),
        "barbican_kek": base64.b64encode(secrets.token_bytes(32)).decode(),
        "ec2_access": secrets.token_hex(16),
        "ec2_secret": secrets.token_hex(16),
        "erlang_cookie": secrets.token_hex(16),
        "horizon_key": secrets.token_hex(32),
    }


def load(path: Path) -> dict[str, str]:
    """The values in *path*; what is missing there is made and written."""
    known: dict[str, str] = json.loads(path.read_text()) if path.exists() else {}
    values = _new() | known
    if values != known:
        template.write(path, json.dumps(values, indent=2) + "\n")
    return values
