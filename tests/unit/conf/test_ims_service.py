# SPDX-License-Identifier: Apache-2.0
from oslo_config import cfg

from ims_glance.conf import ims_service


def test_the_options_are_those_of_keystoneauth():
    conf = cfg.ConfigOpts()
    conf([], default_config_files=[], default_config_dirs=[])
    for _twice in range(2):
        ims_service.register_opts(conf)
    assert conf.ims_service.auth_type == "password"
    assert conf.ims_service.region_name is None
    ((group, options),) = ims_service.list_opts()
    names = {option.dest for option in options}
    assert group == "ims_service"
    assert {"auth_url", "username", "password", "project_name", "cafile", "region_name"} <= names
