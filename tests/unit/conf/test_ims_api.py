# SPDX-License-Identifier: Apache-2.0
import pytest
from oslo_config import cfg

from ims_glance.conf import ims_api


@pytest.fixture
def conf():
    made = cfg.ConfigOpts()
    made([], default_config_files=[], default_config_dirs=[])
    ims_api.register_opts(made)
    return made


def test_the_numbers_are_those_of_the_deck(conf):
    assert (conf.ims_api.private_images, conf.ims_api.members, conf.ims_api.tags) == (50, 128, 10)
    assert conf.ims_api.path_prefixes == ["/image"]


@pytest.mark.parametrize(
    ("name", "value"),
    [("private_images", 0), ("members", -1), ("tags", 129), ("share_encrypted", "always")],
)
def test_bounds(conf, name, value):
    with pytest.raises(ValueError, match=r".+"):
        conf.set_override(name, value, group="ims_api")


def test_every_option_has_a_help(conf):
    assert all(option.help for option in dict(ims_api.list_opts())["ims_api"])
