# SPDX-License-Identifier: Apache-2.0
"""What a worker notes of an archive that it writes, from which another one goes on.

As :mod:`ims_glance.flows.files.note`: whoever owns the bucket could change it, and would change their own file.
"""

import dataclasses
import json
import re
import zlib
from typing import Any, Self

from ims_glance.clouds.objects.large import SentPart
from ims_glance.flows.files.note import unpacked

_SHA256 = re.compile(r"[0-9a-f]{64}")
_LARGEST = 1 << 43
_LEVEL = 1


@dataclasses.dataclass(frozen=True)
class ArchivedFile:
    """A disk that is in the archive.

    :ivar size: of its file, in bytes
    :ivar sha256: of that, in hexadecimal
    """

    size: int
    sha256: str


@dataclasses.dataclass(frozen=True)
class ArchiveNote:
    """How far an archive is.

    :ivar reference: :attr:`ims_glance.clouds.objects.large.LargeFile.reference`
    :ivar parts: that were sent, by their number
    :ivar disks: those that are there as a whole, by their number
    """

    reference: str
    parts: dict[int, SentPart]
    disks: dict[int, ArchivedFile]

    def to_bytes(self) -> bytes:
        """As it is kept."""
        known = {
            "reference": self.reference,
            "parts": [[at, each.size, each.etag] for at, each in sorted(self.parts.items())],
            "disks": [[at, each.size, each.sha256] for at, each in sorted(self.disks.items())],
        }
        return zlib.compress(json.dumps(known).encode(), _LEVEL)

    @classmethod
    def of_bytes(cls, kept: bytes) -> Self | None:
        """What was kept; ``None`` if that is no note."""
        try:
            known = json.loads(unpacked(kept))
            parts = {int(at): SentPart(int(size), str(etag)) for at, size, etag in known["parts"]}
            disks = {
                int(at): ArchivedFile(int(size), str(sum_)) for at, size, sum_ in known["disks"]
            }
            note = cls(str(known["reference"]), parts, disks)
        except (zlib.error, ValueError, KeyError, TypeError, OverflowError, RecursionError):
            return None
        return note if note._is_plausible() else None

    def _is_plausible(self) -> bool:
        counted: list[Any] = [*self.parts.items(), *self.disks.items()]
        return all(at >= 0 and 0 < each.size < _LARGEST for at, each in counted) and all(
            _SHA256.fullmatch(each.sha256) for each in self.disks.values()
        )
