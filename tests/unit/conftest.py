# SPDX-License-Identifier: Apache-2.0
"""Fixtures of all unit tests."""

import faulthandler
import secrets
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from oslo_config import cfg
from oslo_context.context import RequestContext

from ims_glance import conf as ims_conf
from ims_glance import keys
from ims_glance.clouds.messaging.wakeup import Wakeups
from tests.base import in_child
from tests.functional import key_vault
from tests.unit import glance_database, job_database
from tests.unit.clouds.barbican_server import SERVICE_PASSWORD, BarbicanServer
from tests.unit.clouds.cloud_server import CloudServer
from tests.unit.clouds.keystone_server import KeystoneServer

# More than any test takes on a machine that has ten others to run.
_DEADLOCK_SECONDS = 900
_STDERR = 2  # whatever pytest makes of sys.stderr

CALLER = RequestContext(auth_token="token", project_id="demo", user_id="c" * 32)
KEY_ID = "d152fa13-2b41-42ca-a934-6c21566c0f40"

Options = Mapping[str, Mapping[str, object]]


@pytest.fixture(autouse=True)
def no_deadlock() -> Iterator[None]:
    """A test that hangs ends the run, with the stack of every thread."""
    faulthandler.dump_traceback_later(_DEADLOCK_SECONDS, exit=True, file=_STDERR)
    yield
    faulthandler.cancel_dump_traceback_later()


@pytest.fixture
def woken(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Ids of the jobs that workers were woken up for."""
    ids: list[str] = []
    monkeypatch.setattr(Wakeups, "send", lambda _self, job_id: ids.append(job_id))
    return ids


@pytest.fixture
def server() -> Iterator[CloudServer]:
    """A small Glance, Nova, Cinder and Barbican."""
    server = CloudServer()
    yield server
    server.close()


@pytest.fixture
def vault(tmp_path: Path) -> key_vault.Vault:
    """A key manager's keys, in files."""
    return key_vault.Vault(tmp_path / "keys")


@pytest.fixture
def vault_options(tmp_path: Path, vault: key_vault.Vault) -> Options:
    """Options with the keys of :func:`vault`."""
    return {
        "key_manager": {
            "backend": key_vault.BACKEND,
            "auth_type": "keystone_password",
            "username": "glance",
            "password": "none",
        },
        "key_vault": {"directory": tmp_path / "keys"},
        "ims_kms": {"coordination_url": f"file://{tmp_path}/locks", "service_user_id": "service"},
    }


@pytest.fixture
def conf(tmp_path: Path, vault_options: Options) -> cfg.ConfigOpts:
    """A configuration with the keys of :func:`vault`, and nothing else."""
    return make_conf(tmp_path / "glance.conf", vault_options)


@pytest.fixture(scope="session")
def empty_glance_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Glance's tables, to be copied."""
    path = tmp_path_factory.mktemp("glance") / "empty.sqlite"
    in_child(glance_database.create, path)
    return path


@pytest.fixture
def database(tmp_path: Path, empty_glance_database: Path) -> Path:
    """Glance's database without an image; see :mod:`tests.unit.glance_database`."""
    return Path(shutil.copy(empty_glance_database, tmp_path / "glance.sqlite"))


@pytest.fixture
def barbican_server() -> Iterator[BarbicanServer]:
    """A small Keystone and Barbican."""
    server = BarbicanServer()
    yield server
    server.close()


@pytest.fixture
def keystone() -> Iterator[KeystoneServer]:
    """A small Keystone that knows trusts."""
    server = KeystoneServer()
    yield server
    server.close()


@pytest.fixture
def barbican_conf(tmp_path: Path, barbican_server: BarbicanServer) -> cfg.ConfigOpts:
    """A configuration with :func:`barbican_server` as key manager, and the service's password."""
    return make_conf(
        tmp_path / "glance.conf",
        {
            "key_manager": {
                "backend": "barbican",
                "auth_type": "keystone_password",
                "auth_url": f"{barbican_server.url}/v3",
                "username": "glance",
                "password": SERVICE_PASSWORD,
                "project_name": "service",
                "user_domain_name": "Default",
                "project_domain_name": "Default",
            },
            "barbican": {
                "auth_endpoint": f"{barbican_server.url}/v3",
                "barbican_endpoint": barbican_server.url,
                "barbican_api_version": "v1",
                "retry_delay": 0,
                "number_of_retries": 3,
            },
            "ims_kms": {"coordination_url": f"file://{tmp_path}/locks"},
        },
    )


@pytest.fixture
def manager(conf: cfg.ConfigOpts) -> keys.KeyManager:
    """A key manager whose keys are files."""
    return keys.KeyManager(conf)


@pytest.fixture
def real_manager(barbican_conf: cfg.ConfigOpts) -> keys.KeyManager:
    """A key manager that goes through Castellan and barbicanclient to a server."""
    return keys.KeyManager(barbican_conf)


@pytest.fixture
def stored_key(barbican_server: BarbicanServer) -> bytes:
    """The bytes of key :data:`KEY_ID` in the server."""
    key = secrets.token_bytes(32)
    barbican_server.secrets[KEY_ID] = barbican_server.secrets.pop(barbican_server.make(key))
    return key


def make_conf(path: Path, options: Options) -> cfg.ConfigOpts:
    """What oslo.config reads from a file with these options, with ours registered and no others."""
    lines = []
    for group, values in options.items():
        lines += [f"[{group}]", *(f"{name} = {value}" for name, value in values.items())]
    path.write_text("\n".join([*lines, ""]))
    conf = cfg.ConfigOpts()
    conf(["--config-file", str(path)], project="glance")
    ims_conf.register_opts(conf)
    return conf


@pytest.fixture
def tables(tmp_path: Path) -> job_database.Tables:
    """The tables of jobs, empty."""
    return job_database.Tables(job_database.sqlite(tmp_path))
