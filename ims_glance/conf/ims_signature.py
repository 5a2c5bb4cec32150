# SPDX-License-Identifier: Apache-2.0
"""Group ``[ims_signature]``: requests signed with an access key and a secret key (AK/SK).

AK/SK are EC2 credentials of Keystone (``openstack ec2 credentials create``). To check a signature
the service reads the credential's secret, so the user named here must be allowed to: role
``reader`` on the system; and role ``service`` there too, for ``/v3/ec2tokens``. Its options are those of keystoneauth
(``auth_type``, ``auth_url``, ``username``, ``password``, ``system_scope = all``, ...).
"""

from keystoneauth1 import loading
from oslo_config import cfg

from ims_glance.conf import ims_service

GROUP = "ims_signature"

OPTS: list[cfg.Opt] = [
    cfg.BoolOpt(
        "enabled",
        default=False,
        help="Whether signed requests are accepted. Off, a Keystone token is needed.",
    ),
    cfg.IntOpt(
        "cache_seconds",
        default=60,
        min=1,
        max=3600,
        help="How long a credential and its token are used before Keystone is asked again. This is "
        "also how long a deleted credential goes on working.",
    ),
    cfg.IntOpt(
        "cache_size",
        default=1024,
        min=1,
        help="How many credentials are remembered at most, in each worker process.",
    ),
    cfg.IntOpt(
        "max_body_mib",
        default=12,
        min=1,
        max=1024,
        help="Size in MiB of the largest body of a signed request (IMS: 12 MB). It is held in "
        "memory until its hash is known. It does not bound the data of an image that is left out of "
        "the signature (UNSIGNED-PAYLOAD), which is taken over TLS only.",
    ),
]


def register_opts(conf: cfg.ConfigOpts) -> None:
    """Register the group on *conf*."""
    conf.register_opts(OPTS, group=GROUP)
    loading.register_auth_conf_options(conf, GROUP)
    loading.register_session_conf_options(conf, GROUP)
    loading.register_adapter_conf_options(conf, GROUP)
    conf.set_default("auth_type", "password", group=GROUP)
    conf.set_default("timeout", ims_service.TIMEOUT, group=GROUP)


def list_opts() -> list[tuple[str, list[cfg.Opt]]]:
    """The group for ``oslo-config-generator``."""
    return [(GROUP, [*OPTS, *ims_service.shown_opts()])]
