# SPDX-License-Identifier: Apache-2.0
import pytest
from oslo_config import cfg

from ims_glance.conf import ims_jobs


@pytest.fixture
def options():
    conf = cfg.ConfigOpts()
    conf([], default_config_files=[], default_config_dirs=[])
    ims_jobs.register_opts(conf)
    return conf


def test_the_limits_of_the_reference(options):
    assert (options.ims_jobs.creating, options.ims_jobs.copying) == (40, 5)
    assert options.ims_jobs.patience_seconds == 300
    assert options.ims_jobs.revert_patience_seconds == 24 * 3600


@pytest.mark.parametrize(
    ("name", "value"), [("creating", 0), ("threads", 0), ("lease_seconds", 0.5), ("keep_days", -1)]
)
def test_bounds(options, name, value):
    with pytest.raises(ValueError, match="than or equal"):
        options.set_override(name, value, group="ims_jobs")


def test_every_option_is_explained():
    ((group, options),) = ims_jobs.list_opts()
    assert group == "ims_jobs"
    assert [option.name for option in options if not option.help] == []
