# SPDX-License-Identifier: Apache-2.0
"""What tells one demo's things from all others': a name that nobody else has, held while it lives.

Everything that a demo makes is called ``ims-demo-<12 hexadecimal digits>-...``. Below the cloud's home
is a folder of that name with a file in it that the demo keeps locked. The lock goes with the process
however that ends, so what has such a name and no locked folder is left over.
"""

import datetime
import fcntl
import hashlib
import re
import secrets
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import IO

from pocket_cloud.cloud import Cloud

PREFIX = "ims-demo-"
_NAME = re.compile(rf"({PREFIX}[0-9a-f]{{12}})(?:-|\Z)")
_LOCK = "alive"
# A product's name has no telephone number in it, nor what may look like one.
_SPELLED = str.maketrans("0123456789", "ghijklmnop")
_UNSPELLED = str.maketrans("ghijklmnop", "0123456789")
_BOOTED = "booted"


def owner(text: str | None) -> str:
    """The name of the demo whose thing is called *text*; empty if it is nobody's."""
    found = _NAME.match(text or "")
    return found[1] if found else ""


def spelled(name: str) -> str:
    """The name of a demo without digits."""
    return name.translate(_SPELLED)


def unspelled(text: str) -> str:
    """The name of a demo, if *text* is :func:`spelled`, else something that is none."""
    if not text.startswith(PREFIX):
        return ""
    return PREFIX + text.removeprefix(PREFIX).translate(_UNSPELLED)


class Claim:
    """A name and a folder, this demo's alone.

    :ivar name: to begin the names of what is made with
    :ivar folder: for files
    """

    def __init__(self, cloud: Cloud) -> None:
        self.name = PREFIX + secrets.token_hex(6)
        self.folder = cloud.path(self.name)
        self._lock: IO[str] | None = None

    def take(self) -> None:
        """Make the folder: locked from the moment on when others can find it."""
        unfinished = self.folder.with_name(f".{self.name}")
        unfinished.mkdir(parents=True)
        self._lock = (unfinished / _LOCK).open("w")
        fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        unfinished.rename(self.folder)

    def drop(self) -> None:
        """Let go of the name: what is left of the demo is then for others to remove."""
        if self._lock:
            self._lock.close()

    def note_booted(self, images: Iterable[str]) -> None:
        """Note ids of images that a server is to be booted from: Nova keeps them, in plain."""
        with (self.folder / _BOOTED).open("a") as file:
            file.writelines(f"{image}\n" for image in images)


def alive(cloud: Cloud) -> set[str]:
    """Names of the demos that are being played."""
    return {folder.name for folder in _folders(cloud) if _is_locked(folder)}


def forget_booted(cloud: Cloud, names: Iterable[str]) -> None:
    """Remove what Nova has kept of the images that these demos booted.

    Of these alone: the disks of other servers stand on what is kept of theirs.
    """
    for name in names:
        noted = cloud.path(name, _BOOTED)
        if noted.exists():
            forget_kept(cloud, noted.read_text().split())


def forget_kept(cloud: Cloud, images: Iterable[str]) -> None:
    """Remove what Nova has kept of *images* (ids)."""
    kept = cloud.path("data", "nova", "instances", "_base")
    for image in images:
        name = hashlib.sha1(image.encode(), usedforsecurity=False).hexdigest()
        for path in kept.glob(f"{name}*"):
            path.unlink(missing_ok=True)


def dead(cloud: Cloud) -> set[str]:
    """Names of the folders of demos that are not being played any more."""
    return {folder.name for folder in _folders(cloud)} - alive(cloud)


def began(cloud: Cloud, names: Iterable[str]) -> str:
    """When the first of these demos began (UTC, ISO 8601), as their folders tell; empty if none do."""
    locks = (cloud.path(name, _LOCK) for name in names)
    seconds = [lock.stat().st_mtime for lock in locks if lock.exists()]
    if not seconds:
        return ""
    return datetime.datetime.fromtimestamp(min(seconds), datetime.UTC).strftime("%Y-%m-%dT%H:%M:%S")


def remove_folders(cloud: Cloud, names: Iterable[str]) -> None:
    """Remove what these demos have below the cloud's home."""
    for name in names:
        shutil.rmtree(cloud.path(name), ignore_errors=True)


def _folders(cloud: Cloud) -> list[Path]:
    return [path for path in cloud.home.glob(f"{PREFIX}*") if owner(path.name) == path.name]


def _is_locked(folder: Path) -> bool:
    try:
        with (folder / _LOCK).open() as lock:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        # It is being removed, or was never finished.
        return False
    return False
