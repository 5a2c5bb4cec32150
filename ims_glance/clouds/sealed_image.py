# SPDX-License-Identifier: Apache-2.0
"""Sealed images, as the IMS API of the region gives them (``read_sealed_image``)."""

import dataclasses
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from ims_glance import exceptions
from ims_glance.clouds import rest
from ims_glance.clouds.image_api import CHUNK
from ims_glance.clouds.region import Region

_ETAG = re.compile(r'"([0-9a-f]{64})"')


@dataclasses.dataclass(frozen=True)
class SealedDownload:
    """A sealed image on its way.

    :ivar size: of the whole, in bytes
    :ivar etag: the same for the same bytes
    :ivar chunks: read once, to the end; raises ``ServiceUnavailable`` if fewer bytes come
    """

    size: int
    etag: str
    chunks: Iterator[bytes]


class SealedImages:
    """The sealed images of a region.

    :param region: as the caller, or a job of theirs, sees it
    :param project_id: that the token is for
    """

    def __init__(self, region: Region, project_id: str) -> None:
        self._rest = region.service("image", "Image")
        self._project_id = project_id

    @contextmanager
    def open(self, image_id: str, offset: int = 0) -> Iterator[SealedDownload]:
        """Open one.

        :param offset: of the first byte that is wanted; less than it has
        :raises ServiceUnavailable: if the region is away
        :raises Missing, Refused: if there is no such image, or it is not to be had, as where it is damaged
        """
        response = self._asked(image_id, offset)
        try:
            etag = _ETAG.fullmatch(response.headers.get("ETag", ""))
            left = int(response.headers.get("Content-Length", 0))
            if etag is None or not left:
                raise self._rest.away("a sealed image came without its size or its ETag")
            yield SealedDownload(
                offset + left, etag[1], self._rest.data(response, left, CHUNK, "a sealed image")
            )
        finally:
            response.close()

    def _asked(self, image_id: str, offset: int) -> Any:
        try:
            return self._rest.request(
                "GET",
                f"/v1/{self._project_id}/images/{image_id}/sealed",
                params={"offset": str(offset)},
                headers={"Accept": "application/octet-stream", "Accept-Encoding": "identity"},
                stream=True,
                log=False,
            )
        except rest.ServiceUnavailable as error:
            if error.named != exceptions.ObjectDamaged.code:
                raise
            # What is damaged stays so, whenever it is asked for.
            raise rest.Refused(500, error.named, "Image", error.details["reason"]) from error
