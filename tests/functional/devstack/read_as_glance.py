# SPDX-License-Identifier: Apache-2.0
"""Print as JSON what Glance makes of the configuration below a folder: ``read_as_glance.py ROOT``.

A process of its own, since glance_store keeps its stores in globals.
"""

import json
import sys
from typing import Any

import glance_store
from castellan import key_manager
from castellan import options as castellan_options
from castellan.common.utils import credential_factory
from glance.common import config, wsgi_app
from oslo_config import cfg

from ims_glance import conf as ims_conf


def load(root: str) -> cfg.ConfigOpts:
    """Read the files as ``glance.common.wsgi_app`` does, and make the stores."""
    config.set_config_defaults()
    conf = cfg.CONF
    ims_conf.register_opts(conf)
    castellan_options.set_defaults(conf)
    conf(
        [],
        project="glance",
        prog="glance-api",
        default_config_files=[f"{root}/etc/glance/glance-api.conf"],
        default_config_dirs=[f"{root}/etc/glance/glance-api.conf.d"],
    )
    reserved = wsgi_app.RESERVED_STORES
    glance_store.register_store_opts(conf, reserved_stores=reserved)
    glance_store.create_multi_stores(conf, reserved_stores=reserved)
    glance_store.verify_store()
    return conf


def summary(conf: cfg.ConfigOpts) -> dict[str, object]:
    """The options that the plugin sets, and the driver that was loaded."""
    credentials: Any = credential_factory(conf)
    key_manager.API(conf)
    # glance_store adds the reserved ones to the option's value.
    stores = {
        store: name
        for store, name in conf.enabled_backends.items()
        if store not in wsgi_app.RESERVED_STORES
    }
    return {
        "enabled_backends": stores,
        "default_backend": conf.glance_store.default_backend,
        "flavor": conf.paste_deploy.flavor,
        "paste": conf.paste_deploy.config_file,
        "driver": type(glance_store.get_store_from_store_identifier("kms")).__module__,
        "inner": conf.kms_inner.filesystem_store_datadir,
        "staging": conf.os_glance_staging_store.filesystem_store_datadir,
        "tasks": conf.os_glance_tasks_store.filesystem_store_datadir,
        "plain": conf.plain.filesystem_store_datadir if "plain" in stores else None,
        "service_user_id": conf.ims_kms.service_user_id,
        "coordination_url": conf.ims_kms.coordination_url,
        "credentials": [
            credentials.auth_url,
            credentials.username,
            credentials.password,
            credentials.user_domain_name,
            credentials.project_name,
            credentials.project_domain_name,
        ],
        "barbican": [
            conf.barbican.auth_endpoint,
            conf.barbican.barbican_region_name,
            conf.barbican.verify_ssl_path,
        ],
    }


if __name__ == "__main__":
    print(json.dumps(summary(load(sys.argv[1]))))
