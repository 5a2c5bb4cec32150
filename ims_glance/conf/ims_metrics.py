# SPDX-License-Identifier: Apache-2.0
"""Group ``[ims_metrics]``: what Prometheus scrapes."""

from oslo_config import cfg

GROUP = "ims_metrics"

OPTS: list[cfg.Opt] = [
    cfg.PortOpt(
        "bind_port",
        help="Port on which ims-worker answers Prometheus. Unset: none. It needs prometheus_client, "
        "which is in the extra 'metrics'. Of several workers on a host one answers, and another when "
        "that one has ended.",
    ),
    cfg.HostAddressOpt(
        "bind_host",
        default="127.0.0.1",
        help="Address on which it does. Whoever reaches it may read all metrics; they name no "
        "project, user or image.",
    ),
]


def register_opts(conf: cfg.ConfigOpts) -> None:
    """Register the group on *conf*."""
    conf.register_opts(OPTS, group=GROUP)


def list_opts() -> list[tuple[str, list[cfg.Opt]]]:
    """The group for ``oslo-config-generator``."""
    return [(GROUP, OPTS)]
