# SPDX-License-Identifier: Apache-2.0
"""Removing what demos made: this one's at its end, and that of those which had no time for it."""

import time
from collections.abc import Collection

from pocket_cloud import rest
from pocket_cloud.cloud import Cloud
from pocket_cloud.demo import claim, things
from pocket_cloud.errors import PocketError

_PATIENCE = 180.0
# A service that does not answer for so long is down and not busy; seconds.
_AWAY = 20.0
_POLL = 1.0
# For so long something without a name may turn out to be ours; seconds.
_UNSURE = 30.0
# What a client asked for just before it was killed appears within this; seconds.
_LATE = 4.0


def remove_own(cloud: Cloud, own: claim.Claim, broken_off: bool) -> list[str]:
    """Remove all that the demo of *own* made, in the cloud and below its home.

    :param broken_off: whether something of it may come yet, which it has just asked for
    :returns: what could not be removed, and why; it is then left for :func:`remove_dead`
    """
    since = claim.began(cloud, {own.name}) if broken_off else ""
    left = _remove(cloud, lambda text: claim.owner(text) == own.name, since)
    if not left:
        _forget(cloud, {own.name})
    own.drop()
    return left


def remove_dead(cloud: Cloud) -> tuple[int, list[str]]:
    """Remove what demos left that are not being played any more. Others are left alone.

    :returns: how many things went, and what could not be removed, and why
    """
    # First: one that begins now has nothing yet.
    folders = claim.dead(cloud)

    def is_dead(text: str | None) -> bool:
        name = claim.owner(text)
        return bool(name) and name not in claim.alive(cloud)

    removed: set[str] = set()
    left = _remove(cloud, is_dead, claim.began(cloud, folders), removed)
    if not left:
        _forget(cloud, folders)
    return len(removed), left


def _forget(cloud: Cloud, names: Collection[str]) -> None:
    # Servers are gone by now: Nova makes nothing anew.
    claim.forget_booted(cloud, names)
    claim.remove_folders(cloud, names)


def _remove(
    cloud: Cloud, ours: things.Ours, since: str = "", removed: set[str] | None = None
) -> list[str]:
    """Remove until nothing is found any more, or for as long as it makes sense."""
    began = answered = time.monotonic()
    clear_since: float | None = None
    tenants: list[rest.Session] = []
    while True:
        now = time.monotonic()
        unsure = since if now - began < _UNSURE else ""
        try:
            tenants = tenants or things.sessions(cloud)
            found = things.find(cloud, tenants, ours, unsure)
            answered = now
        except (PocketError, *rest.UNREACHABLE) as error:
            if now - answered > _AWAY:
                return [f"could not look for it: {error}"]
            time.sleep(_POLL)
            continue
        if removed is not None:
            removed.update(thing.text for thing in found)
        if not found:
            clear_since = clear_since or now
            if not since or now - clear_since > _LATE:
                return []
        else:
            clear_since = None
            failures = _begin(found)
            if now - began > _PATIENCE:
                return failures or [f"{thing.text}: it does not go" for thing in found]
        time.sleep(_POLL)


def _begin(found: list[things.Thing]) -> list[str]:
    """Begin to remove things; what was refused, and why."""
    failures = []
    for thing in found:
        try:
            if thing.remove:
                thing.remove()
        except rest.HttpError as error:
            if error.status != 404:
                failures.append(f"{thing.text}: {error}")
        except rest.UNREACHABLE as error:
            failures.append(f"{thing.text}: {error}")
    return failures
