# SPDX-License-Identifier: Apache-2.0
"""Which configuration files the programs of the service read."""

import pytest
from oslo_config import cfg

from ims_glance.cmd import configuration


@pytest.fixture
def read():
    """Read with these arguments; the value of an option."""

    def read(*arguments):
        conf = cfg.ConfigOpts()
        conf.register_opt(cfg.StrOpt("place"))
        configuration.read(conf, list(arguments), "ims-test")
        return conf.place

    return read


def test_glances_own_or_those_that_are_named(read, monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("OS_GLANCE_CONFIG_DIR", f" {tmp_path} ")
    assert read() is None
    (tmp_path / "glance-api.conf").write_text("[DEFAULT]\nplace = default\n")
    assert read() == "default"
    named = tmp_path / "named.conf"
    named.write_text("[DEFAULT]\nplace = named\n")
    assert read("--config-file", str(named)) == "named"
    drop_ins = tmp_path / ".glance/glance-api.conf.d"
    drop_ins.mkdir(parents=True)
    (drop_ins / "ims.conf").write_text("[DEFAULT]\nplace = drop-in\n")
    assert read() == "drop-in"
