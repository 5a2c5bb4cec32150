# SPDX-License-Identifier: Apache-2.0
"""The digests of an archive's files: the manifest of DSP0243, "Open Virtualization Format", section 5.2."""

import hashlib
import re

from ims_glance.formats.refusals import FileRefused, quoted
from ims_glance.formats.source import PIECE, Source

MAX_SIZE = 1 << 18
_LINE = re.compile(r"(SHA-?1|SHA-?256|SHA-?512)\s*\(([^()]{1,200})\)\s*=\s*([0-9a-fA-F]{40,128})")

Digest = tuple[str, str]
"""Name of the hash, as ``hashlib`` has it, and the digest in hexadecimal."""


def parse(data: bytes) -> dict[str, Digest]:
    """The digests by the names of the files.

    :raises FileRefused: if it has other lines, or a file twice
    """
    digests: dict[str, Digest] = {}
    for each in data.decode("utf-8", "replace").splitlines():
        line = each.strip()
        if not line:
            continue
        found = _LINE.fullmatch(line)
        algorithm = found[1].replace("-", "").lower() if found else ""
        if not found or len(found[3]) != 2 * hashlib.new(algorithm).digest_size:
            raise FileRefused(f"its manifest has a line {quoted(line)}")
        name = found[2].strip()
        if name in digests:
            raise FileRefused(f"its manifest has {quoted(name)} twice")
        digests[name] = (algorithm, found[3].lower())
    return digests


def check(name: str, data: bytes, digest: Digest | None) -> None:
    """See that a small file has its digest.

    :raises FileRefused: if it has another one
    """
    if digest and hashlib.new(digest[0], data).hexdigest() != digest[1]:
        raise _wrong(name)


class Digested:
    """A source whose digest is made of what is read; what was not, is read at the end."""

    def __init__(self, source: Source, name: str, digest: Digest) -> None:
        self._source = source
        self._name = name
        self._expected = digest[1]
        self._hash = hashlib.new(digest[0])
        self._hashed = 0

    @property
    def size(self) -> int:
        """Of the file, in bytes."""
        return self._source.size

    def read(self, offset: int, length: int) -> bytes:
        """As the source's."""
        data = self._source.read(offset, length)
        if offset <= self._hashed < offset + len(data):
            self._hash.update(memoryview(data)[self._hashed - offset :])
            self._hashed = offset + len(data)
        return data

    def finish(self) -> None:
        """See that the file is the one of the manifest.

        :raises FileRefused: if it is not
        """
        while self._hashed < self.size:
            if not self.read(self._hashed, min(PIECE, self.size - self._hashed)):
                break
        if self._hash.hexdigest() != self._expected:
            raise _wrong(self._name)


def _wrong(name: str) -> FileRefused:
    return FileRefused(
        f"{quoted(name)} has not the digest that the manifest tells",
        "Upload the archive once more, complete; or make it anew.",
    )
