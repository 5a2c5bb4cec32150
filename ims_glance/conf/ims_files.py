# SPDX-License-Identifier: Apache-2.0
"""Group ``[ims_files]``: images from files in the object storage.

Where the sources of a limit contradict each other, the default is the one of IMS's own training
material, and the operator decides.
"""

from oslo_config import cfg

GROUP = "ims_files"

OPTS: list[cfg.Opt] = [
    cfg.StrOpt(
        "object_store",
        default="swift",
        help="What buckets are read with, unless a caller names an access key: a name among the entry "
        "points 'ims_glance.object_stores'. 'swift' uses the caller's token, and the 'object-store' of "
        "their catalogue (Swift, or radosgw).",
    ),
    cfg.URIOpt(
        "s3_endpoint",
        schemes=["http", "https"],
        help="Where S3 is, for callers who name an access key (an EC2 credential of theirs in Keystone). "
        "Unset: 's3' of their catalogue. The user of [ims_signature] reads the credential.",
    ),
    cfg.StrOpt(
        "s3_region",
        help="Region that requests to S3 are signed for. Unset: [ims_service] region_name.",
    ),
    cfg.IntOpt(
        "file_gib",
        default=128,
        min=1,
        help="Size in GiB of the largest file that an image is made of.",
    ),
    cfg.IntOpt(
        "quick_file_gib",
        default=1024,
        min=1,
        help="The same of a file that is imported quickly (import_image_quick, is_quick_import).",
    ),
    cfg.IntOpt(
        "least_system_disk_gib",
        default=40,
        min=1,
        help="Size in GiB of the smallest system disk that an image of a file may ask for (min_disk).",
    ),
    cfg.IntOpt(
        "most_system_disk_gib",
        default=1024,
        min=1,
        max=1024,
        help="The same of the largest one.",
    ),
    cfg.IntOpt(
        "least_data_disk_gib",
        default=40,
        min=1,
        help="The same of the smallest data disk.",
    ),
    cfg.IntOpt(
        "most_data_disk_gib",
        default=2048,
        min=1,
        max=2048,
        help="The same of the largest data disk.",
    ),
    cfg.IntOpt(
        "most_disks",
        default=24,
        min=1,
        max=60,
        help="Disks of the largest machine in an archive (OVA) that a whole-machine image is made of.",
    ),
]


def register_opts(conf: cfg.ConfigOpts) -> None:
    """Register the group on *conf*."""
    conf.register_opts(OPTS, group=GROUP)


def list_opts() -> list[tuple[str, list[cfg.Opt]]]:
    """The group for ``oslo-config-generator``."""
    return [(GROUP, OPTS)]
