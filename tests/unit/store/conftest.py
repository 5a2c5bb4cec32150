# SPDX-License-Identifier: Apache-2.0
"""Fixtures: encrypted objects over real files."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from ims_glance.store.inner.base import InnerStore
from ims_glance.store.objects import EncryptedObjects
from tests.unit.store import stores


@pytest.fixture(autouse=True)
def no_lane_left() -> Iterator[None]:
    """However an upload ends, its threads end."""
    yield
    assert stores.lanes() == []


@pytest.fixture
def inner(tmp_path: Path) -> InnerStore:
    """The inner store over a directory of its own."""
    return stores.file_inner(tmp_path / "inner")


@pytest.fixture
def key_ring() -> stores.KeyRing:
    """Two keys."""
    return stores.KeyRing()


@pytest.fixture
def objects(inner: InnerStore, key_ring: stores.KeyRing) -> EncryptedObjects:
    """The objects in :func:`inner`, with the keys of :func:`key_ring`."""
    return EncryptedObjects(inner, key_ring.read, key_ring.ask)
