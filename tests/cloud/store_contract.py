# SPDX-License-Identifier: Apache-2.0
"""What Glance may expect of a store driver: one set of tests that every store must pass.

The stock drivers pass it as well, which shows that it asks for nothing of our own invention.
"""

import concurrent.futures
import hashlib
import secrets
import uuid
from typing import Any

import pytest
from glance_store import capabilities, location
from glance_store import exceptions as store_exceptions

from ims_glance.crypto import stream
from ims_glance.store.inner.base import NAME_PREFIX

_FIRST = stream.segment_capacity(0)
_SIZES = (1, 4096, _FIRST - 1, _FIRST, _FIRST + 1, 3 * (1 << 20) + 5)


class Source:
    """Data as Glance hands it over; *pieces* bounds what one read returns.

    :param fail_at: byte at which reading fails, as it does when a client goes away
    """

    def __init__(self, data: bytes, pieces: int | None = None, fail_at: int | None = None) -> None:
        self._data = data
        self._pieces = pieces
        self._fail_at = fail_at
        self._position = 0

    def read(self, size: int) -> bytes:
        """At most *size* bytes."""
        if self._fail_at is not None and self._position >= self._fail_at:
            raise ClientGone
        end = self._position + min(size, self._pieces or size)
        piece = self._data[self._position : end]
        self._position += len(piece)
        return piece


class ClientGone(Exception):
    """The client closed the connection in the middle of an upload."""


class StoreContract:
    """Mixin: a subclass has a fixture ``open_store`` that gives a function making the store.

    It is called for each operation, as glance_store makes drivers anew that are not reusable, and
    a fixture ``leftovers`` that gives a function listing what the store's backend holds of that.

    :ivar made: names of what the test has uploaded
    """

    @pytest.fixture(autouse=True)
    def _made(self) -> None:
        self.made: set[str] = set()

    def add(self, store: Any, data: bytes, size: int | None = None, **source: Any) -> Any:
        """Upload *data* as a new image; the driver's answer."""
        announced = len(data) if size is None else size
        # The prefix makes the objects of stock drivers show among the leftovers too.
        image_id = f"{NAME_PREFIX}{uuid.uuid4()}"
        self.made.add(image_id)
        return store.add(image_id, Source(data, **source), announced, "sha512")

    def locate(self, store: Any, uri: str) -> location.Location:
        """The location that Glance would make of *uri*."""
        return location.Location(
            uri.partition("://")[0],
            store.get_store_location_class(),
            store.conf,
            uri=uri,
            backend=store.backend_group,
        )

    def read(self, store: Any, where: location.Location, **range_: int) -> bytes:
        """All bytes of an image, or of a range."""
        data, _size = store.get(where, **range_)
        return b"".join(data)

    @pytest.fixture
    def stored(self, open_store):
        """An image of some segments: its data and location; deleted afterwards."""
        data = secrets.token_bytes(_SIZES[-1])
        where = self.locate(open_store(), self.add(open_store(), data)[0])
        yield data, where
        open_store().delete(where)

    @pytest.mark.parametrize("size", _SIZES)
    def test_gives_back_what_was_stored(self, open_store, size):
        data = secrets.token_bytes(size)
        uri, written, checksum, multihash, metadata = self.add(open_store(), data)
        where = self.locate(open_store(), uri)
        assert written == size
        assert checksum == hashlib.md5(data, usedforsecurity=False).hexdigest()
        assert multihash == hashlib.sha512(data).hexdigest()
        assert metadata["store"] == open_store().backend_group
        assert open_store().get_size(where) == size
        assert self.read(open_store(), where) == data
        open_store().delete(where)

    def test_second_value_of_get_is_the_size(self, open_store, stored):
        data, where = stored
        reader, size = open_store().get(where)
        assert size == len(data)
        assert sum(len(piece) for piece in reader) == len(data)

    @pytest.mark.parametrize("size", [0, 5, 2 * (1 << 20) + 7])
    def test_size_may_be_unknown(self, open_store, size):
        data = secrets.token_bytes(size)
        uri, written, checksum, _multihash, _metadata = self.add(open_store(), data, size=0)
        where = self.locate(open_store(), uri)
        assert written == size
        assert checksum == hashlib.md5(data, usedforsecurity=False).hexdigest()
        assert open_store().get_size(where) == size
        assert self.read(open_store(), where) == data
        open_store().delete(where)

    def test_source_may_give_less_than_asked(self, open_store):
        data = secrets.token_bytes(1 << 20)
        uri, *_rest = self.add(open_store(), data, pieces=1000)
        where = self.locate(open_store(), uri)
        assert self.read(open_store(), where) == data
        open_store().delete(where)

    def test_leaves_nothing_when_the_client_goes_away(self, open_store, leftovers):
        with pytest.raises(ClientGone):
            self.add(open_store(), secrets.token_bytes(3_000_000), fail_at=2_000_000)
        assert leftovers() == []

    def test_delete_leaves_nothing(self, open_store, leftovers):
        uri, *_rest = self.add(open_store(), secrets.token_bytes(3_000_000))
        where = self.locate(open_store(), uri)
        assert leftovers()
        open_store().delete(where)
        assert leftovers() == []
        with pytest.raises(store_exceptions.NotFound):
            self.read(open_store(), where)
        with pytest.raises(store_exceptions.NotFound):
            open_store().delete(where)

    def test_several_at_once(self, open_store):
        def round_trip(_number: int) -> bool:
            data = secrets.token_bytes(1_500_000)
            uri, *_rest = self.add(open_store(), data)
            where = self.locate(open_store(), uri)
            same = self.read(open_store(), where) == data
            open_store().delete(where)
            return same

        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            assert list(pool.map(round_trip, range(8))) == [True] * 8

    def test_ranges(self, open_store, stored):
        data, where = stored
        if not open_store().is_capable(capabilities.BitMasks.READ_RANDOM):
            with pytest.raises(store_exceptions.StoreRandomGetNotSupported):
                open_store().get(where, offset=5, chunk_size=10)
            return
        for offset, length in (
            (0, 10),
            (_FIRST - 3, 6),
            (_FIRST, 1),
            (1, len(data) - 1),
            (len(data) - 1, 1),
            (1 << 20, 1 << 20),
        ):
            part = self.read(open_store(), where, offset=offset, chunk_size=length)
            assert part == data[offset : offset + length]
