# SPDX-License-Identifier: Apache-2.0
"""Whether two images have the same data, by what their Image services know of it.

Both services take their digests of the raw content, before it is encrypted: those of an image and
of its copy are the same whatever keys and stores the two have. Nothing is downloaded.
"""

import dataclasses
import enum
import itertools
from collections.abc import Sequence

from ims_glance.client.resources.image import Image

# Of an image in another state nothing is known yet, or no more.
_WITH_DATA = ("active", "deactivated")
_CHECKSUM = "md5"
"""What Glance calls ``checksum``."""


class Comparison(enum.StrEnum):
    """What is said of two images' data."""

    SAME = "same"
    DIFFERENT = "different"
    UNKNOWN = "unknown"
    """There is no digest that both have."""
    UNFINISHED = "not there yet"
    """One of them has no data."""
    MISSING_HERE = "missing here"
    MISSING_THERE = "missing there"


@dataclasses.dataclass(frozen=True)
class Compared:
    """Two images, or a disk of each, and whether their data is the same.

    :ivar here: ``None`` if it is gone, or nobody shows it to the caller
    :ivar there: likewise
    :ivar by: what it was decided by: an algorithm, or ``size``; empty if by nothing
    :ivar digests: of that algorithm, here and there
    """

    here: Image | None
    there: Image | None
    result: Comparison
    by: str = ""
    digests: tuple[str, str] = ("", "")


def compare(here: Image | None, there: Image | None) -> Compared:
    """Compare what both services know of the data of two images.

    :param here: as the Image API shows it
    :param there: likewise
    """
    if here is None or there is None:
        missing = Comparison.MISSING_HERE if here is None else Comparison.MISSING_THERE
        return Compared(here, there, missing)
    if not (here.status in _WITH_DATA and there.status in _WITH_DATA):
        return Compared(here, there, Comparison.UNFINISHED)
    if here.size != there.size:
        return Compared(here, there, Comparison.DIFFERENT, "size")
    ours, theirs = _digests(here), _digests(there)
    by = next((algorithm for algorithm in ours if algorithm in theirs), None)
    if by is None:
        return Compared(here, there, Comparison.UNKNOWN)
    digests = ours[by], theirs[by]
    result = Comparison.SAME if ours[by] == theirs[by] else Comparison.DIFFERENT
    return Compared(here, there, result, by, digests)


def compare_disks(here: Sequence[Image | None], there: Sequence[Image | None]) -> list[Compared]:
    """Compare the disks of two images by their places; at least one row."""
    pairs = list(itertools.zip_longest(here, there)) or [(None, None)]
    return list(itertools.starmap(compare, pairs))


def _digests(image: Image) -> dict[str, str]:
    """By algorithm, the strongest first."""
    found = {
        str(image.os_hash_algo or ""): str(image.os_hash_value or ""),
        _CHECKSUM: str(image.checksum or ""),
    }
    return {algorithm: value for algorithm, value in found.items() if algorithm and value}
