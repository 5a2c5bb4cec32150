# SPDX-License-Identifier: Apache-2.0
"""What is wished of a guest: its owner's wish to have it made ready, and what the operator has for that."""

import dataclasses
from collections.abc import Mapping
from typing import Any, Self


@dataclasses.dataclass(frozen=True)
class Wishes:
    """What may be done to a guest.

    :ivar is_config: make it ready (IMS ``is_config``); else it is only looked at
    :ivar package_dir: folder of the worker with packages for guests: ``DISTRO/MAJOR/*.deb`` or ``*.rpm``
    :ivar virtio_win_path: folder of the worker with the files of a virtio-win ISO
    :ivar delete_owners_data: host keys, machine id and logs as well
    :ivar is_scan: look for what is not to be sold with it, and change nothing
    """

    is_config: bool = False
    package_dir: str | None = None
    virtio_win_path: str | None = None
    delete_owners_data: bool = False
    is_scan: bool = False

    def to_arguments(self) -> dict[str, Any]:
        """As JSON."""
        return dataclasses.asdict(self)

    @classmethod
    def of_arguments(cls, stored: Mapping[str, Any]) -> Self:
        """From JSON."""
        return cls(
            bool(stored.get("is_config")),
            stored.get("package_dir") or None,
            stored.get("virtio_win_path") or None,
            bool(stored.get("delete_owners_data")),
            bool(stored.get("is_scan")),
        )
