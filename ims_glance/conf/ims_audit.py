# SPDX-License-Identifier: Apache-2.0
"""Group ``[ims_audit]``: where records of what was done to images go."""

from oslo_config import cfg

GROUP = "ims_audit"

OPTS: list[cfg.Opt] = [
    cfg.BoolOpt(
        "enabled",
        default=True,
        help="Whether operations that change images are recorded, at both APIs. The records are "
        "CADF events, sent as notifications.",
    ),
    cfg.StrOpt(
        "driver",
        help="How notifications are sent: a driver of oslo.messaging (messagingv2, log, noop). "
        "Unset: those of [oslo_messaging_notifications], which are none by default.",
    ),
    cfg.ListOpt(
        "topics",
        default=["ims_audit"],
        help="Topics that they are sent on. Somebody must read them, for the message queue keeps "
        "what nobody read. Empty: those of [oslo_messaging_notifications].",
    ),
    cfg.IntOpt(
        "queue_size",
        default=10000,
        min=1,
        help="Records that wait in each worker process while the message queue is away. Further "
        "ones are dropped, and the log tells how many.",
    ),
]


def register_opts(conf: cfg.ConfigOpts) -> None:
    """Register the group on *conf*."""
    conf.register_opts(OPTS, group=GROUP)


def list_opts() -> list[tuple[str, list[cfg.Opt]]]:
    """The group for ``oslo-config-generator``."""
    return [(GROUP, OPTS)]
