# SPDX-License-Identifier: Apache-2.0
"""Group ``[ims_usage]``: how long servers run what was bought in the marketplace.

Who looks at the servers of all projects, and at their images and volumes, is an administrator: the options for
that are those of keystoneauth (``auth_type``, ``auth_url``, ``username``, ``password``, ``project_name``, ...).
"""

from keystoneauth1 import loading
from oslo_config import cfg

from ims_glance.conf import ims_service

GROUP = "ims_usage"

OPTS: list[cfg.Opt] = [
    cfg.BoolOpt(
        "enabled",
        default=False,
        help="Whether it is recorded how long servers use products of the marketplace, and told by the hour. "
        "It needs [ims_market], and a user with the role 'admin', who reads servers, images and volumes of "
        "all projects, and changes none.",
    ),
    cfg.IntOpt(
        "look_seconds",
        default=300,
        min=1,
        help="How often Nova is asked for the servers that have changed, by all workers together.",
    ),
    cfg.IntOpt(
        "overlap_seconds",
        default=600,
        min=0,
        help="So much of what it has asked for is asked for once more: by so much may the clocks of Nova and "
        "of the database differ without a loss.",
    ),
    cfg.IntOpt(
        "delay_seconds",
        default=60,
        min=0,
        help="So long after its end an hour is told of, at the earliest.",
    ),
    cfg.ListOpt(
        "notification_topics",
        default=[],
        help="Topics on which Nova sends its notifications ('notifications', and with versions "
        "'versioned_notifications'), to hear of servers at once. Workers read them by a queue of their own, and "
        "take nothing from others. Empty: they are not read, and Nova is asked for its servers alone.",
    ),
    cfg.StrOpt(
        "notification_exchange",
        default="nova",
        help="The exchange of RabbitMQ that Nova sends them to ('control_exchange' of Nova).",
    ),
    cfg.StrOpt(
        "notification_url",
        secret=True,
        help="The message queue that Nova sends them to. Unset: that of [oslo_messaging_notifications], or of "
        "[DEFAULT] transport_url.",
    ),
    cfg.StrOpt(
        "notification_queue",
        default="ims_usage",
        help="The name of the workers' queue. It is filled while no worker runs: RabbitMQ can bound it by a "
        "policy, since what is lost of it is found in Nova's list.",
    ),
    cfg.IntOpt(
        "keep_days",
        default=400,
        min=1,
        help="How long the use of products is kept in the database after its end.",
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
