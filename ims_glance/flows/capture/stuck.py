# SPDX-License-Identifier: Apache-2.0
"""What is said of things that Cinder never finishes, and what an operator does about them.

A Cinder that is killed, or whose database is, forgets what it was doing: what it was making, moving or
deleting stays in that state for ever. Cinder deletes nothing that is in such a state, and only an
administrator changes it (``os-reset_status`` of volumes, snapshots and backups).
"""

from collections.abc import Iterable, Mapping
from typing import Any

VOLUME, SNAPSHOT, BACKUP = "volume", "snapshot", "volume backup"
"""Kinds of things that Cinder has."""

BUSY = frozenset(
    {
        *("creating", "downloading", "uploading", "deleting"),
        *("backing-up", "restoring-backup", "restoring", "maintenance"),
    }
)
"""States of things that Cinder works on, or has forgotten."""

_COMMANDS = {
    VOLUME: "openstack volume",
    SNAPSHOT: "openstack volume snapshot",
    BACKUP: "openstack volume backup",
}


def still(kind: str, thing_id: str, status: str, seconds: float) -> str:
    """That something does not end.

    :param seconds: that it was waited for
    """
    return f"{kind} {thing_id} is still '{status}' after {seconds:.0f} seconds."


def to_be_freed(kind: str, *ids: str) -> str:
    """What an operator does about things that are to be kept."""
    commands = " and ".join(f"'{_COMMANDS[kind]} set --state available {each}'" for each in ids)
    return f"If Cinder does not work on it any more, an operator has to run {commands}."


def to_be_deleted(kind: str, things: Iterable[Mapping[str, Any]]) -> str:
    """What an operator does about things that are to go.

    :param things: as Cinder shows them
    """
    ids = [str(each["id"]) for each in things if each["status"] in BUSY]
    each, whole = (ids[0], "") if len(ids) == 1 else ("ID", " for each of them")
    command = _COMMANDS[kind]
    return (
        "If Cinder does not work on it any more, an operator has to run "
        f"'{command} set --state error {each}'{whole}, and then "
        f"'{command} delete {' '.join(ids)}'."
    )


def by_its_owner(kind: str, thing_id: str) -> str:
    """What the owner of something does that Cinder refused to delete."""
    return f"Delete it yourself: '{_COMMANDS[kind]} delete {thing_id}'."
