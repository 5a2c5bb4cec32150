# SPDX-License-Identifier: Apache-2.0
import pytest
from oslo_config import cfg

from ims_glance.conf import ims_market


@pytest.fixture
def conf():
    made = cfg.ConfigOpts()
    made([], default_config_files=[], default_config_dirs=[])
    ims_market.register_opts(made)
    return made


def test_there_is_none_unless_the_operator_wants_one(conf):
    assert conf.ims_market.enabled is False
    assert conf.ims_market.regions == []
    assert all(option.help for option in dict(ims_market.list_opts())["ims_market"])


@pytest.mark.parametrize(("name", "value"), [("drafts", -1), ("certificates_kib", 10241)])
def test_bounds(conf, name, value):
    with pytest.raises(ValueError, match=r".+"):
        conf.set_override(name, value, group="ims_market")
