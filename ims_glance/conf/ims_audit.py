# SPDX-License-Identifier: Apache-2.0
"""Group ``[ims_audit]``: where records of what was done to images go."""

from oslo_config import cfg

GROUP = "ims_audit"

OPTS: list[cfg.Opt] = [
    cfg.BoolOpt(
        "enabled",
        default=True,
        help="Whether operations that change images are recorded, at both APIs. The records are "
        "CADF events. With [ims_database] they are kept there, 'ims-manage audit' shows them, and "
        "ims-worker sends them as notifications; without it Glance sends them itself.",
    ),
    cfg.StrOpt(
        "driver",
        help="How notifications are sent: a driver of oslo.messaging (messagingv2, log, noop). "
        "Unset: those of [oslo_messaging_notifications], which are none by default.",
    ),
    cfg.ListOpt(
        "topics",
        default=["ims_audit"],
        help="Topics that they are sent on. Somebody must read them, or the message queue needs a "
        "policy that limits their queues: it keeps what nobody read. Empty: those of "
        "[oslo_messaging_notifications].",
    ),
    cfg.IntOpt(
        "queue_size",
        default=10000,
        min=1,
        help="Records that wait in the memory of each Glance process while the database is away, "
        "or without one the message queue. Further ones are dropped, and the log tells how many.",
    ),
    cfg.IntOpt(
        "keep_days",
        default=30,
        min=1,
        help="How long records are kept in the database, also those that could not be sent; what [ims_usage] "
        "tells is kept until it was sent.",
    ),
    cfg.IntOpt(
        "keep_events",
        default=500000,
        min=1,
        help="How many records are kept there at most, the newest ones. Each takes about 2 KiB. "
        "What [ims_usage] tells is counted by itself.",
    ),
]


def register_opts(conf: cfg.ConfigOpts) -> None:
    """Register the group on *conf*."""
    conf.register_opts(OPTS, group=GROUP)


def list_opts() -> list[tuple[str, list[cfg.Opt]]]:
    """The group for ``oslo-config-generator``."""
    return [(GROUP, OPTS)]
