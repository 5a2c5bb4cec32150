# SPDX-License-Identifier: Apache-2.0
"""The data of an image, read here and there: what is asked for comes, and nothing else.

Each read is a download of its own, as the caller; the store opens what is encrypted.
"""

import time
from collections.abc import Callable

import tenacity

from ims_glance import exceptions
from ims_glance.clouds import rest
from ims_glance.clouds.image_api import ImageApi

# Something waits for these bytes meanwhile: a few seconds, and no more.
_ATTEMPTS = 4


class ReadFromBeginning(exceptions.Conflict):
    """The store of an image gives no ranges."""

    code = "IMG.0105"
    template = (
        "The data of image {image_id} lies in a store that is only read from its beginning. Copy the image "
        "to another store."
    )


class ImageContent:
    """The data (:class:`ims_glance.formats.source.Source`).

    :param size: of the image, in bytes
    :param pause: waits so many seconds, unless there is something else to do
    :param check: called with each read; raises something if there is no use in going on
    :ivar received: bytes that came
    """

    def __init__(
        self,
        images: ImageApi,
        image_id: str,
        size: int,
        pause: Callable[[float], None] = time.sleep,
        check: Callable[[], None] = lambda: None,
    ) -> None:
        self._images = images
        self._image_id = image_id
        self._size = size
        self._pause = pause
        self._check = check
        self.received = 0

    @property
    def size(self) -> int:
        """In bytes."""
        return self._size

    def read(self, offset: int, length: int) -> bytes:
        """A range; less only where the image ends.

        :raises ReadFromBeginning: if the store gives none
        :raises ServiceUnavailable, Refused: what the Image API says
        """
        self._check()
        length = min(length, self._size - offset)
        if length <= 0:
            return b""
        again = tenacity.Retrying(
            retry=tenacity.retry_if_exception_type(rest.ServiceUnavailable),
            wait=tenacity.wait_exponential(),
            stop=tenacity.stop_after_attempt(_ATTEMPTS),
            sleep=self._pause,
            reraise=True,
        )
        data: bytes = again(self._range, offset, length)
        self.received += len(data)
        return data

    def _range(self, offset: int, length: int) -> bytes:
        with self._images.download(self._image_id, offset, length) as download:
            if (download.offset, download.size) != (offset, length):
                raise ReadFromBeginning(image_id=self._image_id)
            return b"".join(download.chunks)
