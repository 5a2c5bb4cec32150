# SPDX-License-Identifier: Apache-2.0
"""A stock driver as the encrypting store uses it, and what glance_store has no call for.

glance_store can add, get and delete an object whose URI it returned earlier. The encrypting store
keeps no inner URI (a forged one could read or delete anything) but rebuilds it from an object's
name, and wants to list its objects; each subclass says how that is done for one driver. Where a
driver can read at an offset or write without hashing, the subclass does that too; what is here
works with any of them.
"""

import abc
import dataclasses
import datetime
import io
from collections.abc import Iterable, Iterator
from typing import Any, Protocol

from glance_store import capabilities, location
from oslo_config import cfg
from stevedore import driver as stevedore_driver

from ims_glance.crypto.stream import Buffer
from ims_glance.store.inner import stock

# Every object of the encrypting store begins with this.
NAME_PREFIX = "ims-"


@dataclasses.dataclass(frozen=True)
class StoredObject:
    """An entry of the inner store's list.

    :ivar modified: when it was last written, with a time zone
    :ivar unfinished: whether it is the beginning of an object that is, or was, being written
    """

    name: str
    modified: datetime.datetime
    unfinished: bool = False


class ObjectReader(Protocol):
    """An object that is open for reading; used by one thread."""

    def read(self, offset: int, size: int) -> Buffer:
        """*size* bytes from *offset* on, valid until the next read; fewer only at the end."""

    def close(self) -> None:
        """Give back what it holds; may be called twice."""


class InnerStore(abc.ABC):
    """One stock driver, configured by the options of a group that users cannot reach.

    :param driver: name of the stock driver (``file``, ``rbd``, ``swift``, ``s3``)
    :param group: configuration group with its options, not listed in ``enabled_backends``
    :raises glance_store.exceptions.BadStoreConfiguration: if the driver refuses them
    """

    def __init__(self, conf: cfg.ConfigOpts, driver: str, group: str) -> None:
        self.conf = conf
        self.driver = driver
        self.group = group
        manager: Any = stevedore_driver.DriverManager[Any](
            "glance_store.drivers", driver, invoke_on_load=False
        )
        self._driver_class = manager.driver
        # The swift driver reads its options before it registers them.
        options = [*self._driver_class.OPTIONS, *stock.common_options()]
        conf.register_opts(options, group=group)
        self._shared = self._new_driver()

    @abc.abstractmethod
    def uri(self, name: str) -> str:
        """The stock driver's URI of object *name*, whether it exists or not."""

    @abc.abstractmethod
    def objects(self, prefix: str = NAME_PREFIX) -> Iterator[StoredObject]:
        """The objects whose names begin with *prefix*, which begins with :data:`NAME_PREFIX`."""

    def put(self, name: str, chunks: Iterable[Buffer], size: int) -> None:
        """Write a new object; nothing of it is left when that fails.

        :param chunks: its bytes; each chunk is valid until the next one is asked for
        :param size: bytes in all; 0 if that is not known beforehand
        :raises glance_store.exceptions.Duplicate: if there is one of that name
        :raises glance_store.exceptions.StorageFull: if it does not fit
        """
        # The cheapest digest: the driver insists on one, nobody looks at it.
        self._stock_driver().add(name, file_of(chunks), size, "md5", context=None, verifier=None)

    def put_for_now(self, name: str, chunks: Iterable[Buffer], size: int) -> None:
        """The same for an object that is soon deleted, and need not survive a power failure.

        It does survive the process. After a power failure there may be a part of it, or something else in
        its place, which whoever reads it has to find out.
        """
        self.put(name, chunks, size)

    def open(self, name: str) -> ObjectReader:
        """Open an object for reading.

        :raises glance_store.exceptions.NotFound: if there is none
        """
        return _SequentialReader(self, name)

    def stream(self, name: str, offset: int) -> tuple[Iterator[bytes], int]:
        """An object's bytes in pieces of the driver's liking, and the offset they begin at.

        That is *offset* where the driver can begin there, else 0.

        :raises glance_store.exceptions.NotFound: if there is none
        """
        data, _size = self._stock_driver().get(self.location(name))
        return iter(data), 0

    def size(self, name: str) -> int:
        """Size of an object in bytes, as it lies in the store.

        :raises glance_store.exceptions.NotFound: if there is none
        """
        return int(self._stock_driver().get_size(self.location(name)))

    def delete(self, name: str) -> None:
        """Delete an object.

        :raises glance_store.exceptions.NotFound: if there is none
        """
        self._stock_driver().delete(self.location(name))

    def location(self, name: str) -> location.Location:
        """The stock driver's location of object *name*."""
        uri = self.uri(name)
        scheme = uri.partition("://")[0]
        location_class = self._shared.get_store_location_class()
        return location.Location(scheme, location_class, self.conf, uri=uri, backend=self.group)

    def _new_driver(self) -> Any:
        driver = self._unconfigured_driver()
        driver.configure(re_raise_bsc=True)
        return driver

    def _unconfigured_driver(self) -> Any:
        return self._driver_class(self.conf, backend=self.group)

    def _stock_driver(self) -> Any:
        # As glance_store does it: a driver that keeps state while it writes is made anew.
        if self._shared.is_capable(capabilities.BitMasks.DRIVER_REUSABLE):
            return self._shared
        return self._new_driver()


class _SequentialReader:
    """Reads on from where it is; where a read begins elsewhere, by beginning anew.

    What a driver that only reads from the start sends too much is discarded.
    """

    def __init__(self, inner: InnerStore, name: str) -> None:
        self._inner = inner
        self._name = name
        self._pieces: Iterator[bytes] = iter(())
        # Opened at once, so that a missing object is found before anything else is done.
        self._restart(0)

    def read(self, offset: int, size: int) -> Buffer:
        if offset != self._position:
            self._restart(offset)
        while self._position < offset and self._take(offset - self._position):
            pass
        wanted = bytearray()
        while len(wanted) < size and (piece := self._take(size - len(wanted))):
            wanted += piece
        return wanted

    def close(self) -> None:
        close = getattr(self._pieces, "close", None)
        if close is not None:
            close()

    def _restart(self, offset: int) -> None:
        self.close()
        self._pieces, self._position = self._inner.stream(self._name, offset)
        self._rest = memoryview(b"")

    def _take(self, at_most: int) -> memoryview:
        while not self._rest:
            piece = next(self._pieces, None)
            if piece is None:
                return self._rest
            self._rest = memoryview(piece)
        taken, self._rest = self._rest[:at_most], self._rest[at_most:]
        self._position += len(taken)
        return taken


class _ChunkFile(io.RawIOBase):
    def __init__(self, chunks: Iterable[Buffer]) -> None:
        self._chunks = iter(chunks)
        self._rest = memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while not self._rest:
            chunk = next(self._chunks, None)
            if chunk is None:
                return 0
            self._rest = memoryview(chunk)
        size = min(len(buffer), len(self._rest))
        buffer[:size] = self._rest[:size]
        self._rest = self._rest[size:]
        return size


def file_of(chunks: Iterable[Buffer]) -> io.BufferedReader:
    """*chunks* as the file that stock drivers read from."""
    return io.BufferedReader(_ChunkFile(chunks))
