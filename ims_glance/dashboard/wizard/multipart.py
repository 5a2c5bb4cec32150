# SPDX-License-Identifier: Apache-2.0
"""A form with a file, read as far as the file: what comes before it is known before any of it is taken.

Django reads a whole upload when somebody first looks at a form, as its check against forgery does; what it has no room
for in memory it writes to a disk of Horizon's host. Here the fields that stand before the file are read then, and the
file itself by whoever asks for it: it is neither held nor kept, and a forged form costs nothing.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from django.core.files.uploadhandler import FileUploadHandler
from django.http import QueryDict, UnreadablePostError
from django.http.multipartparser import (
    FIELD,
    FILE,
    ChunkIter,
    LazyStream,
    MultiPartParserError,
    Parser,
)
from django.utils.datastructures import MultiValueDict
from django.utils.encoding import force_str

# A form has so many fields, of so many bytes, before its file at most.
_MOST_FIELDS = 16
_MOST_BYTES = 16 << 10


class BrokenOff(Exception):
    """The browser has gone before all of the file was here."""


class ArrivingFile:
    """A file on its way; it is read once.

    :ivar at_most: bytes that it may have: those of the whole form
    :ivar size: bytes that were read of it
    """

    def __init__(self, name: str, field: Any, source: "_Counted", at_most: int) -> None:
        self.name = name
        self.at_most = at_most
        self.size = 0
        self._source = source
        self._pieces = self._read(field)
        self._rest = b""

    def has_more(self) -> bool:
        """Whether anything is left of it.

        :raises BrokenOff: if nobody knows
        """
        while not self._rest:
            piece = next(self._pieces, None)
            if piece is None:
                return False
            self._rest = piece
        return True

    def part(self, most: int) -> Iterator[bytes]:
        """The next so many bytes, piece by piece; fewer, if it ends.

        :raises BrokenOff: if it ends too early, so that what is being sent is not taken for the whole
        """
        while most and self.has_more():
            piece, self._rest = self._rest[:most], self._rest[most:]
            most -= len(piece)
            self.size += len(piece)
            yield piece

    def close(self) -> None:
        """Django closes the files of a form."""

    def _read(self, field: Any) -> Iterator[bytes]:
        try:
            yield from field
            # A connection that is cut looks as an end does.
            self._source.finish()
        except UnreadablePostError as error:
            raise BrokenOff from error
        if self._source.count != self.at_most:
            raise BrokenOff


class _Counted:
    """The body of a request.

    :ivar count: bytes of it that have arrived
    """

    def __init__(self, body: Any) -> None:
        self._body = body
        self.count = 0

    def read(self, size: int) -> bytes:
        """The next bytes."""
        data: bytes = self._body.read(size)
        self.count += len(data)
        return data

    def finish(self) -> None:
        """Read what nobody wants."""
        while self.read(_MOST_BYTES):
            pass


class UntilFile(FileUploadHandler):
    """Reads a form as far as its file."""

    chunk_size = 1 << 20

    def handle_raw_input(
        self,
        input_data: Any,
        META: Mapping[str, Any],
        content_length: int,
        boundary: bytes,
        encoding: str | None = None,
    ) -> tuple[Any, Any]:
        """The fields before the file, and the file.

        :raises MultiPartParserError: if it is no such form
        """
        source = _Counted(input_data)
        fields = QueryDict(mutable=True)
        files: Any = MultiValueDict()
        stream = LazyStream(ChunkIter(source, self.chunk_size))
        for number, (kind, about, part) in enumerate(Parser(stream, boundary)):
            if number > _MOST_FIELDS:
                raise MultiPartParserError("The form has too many fields before its file.")
            said = about.get("content-disposition", ("", {}))[1]
            name = force_str(said.get("name", b""), errors="replace")
            if kind == FIELD:
                value = part.read(_MOST_BYTES)
                fields.appendlist(name, force_str(value, errors="replace"))
            elif kind == FILE:
                # Of a path, as some browsers send it, the last part.
                file = force_str(said["filename"], errors="replace").replace("\\", "/")
                if file := file.rpartition("/")[2]:
                    files.appendlist(name, ArrivingFile(file, part, source, content_length))
                break
        return fields, files
