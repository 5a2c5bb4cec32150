# SPDX-License-Identifier: Apache-2.0
"""The options: their defaults, their bounds, and that secrets are marked as such."""

import logging

import pytest
from oslo_config import cfg

from ims_glance.conf import ims_kms


@pytest.fixture
def options():
    """A configuration with the group and no file."""
    conf = cfg.ConfigOpts()
    conf([], project="glance", default_config_files=[], default_config_dirs=[])
    ims_kms.register_opts(conf)
    return conf


def test_defaults(options):
    group = options.ims_kms
    assert group.default_key_name == "ims/default"
    assert (group.cache_seconds, group.cache_size) == (60, 256)
    for name in ("default_store", "service_user_id", "coordination_url"):
        assert group[name] is None


@pytest.mark.parametrize(
    ("name", "value"), [("cache_seconds", -1), ("cache_seconds", 3601), ("cache_size", 0)]
)
def test_bounds(options, name, value):
    with pytest.raises(ValueError, match="than or equal"):
        options.set_override(name, value, group="ims_kms")


def test_the_password_in_a_url_is_not_logged(options, caplog):
    caplog.set_level(logging.DEBUG)
    url = "mysql://user:very-secret@host/db"
    options.set_override("coordination_url", url, group="ims_kms")
    options.log_opt_values(logging.getLogger(), logging.DEBUG)
    assert "coordination_url" in caplog.text
    assert "very-secret" not in caplog.text


def test_inner_drivers(options):
    options.register_opts(ims_kms.STORE_OPTS, group="kms")
    assert options.kms.ims_kms_inner_driver is None
    options.set_override("ims_kms_inner_driver", "rbd", group="kms")
    for unfit in ("cinder", "http", "ims-kms"):
        with pytest.raises(ValueError, match=unfit):
            options.set_override("ims_kms_inner_driver", unfit, group="kms")


def test_every_option_is_explained():
    assert [option.name for option in (*ims_kms.OPTS, *ims_kms.STORE_OPTS) if not option.help] == []
