# SPDX-License-Identifier: Apache-2.0
"""Where the ciphertext lies: one module per stock driver that can hold it."""

from oslo_config import cfg

from ims_glance.store.inner.base import InnerStore
from ims_glance.store.inner.file import FileInner
from ims_glance.store.inner.rbd import RbdInner
from ims_glance.store.inner.s3 import S3Inner
from ims_glance.store.inner.swift import SwiftInner

_INNER: dict[str, type[InnerStore]] = {
    "file": FileInner,
    "rbd": RbdInner,
    "swift": SwiftInner,
    "s3": S3Inner,
}


def load(conf: cfg.ConfigOpts, driver: str, group: str) -> InnerStore:
    """The inner store that uses stock driver *driver* with the options of *group*.

    :raises glance_store.exceptions.BadStoreConfiguration: if the stock driver refuses them
    """
    return _INNER[driver](conf, driver, group)
