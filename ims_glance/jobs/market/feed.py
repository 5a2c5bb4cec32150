# SPDX-License-Identifier: Apache-2.0
"""The operator's vulnerability feed: a folder of OSV records (ossf.github.io/osv-schema), a JSON file each.

One file is in memory at a time, however many there are. OVAL is not read: OSV has the same advisories.
"""

import hashlib
import itertools
import json
import logging
import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from ims_glance import exceptions

LOG = logging.getLogger(__name__)

MOST_FILES = 1_000_000
_MOST_FILE = 16 << 20
_DIGITS = 40

Check = Callable[[], None]
State = tuple[tuple[str, int, int], ...]


class FeedUnusable(exceptions.Unavailable):
    """The feed cannot be read."""

    code = "IMG.0105"
    template = (
        "The packages of what is sold cannot be compared with the vulnerability feed: {reason}. Ask the operator "
        "([ims_market] vulnerability_feed)."
    )


class Feed:
    """The records of a folder, and of those in it.

    :param folder: which others may write to meanwhile
    """

    def __init__(self, folder: str) -> None:
        self._folder = Path(folder)
        self._mutex = threading.Lock()
        self._known: tuple[State, str, int] | None = None

    def state(self, check: Check) -> tuple[str, int]:
        """What there is now.

        It is read as a whole where something has changed since it was asked for last.

        :param check: called now and then; raises something if there is no use in going on
        :returns: a text that grows with what is newer, and is the same wherever the records are the same:
            when the newest record was changed, and a digest of all; and how many records there are
        :raises FeedUnusable: if it cannot be read
        """
        with self._mutex:
            there = tuple(self._files())
            if self._known is None or self._known[0] != there:
                digest, newest, count = hashlib.sha256(), "", 0
                for path, record in self._records(there, check):
                    digest.update(f"{path}\0{json.dumps(record, sort_keys=True)}\0".encode())
                    newest = max(newest, str(record.get("modified") or ""))
                    count += 1
                text = f"{newest[:64] or 0}|{digest.hexdigest()[:_DIGITS]}"
                self._known = (there, text, count)
            return self._known[1:]

    def records(self, check: Check) -> Iterator[dict[str, Any]]:
        """All of them that were not withdrawn.

        :raises FeedUnusable: if it cannot be read
        """
        for _, record in self._records(self._files(), check):
            if not record.get("withdrawn"):
                yield record

    def find(self, name: str) -> dict[str, Any] | None:
        """That of an id, if its file has its name, as OSV's export has it."""
        if not name or "/" in name or name.startswith("."):
            return None
        path = next(self._folder.rglob(f"{name}.json"), None)
        return None if path is None else self._read(path)

    def _files(self) -> Iterator[tuple[str, int, int]]:
        """Paths below the folder in their order, with times (ns) and sizes."""
        if not self._folder.is_dir():
            raise FeedUnusable(reason=f"there is no folder {self._folder}")
        found = (
            os.path.join(folder, name)
            for folder, _, names in os.walk(self._folder)
            for name in names
            if name.endswith(".json")
        )
        try:
            paths = sorted(itertools.islice(found, MOST_FILES))
            for path in paths:
                seen = os.stat(path)
                relative = os.path.relpath(path, self._folder)
                yield relative, seen.st_mtime_ns, seen.st_size
        except OSError as error:
            # Somebody is bringing it up to date.
            raise FeedUnusable(reason=f"{error.strerror}: {error.filename}") from error

    def _records(self, files: Any, check: Check) -> Iterator[tuple[str, dict[str, Any]]]:
        for path, _, _ in files:
            check()
            record = self._read(self._folder / path)
            if record is not None:
                yield path, record

    def _read(self, path: Path) -> dict[str, Any] | None:
        try:
            with path.open("rb") as opened:
                content = opened.read(_MOST_FILE + 1)
            if len(content) > _MOST_FILE:
                raise ValueError("it is too large")
            record = json.loads(content)
            if isinstance(record, dict) and isinstance(record.get("affected", []), list):
                return record
            raise ValueError("it is no OSV record")
        except OSError as error:
            raise FeedUnusable(reason=f"{error.strerror}: {path}") from error
        except (ValueError, RecursionError) as error:
            LOG.warning("Vulnerability feed: %s is left out: %s", path, error)
            return None
