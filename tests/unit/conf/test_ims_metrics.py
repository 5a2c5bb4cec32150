# SPDX-License-Identifier: Apache-2.0
from oslo_config import cfg

from ims_glance.conf import ims_metrics


def test_it_is_off_and_for_this_host_alone():
    conf = cfg.ConfigOpts()
    ims_metrics.register_opts(conf)
    conf([], project="glance", default_config_files=[], default_config_dirs=[])
    assert conf.ims_metrics.bind_port is None
    assert conf.ims_metrics.bind_host == "127.0.0.1"
