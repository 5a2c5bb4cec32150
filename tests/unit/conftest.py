# SPDX-License-Identifier: Apache-2.0
"""Fixtures of all unit tests."""

import faulthandler
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from castellan import options as castellan_options
from oslo_config import cfg

from ims_glance import conf as ims_conf
from tests.functional import key_vault

_DEADLOCK_SECONDS = 60


@pytest.fixture(autouse=True)
def no_deadlock() -> Iterator[None]:
    """A test that hangs ends the run, with the stack of every thread."""
    faulthandler.dump_traceback_later(_DEADLOCK_SECONDS, exit=True, file=sys.__stderr__)
    yield
    faulthandler.cancel_dump_traceback_later()


@pytest.fixture
def vault(tmp_path: Path) -> key_vault.Vault:
    """A key manager's keys, in files."""
    return key_vault.Vault(tmp_path / "keys")


@pytest.fixture
def conf(tmp_path: Path, vault: key_vault.Vault) -> cfg.ConfigOpts:
    """A configuration with the key manager of :func:`vault` and nothing else."""
    return make_conf(tmp_path)


def make_conf(directory: Path) -> cfg.ConfigOpts:
    """The configuration of :func:`conf`; also for a child process that has none."""
    conf = cfg.ConfigOpts()
    conf([], project="glance", default_config_files=[], default_config_dirs=[])
    castellan_options.set_defaults(conf)
    ims_conf.register_opts(conf)
    key_vault.VaultKeyManager(conf)  # registers its option
    overrides = {
        "key_manager": {
            "backend": key_vault.BACKEND,
            "auth_type": "keystone_password",
            "username": "glance",
            "password": "none",
        },
        "key_vault": {"directory": str(directory / "keys")},
        "ims_kms": {"coordination_url": f"file://{directory}/locks", "service_user_id": "service"},
    }
    for group, options in overrides.items():
        for name, value in options.items():
            conf.set_override(name, value, group=group)
    return conf
