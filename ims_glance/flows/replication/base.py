# SPDX-License-Identifier: Apache-2.0
"""Images of the project that much of the new one is in: their pieces need not be sent again.

Only images whose data the caller may read here are taken, for a copy is made with the caller's rights.
What is taken is read once and sealed, so it does no harm if an image is deleted meanwhile.
"""

import contextlib
import dataclasses
import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from ims_glance import exceptions
from ims_glance.clouds import rest
from ims_glance.jobs.context import JobContext
from ims_glance.jobs.lease import clock
from ims_glance.model.image import whole_image
from ims_glance.model.image.base import BaseSearch
from ims_glance.store.spool import Spool
from ims_glance.transfer import cuts
from ims_glance.transfer.frames import PREFIX_SIZE, Cut
from ims_glance.transfer.held import HELD_LIMIT, NOTHING, Held, piece_prefix

# So many are looked into unless the caller names some: the one before has most, and of the one before that
# an image that is made anew has something as well.
_NEWEST = 2
_FAULTS = 3
# In the spool, where a piece of an image lies has the number of the image above its offset.
_OFFSET_BITS = 48


@dataclasses.dataclass(frozen=True)
class Bases:
    """What an image, or one disk, is compared with.

    :ivar image_ids: in the order in which they are looked into
    """

    image_ids: tuple[str, ...] = ()
    cut: Cut = cuts.FIXED

    @classmethod
    def of(cls, views: Sequence[Mapping[str, Any]], by_content: bool) -> "Bases":
        """These images.

        By content wherever the other region knows that: of every pair of versions that was tried it sends
        less, down to a third, and takes both sides no longer; but for a change of a few blocks, where the
        prefixes of more pieces are 20 kB more.

        :param views: as the Image API shows them
        :param by_content: whether the other region can
        """
        size = sum(int(each.get("size") or 0) for each in views)
        cut = cuts.by_content(size) if by_content else cuts.FIXED
        return cls(tuple(str(each["id"]) for each in views), cut)


NONE = Bases()


def choose(job: JobContext, source: Mapping[str, Any]) -> list[list[Mapping[str, Any]]]:
    """The images to compare with, newest first: of the image, or of each disk; none if there is nothing.

    The caller names them (``base_image_id``, ``base_image_ids``), or they are the newest two that fit
    (:mod:`ims_glance.model.image.base`).

    :param source: the image in its region
    """
    named = [job.arguments.get("base_image_id"), *(job.arguments.get("base_image_ids") or ())]
    found: Sequence[Mapping[str, Any] | None]
    if any(named):
        found = [job.image.find(each) for each in dict.fromkeys(filter(None, named))]
    else:
        region, name = job.arguments["source_region"], job.arguments["name"]
        search = BaseSearch.of(region, source, name, job.project_id, job.image_id)
        found = search.newest_first(job.image)[:_NEWEST]
    active = [each for each in found if each is not None and each["status"] == "active"]
    # Of the disks of several machines those that have one number.
    together = itertools.zip_longest(*(_disks(job, each) for each in active))
    return [[view for view in views if view is not None] for views in together]


def _disks(job: JobContext, view: Mapping[str, Any]) -> Sequence[Mapping[str, Any] | None]:
    """Those of a whole machine, ``None`` for one that is not shown; any other image itself."""
    components = whole_image.components(view)
    return [job.image.find(each.image_id) for each in components] if components else [view]


def keep(job: JobContext, spool: Spool, image_ids: Sequence[str], cut: Cut = cuts.FIXED) -> None:
    """Seal the pieces of images that are not zeros, as many as may be named to the other region.

    That one is gone, or cannot be read, is fine: then less is held.

    :raises ServiceUnavailable: if Glance is away
    """
    # Where a worker that died was.
    first = spool.pieces_end >> _OFFSET_BITS
    for number, image_id in enumerate(image_ids):
        if number >= first:
            _Keeper(job, spool, number, cut).keep(image_id)


@contextlib.contextmanager
def _done_without() -> Iterator[None]:
    """What may not be read, or is damaged, stays so, whenever it is asked for; all else is raised."""
    try:
        yield
    except rest.Refused:
        return
    except rest.ServiceUnavailable as error:
        if error.named != exceptions.ObjectDamaged.code:
            raise


class _Keeper:
    """Seals the pieces of one image.

    :param number: of the image
    """

    def __init__(self, job: JobContext, spool: Spool, number: int, cut: Cut) -> None:
        self._job = job
        self._spool = spool
        self._begin = number << _OFFSET_BITS
        self._cut = cut
        # Of what the images before have. Pieces that an image has twice are few, and cost no more than room.
        packed = spool.prefixes()[: HELD_LIMIT * PREFIX_SIZE] if number else b""
        self._known = Held.of(packed) if packed else NOTHING

    def keep(self, image_id: str) -> None:
        """Seal them."""
        faults = 0
        with _done_without():
            # If there is damage in it, it breaks off at the same place each time.
            while faults < _FAULTS:
                begun = self._spool.pieces_end
                if self._is_kept(image_id):
                    break
                faults = 0 if self._spool.pieces_end > begun else faults + 1
        self._spool.flush()

    @property
    def _end(self) -> int:
        """Up to which byte the image's pieces are there."""
        return max(0, self._spool.pieces_end - self._begin)

    def _is_kept(self, image_id: str) -> bool:
        """Seal pieces as they come; whether they came to an end."""
        with self._job.image.download(image_id, self._end) as download:
            try:
                self._add_all(download.offset, self._cut.cut(download.chunks, download.offset))
            except rest.ServiceUnavailable:
                return False
        return True

    def _add_all(self, offset: int, pieces: Iterable[bytes]) -> None:
        for piece in pieces:
            self._job.check()
            self._job.last_look = clock()
            if self._spool.pieces >= HELD_LIMIT:
                return
            self._add(offset, piece)
            offset += len(piece)

    def _add(self, offset: int, piece: bytes) -> None:
        if offset < self._end or piece == bytes(len(piece)):
            return
        prefix = piece_prefix(piece)
        if prefix not in self._known:
            self._spool.piece(prefix, self._begin + offset, piece)
