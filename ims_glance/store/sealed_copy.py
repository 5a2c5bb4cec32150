# SPDX-License-Identifier: Apache-2.0
"""An encrypted object on its way out as it lies in its store (format: :mod:`ims_glance.crypto`).

None of its data is encrypted for that. Each segment is authenticated before it goes out, so that nobody keeps a
damaged file; what it holds is not looked at, and not kept.
"""

import contextlib
import hashlib
from collections.abc import Iterator

from glance_store import exceptions as store_exceptions
from glance_store import get_store_from_store_identifier, location
from oslo_config import cfg

from ims_glance import exceptions
from ims_glance.clouds.image import ImageRecords
from ims_glance.crypto import stream
from ims_glance.crypto.sealed_file import DataFacts
from ims_glance.model.image.stores import ENCRYPTING_DRIVER
from ims_glance.store.inner.base import ObjectReader


class NotSealed(exceptions.Conflict):
    """An image lies nowhere in an encrypting store."""

    code = "IMG.0105"
    template = (
        "Image {image_id} is not encrypted, so there is nothing to be exported sealed. Name a 'file_format', or copy "
        "the image with a key ('cmk_id') first."
    )


class StoreAway(exceptions.Unavailable):
    """A store gave no usable answer."""

    template = "The store of image {image_id} is unavailable ({reason}). Try again later."


class SealedCopy:
    """The file that a sealed image is; to be closed.

    :param opener: of the body
    :param plaintext_size: of the image, in bytes
    :ivar size: in bytes
    :ivar etag: the same for the same bytes, and for them only: 64 hexadecimal digits
    """

    def __init__(
        self,
        object_id: str,
        head: bytes,
        reader: ObjectReader,
        opener: stream.Opener,
        plaintext_size: int,
    ) -> None:
        self._object_id = object_id
        self._head = head
        self._reader = reader
        self._opener = opener
        self._plaintext_size = plaintext_size
        self.size = len(head) + stream.ciphertext_size(plaintext_size)
        # The head names the object, and the body of an object never changes.
        self.etag = hashlib.sha256(head).hexdigest()

    def chunks(self, offset: int = 0) -> Iterator[bytes]:
        """The bytes from *offset* on, a segment's at most at once.

        :raises ObjectDamaged: if the store has fewer, or others than were written
        """
        at = offset
        while at < self.size:
            chunk = self._chunk(at)
            at += len(chunk)
            yield chunk

    def _chunk(self, at: int) -> bytes:
        inside = at - len(self._head)
        if inside < 0:
            return self._head[at:]
        segment = stream.segment(self._plaintext_size, inside // stream.SEGMENT_SIZE)
        # The prelude goes along with segment 0. The header's is the one that is used.
        before = stream.PRELUDE_SIZE if segment.index == 0 else 0
        start, size = segment.offset - before, before + segment.size
        found = bytes(self._reader.read(start, size))
        if len(found) != size:
            raise self._damaged(f"its body ends at byte {start + len(found)}")
        if found[:before] != self._opener.prelude[:before]:
            raise self._damaged("its body begins otherwise than its header says")
        self._opener.open(segment, memoryview(found)[before:])
        return found[inside - start :]

    def _damaged(self, reason: str) -> exceptions.ObjectDamaged:
        return exceptions.ObjectDamaged(object_id=self._object_id, reason=reason)

    def close(self) -> None:
        """Let go of the inner object; may be called twice."""
        self._reader.close()


def of_image(conf: cfg.ConfigOpts, image_id: str, facts: DataFacts) -> SealedCopy:
    """The first of an image's copies in encrypting stores, in a process that has Glance's stores.

    :raises ImageNotFound: if there is no such image
    :raises NotSealed: if it has no such copy
    :raises StoreAway: if its store is away
    :raises HeaderMissing, ObjectDamaged, KeyGone, ServiceKeyDenied, KeyManagerUnavailable: why it cannot be read
    """
    copies = sorted(ImageRecords().find(image_id).of_scheme(ENCRYPTING_DRIVER))
    if not copies:
        raise NotSealed(image_id=image_id)
    store_id, url = copies[0]
    with _answered(image_id):
        store = get_store_from_store_identifier(store_id)
        where = location.get_location_from_uri_and_backend(url, store_id, conf=conf)
        found: SealedCopy = store.objects.sealed(where.store_location.object_id, facts)
    return found


@contextlib.contextmanager
def _answered(image_id: str) -> Iterator[None]:
    """Raise what drivers raise as what the service knows; they have no common base of errors."""
    try:
        yield
    except exceptions.ImsError:
        raise
    except store_exceptions.UnknownScheme:
        raise NotSealed(image_id=image_id) from None
    except Exception as error:
        raise StoreAway(image_id=image_id, reason=type(error).__name__) from error
