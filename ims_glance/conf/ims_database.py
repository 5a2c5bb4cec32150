# SPDX-License-Identifier: Apache-2.0
"""Group ``[ims_database]``: where jobs are kept. The options are those of oslo.db."""

import copy

from oslo_config import cfg
from oslo_db import options

GROUP = "ims_database"

OPTS: list[cfg.Opt] = [copy.deepcopy(opt) for opt in options.database_opts]
# A request is answered 503 at once when the database is away, and a worker tries again anyway.
cfg.set_defaults(OPTS, max_retries=0)


def register_opts(conf: cfg.ConfigOpts) -> None:
    """Register the group on *conf*."""
    conf.register_opts(OPTS, group=GROUP)


def list_opts() -> list[tuple[str, list[cfg.Opt]]]:
    """The group for ``oslo-config-generator``."""
    return [(GROUP, OPTS)]
