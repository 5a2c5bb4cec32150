# SPDX-License-Identifier: Apache-2.0
"""An image of the project that much of the new one is in: its pieces need not be sent again.

Only images whose data the caller may read here are taken, for a copy is made with the caller's rights.
What is taken is read once and sealed, so it does no harm if the image is deleted meanwhile.
"""

import contextlib
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from ims_glance.clouds import rest
from ims_glance.jobs.context import JobContext
from ims_glance.jobs.lease import clock
from ims_glance.model.image import whole_image
from ims_glance.model.image.base import BaseSearch
from ims_glance.store.spool import Spool
from ims_glance.transfer.frames import PIECE
from ims_glance.transfer.held import HELD_LIMIT, piece_prefix

_FAULTS = 3
_ZEROS = bytes(PIECE)


def choose(job: JobContext, source: Mapping[str, Any]) -> list[str]:
    """Ids of the images to compare with: one, or that of each disk; none if there is nothing.

    The caller names the image (``base_image_id``), or it is the newest one that fits
    (:mod:`ims_glance.model.image.base`).

    :param source: the image in its region
    """
    named = job.arguments.get("base_image_id")
    view: Mapping[str, Any] | None
    if named:
        view = job.image.find(named)
    else:
        region, name = job.arguments["source_region"], job.arguments["name"]
        search = BaseSearch.of(region, source, name, job.project_id, job.image_id)
        view = search.newest(job.image)
    if view is None or view["status"] != "active":
        return []
    return [each.image_id for each in whole_image.components(view)] or [str(view["id"])]


def keep(job: JobContext, spool: Spool, image_id: str) -> None:
    """Seal the pieces of an image that are not zeros, as many as may be named to the other region.

    That it is gone, or cannot be read, is fine: then less is held.

    :raises ServiceUnavailable: if Glance is away
    """
    faults = 0
    with contextlib.suppress(rest.Refused):
        # If there is damage in it, it breaks off at the same place each time.
        while faults < _FAULTS:
            begun = spool.pieces_end
            if _is_kept(job, spool, image_id):
                break
            faults = 0 if spool.pieces_end > begun else faults + 1
    spool.flush()


def _is_kept(job: JobContext, spool: Spool, image_id: str) -> bool:
    """Seal pieces as they come; whether they came to an end."""
    with job.image.download(image_id, spool.pieces_end) as download:
        try:
            _keep(job, spool, _pieces(download.chunks, download.offset))
        except rest.ServiceUnavailable:
            return False
    return True


def _keep(job: JobContext, spool: Spool, pieces: Iterable[tuple[int, bytes]]) -> None:
    for offset, piece in pieces:
        job.check()
        job.last_look = clock()
        if spool.pieces >= HELD_LIMIT:
            return
        if offset >= spool.pieces_end and piece != _ZEROS[: len(piece)]:
            spool.piece(piece_prefix(piece), offset, piece)


def _pieces(chunks: Iterable[bytes], offset: int) -> Iterator[tuple[int, bytes]]:
    """Offset and bytes of each piece; the last may be a shorter one.

    :param offset: of the first byte, at which a piece begins
    """
    rest_ = b""
    for chunk in chunks:
        rest_ += chunk
        whole = len(rest_) - len(rest_) % PIECE
        for at in range(0, whole, PIECE):
            yield offset + at, rest_[at : at + PIECE]
        offset, rest_ = offset + whole, rest_[whole:]
    if rest_:
        yield offset, rest_
