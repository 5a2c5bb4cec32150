# SPDX-License-Identifier: Apache-2.0
"""The files of a guest that patterns name, within bounds in number and in bytes.

What a guest has is a stranger's: a folder of millions of files, names that are no text, files that cannot be
read. What could not be looked at for that is remembered, in words, and no more than that.
"""

import re
from collections.abc import Iterator

from ims_glance.guests.inside.handle import GuestFS
from ims_glance.model.guest.found import WINDOWS, Guest

MOST_FILES = 4000
"""Of a system, that are read."""
MOST_BYTES = 64 << 20
"""Of all of them."""
MOST_FOUND = 1000
"""Files that a pattern finds."""
MOST_FILE = 1 << 20
"""Bytes of a file that is read."""
UNREADABLE = (RuntimeError, UnicodeError)
"""What libguestfs raises: the appliance's answer, or names that are no UTF-8."""

_HOMES = {"linux": ("/root", "/home/*"), WINDOWS: ("/Users/*",)}
_BARE_HOMES = ("", "/*")
_MOST_HOMES = 64
_PLAIN = re.compile(r"/[A-Za-z0-9._/-]{1,200}")
_NO_HOMES = ("/", "/root", "/home", "/nonexistent", "/dev/null")


class Places:
    """The mounted file systems of a guest.

    :param homes: further home folders, of which only what is hidden in them is looked at: systems give their
        services folders of programs and data
    :param is_bare: whether it is a file system of no system, which may be one of homes, or one home
    :ivar lacks: why not everything was looked at, as sentences
    """

    def __init__(
        self, g: GuestFS, guest: Guest, homes: list[str], *, is_bare: bool = False
    ) -> None:
        self.g = g
        self.lacks: list[str] = []
        self._homes = (*_HOMES.get(guest.kind or "", ()), *(_BARE_HOMES if is_bare else ()))
        own = [each for each in homes if _PLAIN.fullmatch(each) and not self._is_usual(each)]
        self._hidden_homes = list(dict.fromkeys(own))[:_MOST_HOMES]
        if len(set(own)) > _MOST_HOMES:
            self._lacks(f"Only {_MOST_HOMES} of the home folders of accounts were looked at.")
        if any(
            each.startswith("/") and not _PLAIN.fullmatch(each) for each in homes if each != "/"
        ):
            self._lacks("Home folders of accounts with strange names were not looked at.")
        self._files = 0
        self._bytes = 0

    def _is_usual(self, home: str) -> bool:
        is_below = home.startswith("/home/") and home.rstrip("/").count("/") == 2
        return home.rstrip("/") in _NO_HOMES or is_below or home == "/"

    def found(self, pattern: str) -> Iterator[str]:
        """The regular files that a pattern finds, be it by links; ``~`` in it is each home folder."""
        for each in self._patterns(pattern):
            try:
                paths = self.g.glob_expand(each)
            except UNREADABLE:
                self._lacks(f"The names at {each} could not be read.")
                continue
            if len(paths) > MOST_FOUND:
                self._lacks(f"Only {MOST_FOUND} files of {each} were looked at.")
            yield from (path for path in paths[:MOST_FOUND] if self._is_file(path))

    def _patterns(self, pattern: str) -> list[str]:
        if not pattern.startswith("~"):
            return [pattern]
        rest = pattern[1:]
        homes = [*self._homes, *(self._hidden_homes if rest.startswith("/.") else ())]
        return [home + rest for home in homes]

    def _is_file(self, path: str) -> bool:
        try:
            return not path.endswith("/") and bool(self.g.is_file(path, followsymlinks=True))
        except UNREADABLE:
            return False

    def size(self, path: str) -> int:
        """Bytes of a file; 0 if it cannot be read."""
        try:
            return int(self.g.filesize(path))
        except UNREADABLE:
            self._lacks(f"{path} could not be read.")
            return 0

    def content(self, path: str, most: int = MOST_FILE, *, is_small: bool = False) -> bytes:
        """The beginning of a file; nothing if it cannot be read.

        :param is_small: nothing of one that has more than *most* bytes
        """
        size = self.size(path)
        if not size or (is_small and size > most):
            return b""
        if size > most:
            self._lacks(f"Only the first {most} bytes of {path} were read.")
        if self._files >= MOST_FILES or self._bytes >= MOST_BYTES:
            self._lacks(f"Only {MOST_FILES} files, or {MOST_BYTES >> 20} MiB of them, were read.")
            return b""
        self._files += 1
        try:
            found = self.g.pread(path, min(most, size), 0)
        except UNREADABLE:
            self._lacks(f"{path} could not be read.")
            return b""
        self._bytes += len(found)
        return found

    def lines(self, path: str) -> list[str]:
        """Those of a file of text; none if it is not there."""
        if not self._is_file(path):
            return []
        return self.content(path).decode("utf-8", "surrogateescape").splitlines()

    def _lacks(self, what: str) -> None:
        if what not in self.lacks and len(self.lacks) < 16:
            self.lacks.append(what)
