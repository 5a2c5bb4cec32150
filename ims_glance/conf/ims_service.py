# SPDX-License-Identifier: Apache-2.0
"""Group ``[ims_service]``: the service's own user, to whom callers delegate their jobs.

Its options are those of keystoneauth, as everywhere in OpenStack. The user needs the roles
``service`` and ``ims_service`` in its project, and no administrator's role. Several regions may
share one user.
"""

from keystoneauth1 import loading
from oslo_config import cfg

GROUP = "ims_service"
TIMEOUT = 20.0
"""Default of keystoneauth's ``timeout`` in all groups that we use it for; seconds. A login with a
password begins with a look at Keystone's versions, so that it may take twice as long."""
FIRST_REGION = "RegionOne"
"""What Keystone calls the first region, if nobody names it."""


def register_opts(conf: cfg.ConfigOpts) -> None:
    """Register the group on *conf*."""
    loading.register_auth_conf_options(conf, GROUP)
    loading.register_session_conf_options(conf, GROUP)
    loading.register_adapter_conf_options(conf, GROUP)
    conf.set_default("auth_type", "password", group=GROUP)
    conf.set_default("timeout", TIMEOUT, group=GROUP)


def region_name(conf: cfg.ConfigOpts) -> str:
    """Name of the region whose images are served here, also where nobody has set it."""
    return conf[GROUP].region_name or FIRST_REGION


def list_opts() -> list[tuple[str, list[cfg.Opt]]]:
    """The group for ``oslo-config-generator``."""
    return [(GROUP, shown_opts())]


def shown_opts() -> list[cfg.Opt]:
    """Options of keystoneauth for ``oslo-config-generator``, with our default of ``timeout``."""
    sessions = loading.get_session_conf_options()
    cfg.set_defaults(sessions, timeout=TIMEOUT)
    return [
        *loading.get_auth_common_conf_options(),
        *loading.get_auth_plugin_conf_options("password"),
        *sessions,
        *loading.get_adapter_conf_options(),
    ]
