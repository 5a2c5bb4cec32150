# SPDX-License-Identifier: Apache-2.0
from oslo_config import cfg

from ims_glance.conf import ims_audit


def test_the_audit_is_on_and_goes_where_the_notifications_go():
    conf = cfg.ConfigOpts()
    ims_audit.register_opts(conf)
    conf([], project="glance", default_config_files=[], default_config_dirs=[])
    assert conf.ims_audit.enabled is True
    assert conf.ims_audit.driver is None
    assert conf.ims_audit.topics == ["ims_audit"]
    assert {option.dest for option in dict(ims_audit.list_opts())["ims_audit"]} >= {"driver"}
