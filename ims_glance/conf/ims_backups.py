# SPDX-License-Identifier: Apache-2.0
"""Group ``[ims_backups]``: where backups of servers are kept."""

from oslo_config import cfg

GROUP = "ims_backups"

OPTS: list[cfg.Opt] = [
    cfg.StrOpt(
        "driver",
        default="cinder",
        help="What makes and restores backups of servers: a name among the entry points "
        "'ims_glance.backups'. 'cinder' makes a volume backup of each disk.",
    ),
]


def register_opts(conf: cfg.ConfigOpts) -> None:
    """Register the group on *conf*."""
    conf.register_opts(OPTS, group=GROUP)


def list_opts() -> list[tuple[str, list[cfg.Opt]]]:
    """The group for ``oslo-config-generator``."""
    return [(GROUP, OPTS)]
