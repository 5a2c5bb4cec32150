# SPDX-License-Identifier: Apache-2.0
"""Group ``[ims_kms]``: what all encrypting stores of a service share.

(What one store needs, its inner driver and group, stands in the store's own group, as
glance_store does it: see :data:`STORE_OPTS`.)
"""

from oslo_config import cfg

GROUP = "ims_kms"

OPTS: list[cfg.Opt] = [
    cfg.StrOpt(
        "default_store",
        help="Encrypting store that an image with a key goes to when the request names no store. "
        "Unset: the default backend if that one encrypts, else the encrypting store with the "
        "greatest weight.",
    ),
    cfg.StrOpt(
        "service_user_id",
        help="Keystone id of the user that [key_manager] names: tenants' keys are opened to it "
        "with a read ACL. Unset: asked from Keystone with the credentials of [key_manager].",
    ),
    cfg.StrOpt(
        "default_key_name",
        default="ims/default",
        help="Name of a project's default key, and the word for it in '__system__cmkid'. It is "
        "made when a project first needs it.",
    ),
    cfg.IntOpt(
        "cache_seconds",
        default=60,
        min=0,
        max=3600,
        help="How long a key read from the key manager is used for reading images before it is "
        "asked again. This is also how long images can still be read after their key was deleted or "
        "a permission withdrawn. 0 asks every time. Whoever writes an image always asks.",
    ),
    cfg.IntOpt(
        "cache_size",
        default=256,
        min=1,
        help="How many keys are remembered at most, in each worker process.",
    ),
    cfg.StrOpt(
        "coordination_url",
        secret=True,
        help="tooz backend of the locks that keep two requests from making the same default key "
        "twice, or from taking the last place of a quota both, for example mysql://user:password@host/database. Unset: files in lock_path of "
        "[oslo_concurrency] or the temporary directory, which is enough for one host.",
    ),
]

STORE_OPTS: list[cfg.Opt] = [
    cfg.StrOpt(
        "ims_kms_inner_driver",
        choices=("file", "rbd", "swift", "s3"),
        help="Driver of the store that holds the ciphertext.",
    ),
    cfg.StrOpt(
        "ims_kms_inner_group",
        help="Configuration group with the options of the inner driver. It must not be listed in "
        "enabled_backends. Unset: '<store id>_inner'.",
    ),
]


def register_opts(conf: cfg.ConfigOpts) -> None:
    """Register the group on *conf*."""
    conf.register_opts(OPTS, group=GROUP)


def list_opts() -> list[tuple[str, list[cfg.Opt]]]:
    """The group for ``oslo-config-generator``; a store's own options are shown for store ``kms``."""
    return [(GROUP, OPTS), ("kms", STORE_OPTS)]
