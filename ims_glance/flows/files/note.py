# SPDX-License-Identifier: Apache-2.0
"""What a worker notes of an export, from which another one goes on.

It lies beside the parts of the file, where whoever owns the bucket could change it: they would change their own
file. So what it says is not believed beyond that, and none of it is data of the image: a writer's state
has none (:mod:`ims_glance.writers`).
"""

import base64
import dataclasses
import json
import zlib
from typing import Any, Self

from ims_glance.clouds.objects.large import SentPart
from ims_glance.writers import factory
from ims_glance.writers.base import ExportWriter

MOST = 4 << 20
"""Bytes of a note: of the largest table of a writer, of a TiB that is not compressed."""
_UNPACKED = 16 << 20
_LARGEST = 1 << 43
_LEVEL = 1


@dataclasses.dataclass(frozen=True)
class ExportNote:
    """How far an export is.

    :ivar state: of the writer, behind the parts
    :ivar digest: MD5 of what was read of the image by then, in hexadecimal
    :ivar reference: :attr:`ims_glance.clouds.objects.large.LargeFile.reference`
    :ivar parts: that were sent, by their offset in the file
    """

    state: bytes
    digest: str
    reference: str
    parts: dict[int, SentPart]

    def to_bytes(self) -> bytes:
        """As it is kept."""
        known = {
            "state": base64.b64encode(self.state).decode(),
            "digest": self.digest,
            "reference": self.reference,
            "parts": [[at, each.size, each.etag] for at, each in sorted(self.parts.items())],
        }
        return zlib.compress(json.dumps(known).encode(), _LEVEL)

    @classmethod
    def of_bytes(cls, kept: bytes) -> Self | None:
        """What was kept; ``None`` if that is no note."""
        try:
            known = json.loads(unpacked(kept))
            parts = {int(at): SentPart(int(size), str(etag)) for at, size, etag in known["parts"]}
            state = base64.b64decode(known["state"])
            unpacked(state)
            return cls(state, str(known["digest"]), str(known["reference"]), parts)
        except (zlib.error, ValueError, KeyError, TypeError, RecursionError):
            return None

    def writer(self, made: ExportWriter) -> ExportWriter | None:
        """The writer of the rest, if the note is one of such a file, and of all of it until there.

        :param made: a new writer of the file
        """
        try:
            writer = factory.restore(self.state)
        except (ValueError, KeyError, TypeError, AttributeError, OverflowError):
            return None
        is_same = (writer.FORMAT, writer.virtual_size, writer.head_size) == (
            made.FORMAT,
            made.virtual_size,
            made.head_size,
        )
        is_inside = isinstance(writer.offset, int) and 0 < writer.position < made.virtual_size
        return writer if is_same and is_inside and self._reaches(made, writer.offset) else None

    def _reaches(self, made: ExportWriter, offset: int) -> bool:
        """Whether the parts are all of the file behind its head up to a byte."""
        at = made.head_size
        for begin, part in sorted(self.parts.items()):
            if begin != at or not 0 < part.size < _LARGEST:
                return False
            at += part.size
        return at == offset < _LARGEST


def unpacked(packed: bytes) -> Any:
    """A text that was compressed.

    :raises ValueError, zlib.error: if it is none, or too long
    """
    unpacking = zlib.decompressobj()
    found = unpacking.decompress(packed, _UNPACKED)
    if not unpacking.eof:
        raise ValueError("it is too long, or cut")
    return found
