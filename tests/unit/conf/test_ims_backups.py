# SPDX-License-Identifier: Apache-2.0
from oslo_config import cfg

from ims_glance.conf import ims_backups


def test_backups_are_cinders():
    conf = cfg.ConfigOpts()
    ims_backups.register_opts(conf)
    conf([], project="glance", default_config_files=[], default_config_dirs=[])
    assert conf.ims_backups.driver == "cinder"
    assert conf.ims_backups.signing_secrets == []
    listed = {each.dest: each.secret for each in dict(ims_backups.list_opts())["ims_backups"]}
    assert listed == {"driver": False, "signing_secrets": True}
