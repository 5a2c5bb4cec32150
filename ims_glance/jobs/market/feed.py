# SPDX-License-Identifier: Apache-2.0
"""The operator's vulnerability feed: a folder of OSV records (ossf.github.io/osv-schema), a JSON file each.

One file is in memory at a time, however many there are. OVAL is not read: OSV has the same advisories.
"""

import dataclasses
import datetime
import functools
import hashlib
import itertools
import json
import logging
import os
import threading
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from ims_glance import exceptions

LOG = logging.getLogger(__name__)

MOST_FILES = 1_000_000
_MOST_FILE = 16 << 20
_DIGITS = 40
# Clocks differ, and who writes an advisory may be ahead of ours.
_AHEAD = datetime.timedelta(days=1)
_SUFFIX = ".json"

Check = Callable[[], None]
State = tuple[tuple[str, int, int], ...]


class FeedUnusable(exceptions.Unavailable):
    """The feed cannot be read."""

    code = "IMG.0105"
    template = (
        "The packages of what is sold cannot be compared with the vulnerability feed: {reason}. Ask the operator "
        "([ims_market] vulnerability_feed)."
    )


@dataclasses.dataclass(frozen=True)
class _Known:
    """A feed as it was read.

    :ivar there: paths, times (ns) and sizes of its files
    :ivar text: as :meth:`Feed.state` returns it, and *count*
    :ivar left_out: names of files, without ``.json``, that have no record that can be evaluated
    """

    there: State
    text: str
    count: int
    left_out: frozenset[str]

    @functools.cached_property
    def paths(self) -> Mapping[str, str]:
        """Those of ids, if a record's file has its name, as OSV's export has it."""
        found: dict[str, str] = {}
        for path, _, _ in self.there:
            found.setdefault(_name(path), path)
        return found


class Feed:
    """The records of a folder, and of those in it.

    :param folder: which others may write to meanwhile
    """

    def __init__(self, folder: str) -> None:
        self._folder = Path(folder)
        self._mutex = threading.Lock()
        self._known: _Known | None = None

    def state(self, check: Check) -> tuple[str, int]:
        """What there is now.

        It is read as a whole where something has changed since it was asked for last.

        :param check: called now and then; raises something if there is no use in going on
        :returns: a text that grows with what is newer, and is the same wherever the records are the same:
            when the newest record was changed, how many there are, and a digest of all; and how many records there are
        :raises FeedUnusable: if it cannot be read, or has none
        """
        with self._mutex:
            there = tuple(self._files())
            if self._known is None or self._known.there != there:
                self._known = self._looked(there, check)
            return self._known.text, self._known.count

    @property
    def left_out(self) -> frozenset[str]:
        """Names of the files that had no record that can be evaluated when it was read last."""
        return frozenset() if self._known is None else self._known.left_out

    def records(self, check: Check) -> Iterator[dict[str, Any]]:
        """All of them that were not withdrawn, of those whose state is known: none that is gone is passed over.

        :raises FeedUnusable: if it cannot be read
        """
        for _, record in self._records(self._now(check).there, check):
            if not record.get("withdrawn"):
                yield record

    def find(self, name: str, check: Check) -> dict[str, Any] | None:
        """That of an id, if its file has its name, as OSV's export has it.

        :raises FeedUnusable: if it cannot be read
        """
        path = self._now(check).paths.get(name)
        return None if path is None else self._read(self._folder / path)

    def _now(self, check: Check) -> _Known:
        if self._known is None:
            self.state(check)
        assert self._known is not None
        return self._known

    def _looked(self, there: State, check: Check) -> _Known:
        digest, count, latest = hashlib.sha256(), 0, datetime.datetime.now(datetime.UTC) + _AHEAD
        newest, left_out = "", {_name(path) for path, _, _ in there}
        for path, record in self._records(there, check):
            digest.update(f"{path}\0{json.dumps(record, sort_keys=True)}\0".encode())
            newest = max(newest, _when(record.get("modified"), latest))
            left_out.discard(_name(path))
            count += 1
        if not count:
            raise FeedUnusable(
                reason=f"there are no records in {self._folder}, as files NAME{_SUFFIX} of OSV"
            )
        # By the number before the digest: of two that are as new, it is the whole one that counts, not one of
        # which a part is missing or has yet to come.
        text = f"{newest or 0}|{count:07}|{digest.hexdigest()[:_DIGITS]}"
        return _Known(there, text, count, frozenset(left_out))

    def _files(self) -> Iterator[tuple[str, int, int]]:
        """Paths below the folder in their order, with times (ns) and sizes."""
        if not self._folder.is_dir():
            raise FeedUnusable(reason=f"there is no folder {self._folder}")
        try:
            paths = sorted(itertools.islice(self._paths(), MOST_FILES + 1))
            if len(paths) > MOST_FILES:
                raise FeedUnusable(reason=f"there are more than {MOST_FILES} files")
            for path in paths:
                seen = os.stat(path)
                relative = os.path.relpath(path, self._folder)
                yield relative, seen.st_mtime_ns, seen.st_size
        except OSError as error:
            # Somebody is bringing it up to date, or we may not look into a part of it.
            raise FeedUnusable(reason=f"{error.strerror}: {error.filename}") from error

    def _paths(self) -> Iterator[str]:
        """Those of records.

        :raises FeedUnusable: if there is something that looks as if it had records, and is not read
        """
        top = self._folder.resolve()
        for folder, folders, names in os.walk(self._folder, onerror=_raise):
            for path in (os.path.join(folder, name) for name in folders):
                if os.path.islink(path) and not Path(path).resolve().is_relative_to(top):
                    raise FeedUnusable(
                        reason=f"{path} is a link to another folder, and those are not followed"
                    )
            records = [name for name in names if name.endswith(_SUFFIX)]
            packed = [name for name in names if name.endswith(".zip")]
            if packed and not records:
                path = os.path.join(folder, packed[0])
                raise FeedUnusable(reason=f"{path} has to be unpacked there, or taken away")
            yield from (os.path.join(folder, name) for name in records)

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
            _check(record)
            return dict(record)
        except OSError as error:
            raise FeedUnusable(reason=f"{error.strerror}: {path}") from error
        except (ValueError, TypeError, RecursionError) as error:
            LOG.warning("Vulnerability feed: %s is left out: %s", path, error)
            return None


def _name(path: str) -> str:
    """The id of a record, if its file has its name."""
    return os.path.basename(path)[: -len(_SUFFIX)]


def _raise(error: OSError) -> None:
    raise error


def _when(modified: Any, latest: datetime.datetime) -> str:
    """A time (RFC 3339) as a text that grows with it; nothing if it is none, or is to come."""
    try:
        when = datetime.datetime.fromisoformat(str(modified))
        if when.tzinfo is None or when > latest:
            return ""
        return when.astimezone(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    except (ValueError, OverflowError):
        return ""


_LISTS: Mapping[str, type] = {"aliases": str, "upstream": str, "affected": dict, "severity": dict}
_OF_AFFECTED: Mapping[str, type] = {"versions": str, "ranges": dict, "severity": dict}
_WORDS = ("ecosystem_specific", "database_specific")


def _check(record: Any) -> None:
    """See that what is asked of a record is as OSV's schema has it.

    :raises TypeError, ValueError: if not
    """
    if not isinstance(record, dict) or not isinstance(record.get("id"), str):
        raise TypeError("it is no OSV record")
    _check_lists(record, _LISTS)
    for affected in (record, *(record.get("affected") or ())):
        for name in (*_WORDS, "package"):
            if not isinstance(affected.get(name) or {}, dict):
                raise TypeError(f"its '{name}' is no object")
        if affected is not record:
            _check_lists(affected, _OF_AFFECTED)
        for each in (affected.get("ranges") or ()) if affected is not record else ():
            _check_lists(each, {"events": dict})


def _check_lists(owner: Mapping[str, Any], lists: Mapping[str, type]) -> None:
    for name, kind in lists.items():
        found = owner.get(name)
        if found is None:
            continue
        if not isinstance(found, list) or not all(isinstance(each, kind) for each in found):
            raise ValueError(f"its '{name}' is no list of what it should be")
