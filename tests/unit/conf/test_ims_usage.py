# SPDX-License-Identifier: Apache-2.0
import pytest
from oslo_config import cfg

from ims_glance.conf import ims_usage


@pytest.fixture
def conf():
    made = cfg.ConfigOpts()
    made([], default_config_files=[], default_config_dirs=[])
    ims_usage.register_opts(made)
    return made


def test_it_is_off_unless_the_operator_wants_it(conf):
    assert conf.ims_usage.enabled is False
    assert conf.ims_usage.notification_topics == []
    assert conf.ims_usage.timeout == 20.0
    assert all(option.help for option in ims_usage.OPTS)


@pytest.mark.parametrize(("name", "value"), [("look_seconds", 0), ("keep_days", 0)])
def test_bounds(conf, name, value):
    with pytest.raises(ValueError, match=r".+"):
        conf.set_override(name, value, group="ims_usage")
