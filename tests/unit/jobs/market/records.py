# SPDX-License-Identifier: Apache-2.0
"""A feed of a test."""

import json
from pathlib import Path
from typing import Any

HIGH = [{"type": "CVSS_V3", "score": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"}]
LOW = [{"type": "CVSS_V3", "score": "4.2"}]


def record(name: str, **values: Any) -> dict[str, Any]:
    """An OSV record about Debian's openssl, of all versions before 3.0.11-1~deb12u2."""
    events = [{"introduced": "0"}, {"fixed": values.pop("fixed", "3.0.11-1~deb12u2")}]
    package = {"ecosystem": "Debian:12", "name": values.pop("package", "openssl")}
    return {
        "id": name,
        "modified": "2026-11-01T00:00:00Z",
        "summary": f"A summary of {name}",
        "affected": [{"package": package, "ranges": [{"type": "ECOSYSTEM", "events": events}]}],
        "severity": HIGH,
        **values,
    }


def write(folder: Path, *records: dict[str, Any]) -> Path:
    """Have a feed hold them."""
    for each in records:
        path = folder / "Debian" / f"{each['id']}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(each))
    return folder
