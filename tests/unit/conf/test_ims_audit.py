# SPDX-License-Identifier: Apache-2.0
import pytest
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


def test_what_is_kept_is_bounded():
    options = {option.dest: option for option in ims_audit.OPTS}
    assert (options["keep_days"].default, options["keep_events"].default) == (30, 500000)
    conf = cfg.ConfigOpts()
    conf([], project="glance", default_config_files=[], default_config_dirs=[])
    ims_audit.register_opts(conf)
    for name in ("keep_days", "keep_events"):
        with pytest.raises(ValueError, match="than or equal"):
            conf.set_override(name, 0, group="ims_audit")
