# SPDX-License-Identifier: Apache-2.0
"""Ciphertext in RBD images, written by the stock ``rbd`` driver."""

import contextlib
import datetime
import functools
from collections.abc import Callable, Iterator
from typing import Any

from glance_store import exceptions as store_exceptions

from ims_glance.store.inner import stock
from ims_glance.store.inner.base import NAME_PREFIX, InnerStore, ObjectReader, StoredObject
from ims_glance.store.inner.kept import Kept

# For so long a connection is used; what a cluster has changed of its monitors is read anew then. Seconds.
_CONNECTED = 600.0


class RbdInner(InnerStore):
    """Reads with librbd at the offset that is asked for, which the stock driver cannot.

    The stock driver connects to the cluster for each object that it reads, writes or deletes. That
    costs more than reading a segment, so here it is given a connection that is kept.
    """

    def uri(self, name: str) -> str:
        # url_prefix is rbd://<fsid>/<pool>/ where the cluster could be asked for its id.
        return f"{self._shared.url_prefix}{name}/{stock.rbd().DEFAULT_SNAPNAME}"

    def objects(self, prefix: str = NAME_PREFIX) -> Iterator[StoredObject]:
        rbd = stock.rbd().rbd
        with self._cluster.use() as connection, connection.open_ioctx(self._shared.pool) as pool:
            names = [name for name in rbd.RBD().list(pool) if name.startswith(prefix)]
            for name in names:
                # One that is deleted meanwhile is none any more.
                with contextlib.suppress(rbd.ImageNotFound):
                    yield _stored(rbd.Image(pool, name, read_only=True), name)

    def open(self, name: str) -> ObjectReader:
        module = stock.rbd()
        with contextlib.ExitStack() as resources:
            connection = resources.enter_context(self._cluster.use())
            pool = resources.enter_context(connection.open_ioctx(self._shared.pool))
            try:
                image = resources.enter_context(
                    module.rbd.Image(pool, name, snapshot=module.DEFAULT_SNAPNAME, read_only=True)
                )
            except module.rbd.ImageNotFound:
                raise store_exceptions.NotFound(image=name) from None
            reader = _RbdReader(image, self.renew)
            reader.resources = resources.pop_all()
            return reader

    def renew(self) -> None:
        """Connect anew for whoever comes next."""
        self._cluster.renew()

    def _unconfigured_driver(self) -> Any:
        # A driver connects already when it is configured, and is made anew for each write. Only the
        # first has a connection of its own, which it closes again: the process may fork after that.
        driver = super()._unconfigured_driver()
        if hasattr(self, "_shared"):
            driver.get_connection = lambda **_kwargs: self._cluster.use()
        return driver

    @functools.cached_property
    def _cluster(self) -> Kept[Any]:
        driver = self._shared
        connect = functools.partial(
            driver.get_connection, conffile=driver.conf_file, rados_id=driver.user
        )
        harmless = (store_exceptions.NotFound, stock.rbd().rbd.ImageNotFound)
        return Kept(connect, _CONNECTED, harmless)


def _stored(image: Any, name: str) -> StoredObject:
    with image:
        # The image is there from the beginning of an upload, which may take hours.
        return StoredObject(name, image.modify_timestamp().replace(tzinfo=datetime.UTC))


class _RbdReader:
    """Reads an image.

    :ivar resources: what is given back when it is closed: the image, its pool, the connection
    """

    def __init__(self, image: Any, on_error: Callable[[], None]) -> None:
        self._image = image
        self._on_error = on_error
        self._size: int = image.size()
        self.resources = contextlib.ExitStack()

    def read(self, offset: int, size: int) -> bytes:
        # librbd refuses to read past the end.
        size = max(0, min(size, self._size - offset))
        try:
            data: bytes = self._image.read(offset, size) if size else b""
        except Exception:
            self._on_error()
            raise
        return data

    def close(self) -> None:
        self.resources.close()

    def __del__(self) -> None:
        # One that nobody closed. Left to itself the connection may end first, and to close an image after that
        # never returns. (Nothing in here may be a generator: as garbage these end by themselves.)
        if hasattr(self, "resources"):
            self.close()
