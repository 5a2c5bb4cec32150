# SPDX-License-Identifier: Apache-2.0
import pytest
from oslo_config import cfg

from ims_glance.conf import ims_signature


@pytest.fixture
def conf():
    made = cfg.ConfigOpts()
    ims_signature.register_opts(made)
    made([], project="glance", default_config_files=[], default_config_dirs=[])
    return made


def test_signatures_are_off(conf):
    assert conf.ims_signature.enabled is False
    assert conf.ims_signature.auth_type == "password"
    assert (conf.ims_signature.cache_seconds, conf.ims_signature.max_body_mib) == (60, 12)


def test_a_credential_is_not_remembered_for_ever(conf):
    for seconds in (0, 3601):
        with pytest.raises(ValueError):
            conf.set_override("cache_seconds", seconds, group="ims_signature")


def test_the_sample_configuration_shows_how_the_service_logs_in():
    [(group, options)] = ims_signature.list_opts()
    assert group == "ims_signature"
    assert {"enabled", "password", "system_scope"} <= {option.dest for option in options}
