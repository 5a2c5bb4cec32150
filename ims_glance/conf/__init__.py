# SPDX-License-Identifier: Apache-2.0
"""Options of ims_glance: one module a group, registered on a ``conf`` that is handed in."""

from oslo_config import cfg

from ims_glance.conf import (
    ims_api,
    ims_audit,
    ims_backups,
    ims_database,
    ims_files,
    ims_guests,
    ims_jobs,
    ims_kms,
    ims_market,
    ims_metrics,
    ims_service,
    ims_signature,
    ims_usage,
)

_GROUPS = (
    ims_api,
    ims_audit,
    ims_backups,
    ims_database,
    ims_files,
    ims_guests,
    ims_jobs,
    ims_kms,
    ims_market,
    ims_metrics,
    ims_service,
    ims_signature,
    ims_usage,
)


def register_opts(conf: cfg.ConfigOpts) -> None:
    """Register every group of ours on *conf*; doing it twice is harmless."""
    for group in _GROUPS:
        group.register_opts(conf)


def list_opts() -> list[tuple[str, list[cfg.Opt]]]:
    """The options by group, for ``oslo-config-generator``."""
    return [entry for group in _GROUPS for entry in group.list_opts()]
