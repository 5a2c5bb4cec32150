# SPDX-License-Identifier: Apache-2.0
"""Group ``[ims_market]``: the marketplace, whose records are those of one region."""

from oslo_config import cfg

GROUP = "ims_market"

OPTS: list[cfg.Opt] = [
    cfg.BoolOpt(
        "enabled",
        default=False,
        help="Whether there is a marketplace. Of several regions one has it: that whose database has its "
        "records. Without it, the API is as if there were none.",
    ),
    cfg.ListOpt(
        "regions",
        default=[],
        help="Other regions that products may be offered in, beside this one.",
    ),
    cfg.StrOpt(
        "project",
        help="Name of the project that owns the service's copies of products, in the domain of the project of "
        "[ims_service]. The user of that group needs the role 'member' in it, and nobody else any. Without it, "
        "nothing can be sold.",
    ),
    cfg.IntOpt(
        "drafts",
        default=20,
        min=0,
        help="Products that are not listed yet, or were rejected, that a seller's project may have. There may "
        "be any number of listed ones.",
    ),
    cfg.IntOpt(
        "certificates_kib",
        default=8192,
        min=0,
        max=10240,
        help="Size in KiB of all certificates of a product.",
    ),
    cfg.StrOpt(
        "vulnerability_feed",
        help="Folder with a vulnerability feed on each host of ims-worker: OSV records "
        "(https://ossf.github.io/osv-schema/), a file NAME.json each, in any folders below. The packages in what is "
        "to be sold are compared with it, and again when it changes. It needs ims_glance[market]. Unset: they are "
        "compared with nothing, and the report says so.",
    ),
    cfg.StrOpt(
        "uninspected",
        default="acknowledge",
        choices=[
            (
                "acknowledge",
                "a reviewer may approve it, who has to say so and why; that is recorded",
            ),
            ("refuse", "nobody approves it"),
        ],
        help="What becomes of a version that the scan could not look into, or not into all of it: an encrypted disk, "
        "a file system that is not known, no system at all.",
    ),
]


def register_opts(conf: cfg.ConfigOpts) -> None:
    """Register the group on *conf*."""
    conf.register_opts(OPTS, group=GROUP)


def list_opts() -> list[tuple[str, list[cfg.Opt]]]:
    """The group for ``oslo-config-generator``."""
    return [(GROUP, OPTS)]
