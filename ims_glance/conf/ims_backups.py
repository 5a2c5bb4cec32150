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
    cfg.ListOpt(
        "signing_secrets",
        default=[],
        secret=True,
        help="Secrets of at least 32 characters each ('openssl rand -hex 32'), the same wherever the "
        "IMS API or ims-worker runs. With the first one the service signs what it writes into the "
        "metadata of backups, which their owners can change; all are tried when it is read, so a new "
        "one goes in front of the old ones. Of a backup without a valid signature an image can be "
        "made, too; it says what its owner might have said, and not of which server it is, or how "
        "that was captured. Unset: no backup has a signature.",
    ),
]


def register_opts(conf: cfg.ConfigOpts) -> None:
    """Register the group on *conf*."""
    conf.register_opts(OPTS, group=GROUP)


def list_opts() -> list[tuple[str, list[cfg.Opt]]]:
    """The group for ``oslo-config-generator``."""
    return [(GROUP, OPTS)]
