# SPDX-License-Identifier: Apache-2.0
"""What is asked of librbd; what Ceph makes of it is tested with the contract of all drivers on a cloud."""

import contextlib
import datetime
import types

import pytest
from glance_store import exceptions as store_exceptions

from ims_glance.store.inner import stock
from tests.unit.store import stores

BEGAN, ENDED = datetime.datetime(2026, 11, 1), datetime.datetime(2026, 11, 2)


class ImageNotFound(Exception):
    """As librbd raises it."""


class ImageHasSnapshots(Exception):
    """So, too."""


class ImageBusy(Exception):
    """So, too."""


class Image(contextlib.nullcontext[None]):
    """An image that is open."""

    def create_timestamp(self):
        return BEGAN

    def modify_timestamp(self):
        return ENDED


class Ceph:
    """A pool, and how often somebody connected to its cluster."""

    def __init__(self):
        self.connections = 0
        self.images: set[str] = set()
        self.rbd = types.SimpleNamespace(
            RBD=lambda: types.SimpleNamespace(
                list=lambda _pool: sorted(self.images),
                remove=lambda _pool, name: self._image(name),
            ),
            Image=lambda _pool, name, **_options: self._image(name),
            ImageNotFound=ImageNotFound,
            ImageHasSnapshots=ImageHasSnapshots,
            ImageBusy=ImageBusy,
        )

    @contextlib.contextmanager
    def connect(self, **_options):
        self.connections += 1
        pool = contextlib.nullcontext(self)
        yield types.SimpleNamespace(get_fsid=lambda: "f", open_ioctx=lambda _name: pool)

    def _image(self, name):
        if name not in self.images:
            raise ImageNotFound
        return Image()


@pytest.fixture
def ceph(monkeypatch):
    made = Ceph()
    module = stock.rbd()
    for name in ("rados", "rbd"):
        monkeypatch.setattr(module, name, made.rbd)
    monkeypatch.setattr(
        module.Store, "get_connection", lambda _store, **options: made.connect(**options)
    )
    return made


@pytest.fixture
def inner(ceph, tmp_path):
    return stores.inner_of("rbd", tmp_path / "inner", "rbd_store_pool = images")


def test_one_connection_does_for_all(ceph, inner):
    """To connect costs more than to read, write or delete what is small."""
    at_start = ceph.connections
    for _ in range(3):
        for ask in (inner.open, inner.size, inner.delete):
            with pytest.raises(store_exceptions.NotFound):
                ask("ims-0")
    assert ceph.connections - at_start == 1


def test_the_age_of_an_image_is_that_of_its_last_bytes(ceph, inner):
    """It is there from the beginning of an upload, which may take longer than an orphan is left alone."""
    ceph.images = {"ims-0", "another"}
    (found,) = inner.objects()
    assert (found.name, found.modified) == ("ims-0", ENDED.replace(tzinfo=datetime.UTC))
