# SPDX-License-Identifier: Apache-2.0
"""What receiving needs besides a small cloud: a key manager, and a store for what is on its way."""

import os
from collections.abc import Iterator
from typing import Any

import pytest

from ims_glance import keys
from ims_glance.jobs.context import JobContext
from ims_glance.store import spools
from ims_glance.store.inner.base import InnerStore
from tests.unit.clouds.cloud_server import CloudServer
from tests.unit.flows.cloud_bench import CloudBench
from tests.unit.store import stores
from tests.unit.store.test_spool import Keys


class SmallKeys(Keys):
    """A key manager; each project's default key is one.

    :ivar is_away: whether it gives no answer
    """

    def default_key(self, context: Any) -> str:
        """The id of the caller's."""
        assert context.auth_token
        self.keys.setdefault(context.project_id, os.urandom(32))
        return str(context.project_id)

    def open_to_service(self, _context: Any, key_id: str) -> None:
        """It is open."""
        self.ask(key_id)


@pytest.fixture
def key_manager(monkeypatch: pytest.MonkeyPatch) -> SmallKeys:
    """The worker's."""
    made = SmallKeys()
    monkeypatch.setattr(keys, "of_process", lambda _conf: made)
    return made


@pytest.fixture
def inner(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> InnerStore:
    """Where spools lie: real files."""
    made = stores.file_inner(tmp_path / "inner")
    monkeypatch.setattr(spools, "find", lambda _conf: made)
    return made


@pytest.fixture(autouse=True)
def _worker(key_manager: SmallKeys, inner: InnerStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """No nap takes long."""
    monkeypatch.setattr(JobContext, "pause", lambda self, _seconds: self.check())


@pytest.fixture
def far(cloud: CloudBench) -> Iterator[CloudServer]:
    """The region that images come from."""
    made = cloud.far = CloudServer()
    yield made
    made.close()
