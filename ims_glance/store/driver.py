# SPDX-License-Identifier: Apache-2.0
"""The glance_store driver ``ims-kms``.

Entry point and URI scheme are the same word, without ``_`` and without the name of a stock driver
in it: glance_store looks drivers up by scheme and registers options by substring
(``glance_store/multi_backend.py``).
"""

import contextlib
import functools
import logging
from collections.abc import Callable
from typing import Any

import glance_store.driver
import glance_store.location
from glance_store import capabilities
from glance_store import exceptions as store_exceptions

from ims_glance import conf as ims_conf
from ims_glance import exceptions, keys
from ims_glance.clouds.image import ImageRecords
from ims_glance.conf import ims_kms as options
from ims_glance.crypto import envelope
from ims_glance.store import errors, inner
from ims_glance.store.objects import EncryptedObjects

LOG = logging.getLogger(__name__)

SCHEME = "ims-kms"


class StoreLocation(glance_store.location.StoreLocation):  # type: ignore[misc]
    """``ims-kms://<store id>/<object id>``: nothing in it names an inner object."""

    def process_specs(self) -> None:
        """Take the location from the specs ``store`` and ``object_id``."""
        self.store: str = self.specs["store"]
        self.object_id: str = self.specs["object_id"]

    def get_uri(self) -> str:
        """The location as Glance keeps it."""
        return f"{SCHEME}://{self.store}/{self.object_id}"

    def parse_uri(self, uri: str) -> None:
        """Read a location.

        :raises glance_store.exceptions.BadStoreUri: if it is not exactly of our form
        """
        # Not with urllib, which forgives much and has exceptions of its own.
        self.store, _slash, self.object_id = uri.removeprefix(f"{SCHEME}://").partition("/")
        genuine = envelope.is_object_id(self.object_id) and self.get_uri() == uri
        if not genuine or self.store != self.backend_group:
            raise store_exceptions.BadStoreUri(f"location of an {SCHEME} store expected")


class Store(glance_store.driver.Store):  # type: ignore[misc]
    """A store whose inner store sees ciphertext only.

    The data key of each image is wrapped with the key of the key manager that the image's
    ``__system__cmkid`` names. Reading needs no token: the service's own credentials open the key,
    Glance's policy has decided who may read.
    """

    _CAPABILITIES = (
        capabilities.BitMasks.READ_RANDOM
        | capabilities.BitMasks.WRITE_ACCESS
        | capabilities.BitMasks.DRIVER_REUSABLE
    )
    OPTIONS = options.STORE_OPTS
    EXAMPLE_URL = f"{SCHEME}://<STORE_ID>/<OBJECT_ID>"

    def get_schemes(self) -> tuple[str, ...]:
        """The one scheme, which is also the entry point's name."""
        return (SCHEME,)

    def get_store_location_class(self) -> type[StoreLocation]:
        """The class that parses our locations."""
        return StoreLocation

    def configure_add(self) -> None:
        """Load the inner store.

        :raises glance_store.exceptions.BadStoreConfiguration: if it, or its options, are unfit
        """
        own = self.conf[self.backend_group]
        group = own.ims_kms_inner_group or f"{self.backend_group}_inner"
        if not own.ims_kms_inner_driver:
            raise self._misconfigured("ims_kms_inner_driver is not set")
        if group in (self.conf.enabled_backends or {}):
            raise self._misconfigured(
                f"its inner group [{group}] is listed in enabled_backends, where users could reach "
                "the ciphertext: remove it there"
            )
        ims_conf.register_opts(self.conf)
        self._url_prefix = f"{SCHEME}://{self.backend_group}/"
        self.key_id_of: Callable[[str], str | None] = ImageRecords().key_id
        self.load_inner = functools.partial(inner.load, self.conf, own.ims_kms_inner_driver, group)
        with contextlib.suppress(errors.EitherUnavailable):
            # Tried now so that the log tells of it at once; a storage cluster that is away when
            # Glance starts is tried again whenever the store is used.
            self.objects  # noqa: B018

    @functools.cached_property
    def objects(self) -> EncryptedObjects:
        """The objects of this store.

        :raises ServiceUnavailable: if the inner store refuses to be configured
        """
        try:
            return EncryptedObjects(self.load_inner(), self._read_key, self._present_key)
        except (store_exceptions.BadStoreConfiguration, store_exceptions.BackendException) as error:
            LOG.error("Store %s has no inner store: %s", self.backend_group, error)
            raise errors.EitherUnavailable(
                f"Store {self.backend_group} is not available: its inner store cannot be reached"
            ) from None

    @functools.cached_property
    def keys(self) -> keys.KeyManager:
        """Made on first use: a worker forks after its stores were configured."""
        return keys.of_process(self.conf)

    @capabilities.check  # type: ignore[untyped-decorator]
    def get(
        self, location: Any, offset: int = 0, chunk_size: int | None = None, context: Any = None
    ) -> tuple[Any, int]:
        """The bytes from *offset* on, *chunk_size* of them or all, and how many that are.

        :raises glance_store.exceptions.NotFound: if the object does not exist
        :raises glance_store.exceptions.RemoteServiceUnavailable: if the key manager is away
        :raises glance.common.exception.Forbidden: if the key is gone or the service may not read it
        :raises webob.exc.HTTPInternalServerError: if the object is not what was written
        """
        offset = offset or 0
        with errors.for_download():
            reader, header = self.objects.read(
                location.store_location.object_id, offset, chunk_size or None
            )
        return reader, chunk_size or header.plaintext_size - offset

    def get_size(self, location: Any, context: Any = None) -> int:
        """Size of the image in bytes.

        Glance asks with a request's context only when somebody attaches a location by hand
        (``_check_location_uri`` and ``_set_image_size`` of ``glance/location.py``, and its quota).
        That is refused: whoever learns the location of another's image could read and delete it
        through an image of their own.

        :raises glance_store.exceptions.BadStoreUri: if a location is being attached
        :raises glance_store.exceptions.NotFound: if the object does not exist
        """
        if context is not None:
            raise store_exceptions.BadStoreUri(
                errors.text(exceptions.LocationForbidden(scheme=SCHEME))
            )
        with errors.for_download():
            return self.objects.header(location.store_location.object_id).plaintext_size

    @capabilities.check  # type: ignore[untyped-decorator]
    def add(
        self,
        image_id: str,
        image_file: Any,
        image_size: int,
        hashing_algo: str,
        context: Any = None,
        verifier: Any = None,
    ) -> tuple[str, int, str, str, dict[str, str]]:
        """Encrypt and store an image's data.

        :param image_file: with ``read(size)``
        :param image_size: in bytes; 0 if that is unknown
        :returns: location, size, MD5 and multihash of the plaintext, location metadata
        :raises glance_store.exceptions.Invalid: if there are more or fewer bytes than announced
        :raises glance_store.exceptions.StorageFull: if it does not fit
        :raises glance_store.exceptions.TimeoutError: if the key manager is away (Glance: 503)
        :raises webob.exc.HTTPError: if the key cannot be used
        :raises glance.common.exception.ImageSizeLimitExceeded: if more is announced than Glance takes
        """
        self._check_size(image_size)
        with errors.for_upload():
            key_id = self.key_id_of(image_id)
            if key_id is None:
                raise exceptions.ImageHasNoKey(image_id=image_id)
            at_end = functools.partial(self._key_id_at_end, image_id, key_id)
            object_id, digests = self.objects.write(
                image_id, key_id, image_file, image_size, hashing_algo, verifier, at_end
            )
        return (
            f"{self._url_prefix}{object_id}",
            digests.size,
            digests.checksum,
            digests.multihash,
            {"store": self.backend_group},
        )

    @capabilities.check  # type: ignore[untyped-decorator]
    def delete(self, location: Any, context: Any = None) -> None:
        """Delete the object, its header first.

        :raises glance_store.exceptions.NotFound: if it does not exist
        """
        self.objects.delete(location.store_location.object_id)

    def _check_size(self, size: int) -> None:
        """Glance itself counts what comes, but an inner store makes room for what was announced."""
        most = getattr(self.conf, "image_size_cap", None)
        if most is not None and size > most:
            raise errors.too_large(most)

    def _key_id_at_end(self, image_id: str, key_id: str) -> str:
        """The key of an image whose data has come; *key_id* is the one that it had before.

        Of a re-key meanwhile this copy is not on record yet, so nobody else gives it to the new key.
        """
        try:
            return self.key_id_of(image_id) or key_id
        except exceptions.ImageNotFound:
            # Deleted meanwhile: Glance finds that out, and has an answer of its own for it.
            return key_id

    def _read_key(self, key_id: str) -> bytes:
        return self.keys.wrapping_key(key_id)

    def _present_key(self, key_id: str) -> bytes:
        return self.keys.present_key(key_id)

    def _misconfigured(self, reason: str) -> Exception:
        misconfigured: Exception = store_exceptions.BadStoreConfiguration(
            store_name=self.backend_group, reason=reason
        )
        return misconfigured
