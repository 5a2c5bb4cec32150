# SPDX-License-Identifier: Apache-2.0
"""Group ``[ims_api]``: the IMS API and the rules that both doors share.

Where the sources of a limit contradict each other, the default is the one of IMS's own training
material, and the operator decides.
"""

from oslo_config import cfg

GROUP = "ims_api"

OPTS: list[cfg.Opt] = [
    cfg.StrOpt(
        "policy_file",
        default="ims-policy.yaml",
        help="File with the rules that differ from the defaults, beside Glance's own "
        "configuration. It need not exist.",
    ),
    cfg.ListOpt(
        "path_prefixes",
        default=["/image"],
        help="Paths that both APIs are served under too: Huawei's SDK needs them at the root, a "
        "catalogue may have them below /image.",
    ),
    cfg.IntOpt(
        "private_images",
        default=50,
        min=1,
        help="Private images that a project may have, hidden ones too. A whole-machine image "
        "counts once. Limits that Glance has itself hold as well: with use_keystone_limits those in "
        "Keystone (image_count_total, image_size_total, ...), otherwise user_storage_quota. The "
        "smaller one holds; to have Keystone's alone, make this one large.",
    ),
    cfg.IntOpt("members", default=128, min=0, help="Receivers that an image may have."),
    cfg.IntOpt("tags", default=10, min=0, max=128, help="Tags that an image may have."),
    cfg.StrOpt(
        "share_encrypted",
        default="custom_key",
        choices=(
            ("custom_key", "if its key is not the project's default key"),
            ("never", "not at all"),
        ),
        help="Whether an encrypted image may be shared. Receivers never get the key.",
    ),
    cfg.StrOpt(
        "product_downloads",
        default="services",
        choices=(
            ("services", "services of the cloud only, for their callers: with a service token"),
            ("everybody", "whoever may download other images, too"),
        ),
        help="Who may download what holds a product of the marketplace (__productcode). Nova and Cinder "
        "have to send service tokens then ([service_user] send_service_user_token of each). Each "
        "download costs one more query of the database. 'everybody' is for a region without a marketplace.",
    ),
    cfg.BoolOpt(
        "native_conventions",
        default=False,
        help="Whether the conventions of IMS hold at the Image API, too: new images are private, "
        "only active images are shared or changed, and the like. They always hold at the IMS API. "
        "Otherwise a client of plain Glance finds what plain Glance does. What protects keys, "
        "whole machines, products and jobs holds at both.",
    ),
    cfg.IntOpt(
        "cross_region_gib",
        default=0,
        min=0,
        help="Size in GiB of the largest image that may be copied to another region, or from there (IMS: "
        "128); of a whole machine that of all disks. 0 for any size. Each of two regions has its own.",
    ),
    cfg.IntOpt(
        "replications",
        default=10,
        min=0,
        help="Replications that a project may have: standing orders to copy its images to another region "
        "as they become active; and as many whose copies it receives from other regions.",
    ),
    cfg.IntOpt(
        "max_body_kib",
        default=1024,
        min=64,
        help="Size in KiB of the largest request body of the IMS API.",
    ),
    cfg.IntOpt(
        "frame_requests",
        default=3,
        min=1,
        help="To how many other regions' copies each process of Glance sends data at once. Each takes one of "
        "its threads (uWSGI: 'threads') until the image is read, and most of a processor; let there be more "
        "threads than that, or other requests wait. Further copies are asked to wait, and do.",
    ),
    cfg.IntOpt(
        "compression_level",
        default=6,
        min=1,
        max=9,
        help="How much zstd tries to make of an image's data for another region that copies it. 1 takes a "
        "quarter of the processor time of 6, and sends a tenth more: better where the link between "
        "the regions is fast.",
    ),
]


def register_opts(conf: cfg.ConfigOpts) -> None:
    """Register the group on *conf*."""
    conf.register_opts(OPTS, group=GROUP)


def list_opts() -> list[tuple[str, list[cfg.Opt]]]:
    """The group for ``oslo-config-generator``."""
    return [(GROUP, OPTS)]
