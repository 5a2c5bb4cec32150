# SPDX-License-Identifier: Apache-2.0
"""The files of a guest, each read within bounds and none changed without its old content beside it.

A changed file ``NAME`` keeps its old content as ``.NAME.before-ims``: hidden, because ifupdown, network-scripts and
NetworkManager read whatever else lies in their folders. A second change keeps the first content.
"""

import posixpath
from collections.abc import Callable, Iterator

from ims_glance.guests.inside.handle import GuestFS
from ims_glance.model.text.printable import printable

MOST_TEXT = 1 << 20
"""Bytes of a file that is read."""
MOST_NAMES = 256
"""Files of a folder that are looked at."""
_MOST_FOLDER = 1 << 20
_MOST_NAME = 255
_SUFFIX = ".before-ims"
_LABEL = "security.selinux"

# Runs a program for so many seconds, and keeps of what it says only the end.
_RUN = (
    'code=$( { { "$@" 2>&1 </dev/null 3>&-; echo $? >&3; } | tail -c 1500 >&2; } 3>&1 ); '
    'exit "${code:-1}"'
)


class GuestFileTooLarge(Exception):
    """A file or a folder is larger than any of its kind is."""


class GuestProgramFailed(Exception):
    """A program of the guest failed, was not there, or took too long."""


def old_name(path: str) -> str:
    """Where the old content of a file is kept."""
    folder, name = posixpath.split(path)
    return posixpath.join(folder, f".{name}{_SUFFIX}")


class Tree:
    """The mounted file systems of a guest.

    :ivar is_dry: nothing is written; what would be is remembered, and read back
    :ivar changed: paths, in the order of their change
    :ivar on_run: called before a program of the guest is run, which may take minutes
    """

    def __init__(self, g: GuestFS, *, is_dry: bool = False) -> None:
        self.g = g
        self.is_dry = is_dry
        self.on_run: Callable[[], None] | None = None
        self.changed: list[str] = []
        self._wished: dict[str, str | None] = {}

    def is_there(self, path: str) -> bool:
        """Whether there is a regular file, be it by a link."""
        if path in self._wished:
            return self._wished[path] is not None
        return bool(self.g.is_file(path, followsymlinks=True))

    def is_folder(self, path: str) -> bool:
        """Whether there is a folder, be it by a link."""
        return bool(self.g.is_dir(path, followsymlinks=True))

    def text(self, path: str) -> str | None:
        """A file's content; ``None`` if there is no regular file. Bytes that are no UTF-8 come back as they were.

        :raises GuestFileTooLarge: if it is larger than :data:`MOST_TEXT`
        """
        if path in self._wished:
            return self._wished[path]
        if not self.is_there(path):
            return None
        if self.g.filesize(path) > MOST_TEXT:
            raise GuestFileTooLarge(f"{printable(path)} has more than {MOST_TEXT} bytes")
        return self.g.pread(path, MOST_TEXT, 0).decode("utf-8", "surrogateescape")

    def names(self, folder: str, *suffixes: str) -> list[str]:
        """Paths in a folder that end so, hidden ones left out, in their order; none without the folder.

        :raises GuestFileTooLarge: if the folder has more entries than :data:`MOST_NAMES`
        """
        if not self.is_folder(folder):
            return []
        if self.g.statns(folder)["st_size"] > _MOST_FOLDER:
            raise GuestFileTooLarge(f"{printable(folder)} is too large a folder")
        inside = {posixpath.join(folder, name) for name in self.g.ls(folder)}
        inside |= {path for path in self._wished if posixpath.dirname(path) == folder}
        gone = {path for path, text in self._wished.items() if text is None}
        found = sorted(
            path
            for path in inside - gone
            if not posixpath.basename(path).startswith(".")
            and len(posixpath.basename(path)) <= _MOST_NAME
            and (not suffixes or path.endswith(suffixes))
        )
        if len(found) > MOST_NAMES:
            raise GuestFileTooLarge(f"{printable(folder)} has more than {MOST_NAMES} files")
        return found

    def texts(self, folder: str, *suffixes: str) -> Iterator[tuple[str, str]]:
        """Paths and contents of the regular files of a folder, as :meth:`names` has them.

        :raises GuestFileTooLarge: if one is
        """
        for path in self.names(folder, *suffixes):
            text = self.text(path)
            if text is not None:
                yield path, text

    def write(self, path: str, text: str, mode: int | None = None) -> None:
        """Give a file a content; its owner, its rights and its label stay. A link's target is changed.

        :param mode: of a file that is new
        """
        self.changed.append(path)
        if self.is_dry:
            self._wished[path] = text
            return
        is_new = not self.is_there(path)
        if is_new:
            self.g.mkdir_p(posixpath.dirname(path))
            if self.g.is_symlink(path):
                self.g.rm(path)
        else:
            path = self.g.realpath(path)
            if not self.g.exists(old_name(path)):
                self.g.cp_a(path, old_name(path))
        self.g.write(path, text.encode("utf-8", "surrogateescape"))
        if is_new:
            self.g.chmod(0o644 if mode is None else mode, path)
            self.label(path)

    def aside(self, path: str) -> None:
        """Take a file out of its service's sight: it is renamed."""
        self.changed.append(path)
        if self.is_dry:
            self._wished[path] = None
        elif self.g.exists(old_name(path)):
            self.g.rm(path)
        else:
            self.g.mv(path, old_name(path))

    def label(self, path: str) -> None:
        """Give a new file the SELinux label of its folder, as the kernel would; without labels, nothing."""
        try:
            label = self.g.lgetxattr(posixpath.dirname(path), _LABEL)
        except RuntimeError:
            return
        said = label.decode("utf-8", "replace") if isinstance(label, bytes) else label
        self.g.lsetxattr(_LABEL, said, len(said), path)

    def run(self, arguments: list[str], seconds: int) -> str:
        """Run a program of the guest, without a network, in the appliance.

        :returns: nothing of use; what it says is for errors
        :raises GuestProgramFailed: with the end of what it said
        """
        if self.on_run is not None:
            self.on_run()
        command = ["timeout", "-k", "10", str(seconds), "/bin/sh", "-c", _RUN, "ims", *arguments]
        try:
            return self.g.command(command)
        except RuntimeError as error:
            said = printable(str(error).removeprefix("command: ")[-300:])
            raise GuestProgramFailed(f"{arguments[0]}: {said or 'no word'}") from error
