# SPDX-License-Identifier: Apache-2.0
"""Fixtures: a real Glance with stores ``plain`` (default), ``kms`` and ``kms2``, and its users.

::

    def test_it(glance, vault):
        image = glance.create(cmkid=vault.make("demo"))
        glance.upload(image["id"], b"data")
        assert glance.download(image["id"], 1, 2) == b"at"
"""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.functional import identity
from tests.functional.client import Client
from tests.functional.commands import Commands
from tests.functional.key_vault import Vault
from tests.functional.service import GlanceService, Options

MakeGlance = Callable[..., GlanceService]


@pytest.fixture(scope="session")
def glance_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty database of Glance's, to be copied."""
    service = GlanceService(tmp_path_factory.mktemp("glance-database"))
    service.manage("db", "sync")
    return service.directories.database


@pytest.fixture(scope="session")
def make_glance(
    tmp_path_factory: pytest.TempPathFactory, glance_database: Path
) -> Iterator[MakeGlance]:
    """Start another Glance: ``make_glance({"DEFAULT": {"show_multiple_locations": True}})``.

    That takes four seconds of a processor, so share it by a fixture of module scope. ``with`` kills
    it when it is not needed any more, the end of all tests does so at the latest.
    """
    services: list[GlanceService] = []

    def make(options: Options | None = None, processes: int = 1) -> GlanceService:
        directory = tmp_path_factory.mktemp("glance")
        service = GlanceService(directory, options, processes)
        shutil.copy(glance_database, service.directories.database)
        services.append(service)
        service.start()
        return service

    yield make
    for service in services:
        service.kill()


@pytest.fixture(scope="session")
def commands() -> Iterator[Commands]:
    """For commands of ``ims-manage``."""
    commands = Commands()
    yield commands
    commands.close()


@pytest.fixture(scope="session")
def shared_glance_service(make_glance: MakeGlance) -> GlanceService:
    """The service of :func:`glance_service`."""
    return make_glance(processes=2)


@pytest.fixture
def glance_service(shared_glance_service: GlanceService) -> Iterator[GlanceService]:
    """The Glance that tests share. What a test switches off is switched on again after it."""
    yield shared_glance_service
    shared_glance_service.vault.away = False


@pytest.fixture
def vault(glance_service: GlanceService) -> Vault:
    """The key manager: the same keys as Glance sees."""
    return glance_service.vault


@pytest.fixture
def glance(glance_service: GlanceService) -> Client:
    """The shared Glance, used by an ordinary member of project ``demo``."""
    return glance_service.client(identity.DEMO)


@pytest.fixture
def other(glance_service: GlanceService) -> Client:
    """The shared Glance, used by an ordinary member of project ``other``."""
    return glance_service.client(identity.OTHER)


@pytest.fixture
def admin(glance_service: GlanceService) -> Client:
    """The shared Glance, used by an administrator (of project ``admin``)."""
    return glance_service.client(identity.ADMIN)


@pytest.fixture
def key(vault: Vault) -> str:
    """A key of project ``demo``, made for this test."""
    return vault.make("demo")
