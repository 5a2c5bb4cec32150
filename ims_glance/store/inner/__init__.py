# SPDX-License-Identifier: Apache-2.0
"""Where the ciphertext lies: one module per stock driver that can hold it.

A module is imported when its driver is configured, since each needs a library that nobody else has.
"""

import importlib
from typing import NamedTuple

from glance_store import exceptions as store_exceptions
from oslo_config import cfg

from ims_glance.store.inner.base import InnerStore


class _InnerKind(NamedTuple):
    """How a driver's inner store is found.

    :ivar name: of the class in the driver's module
    :ivar needs: modules that the installation of ims_glance may lack
    :ivar remedy: where they come from
    """

    name: str
    needs: tuple[str, ...] = ()
    remedy: str = ""


_INNER = {
    "file": _InnerKind("FileInner"),
    "rbd": _InnerKind(
        "RbdInner",
        ("rados", "rbd"),
        "install Ceph's Python bindings (packages python3-rados and python3-rbd of Debian)",
    ),
    "swift": _InnerKind("SwiftInner", ("swiftclient",), "pip install 'ims_glance[swift]'"),
    "s3": _InnerKind("S3Inner", ("boto3", "botocore"), "pip install 'ims_glance[s3]'"),
}


def load(conf: cfg.ConfigOpts, driver: str, group: str) -> InnerStore:
    """The inner store that uses stock driver *driver* with the options of *group*.

    :raises glance_store.exceptions.BadStoreConfiguration: if a library is missing, or if the stock
        driver refuses the options
    """
    kind = _INNER[driver]
    for name in kind.needs:
        try:
            importlib.import_module(name)
        except ImportError as error:
            raise store_exceptions.BadStoreConfiguration(
                store_name=group,
                reason=f"driver {driver} lacks a library ({error}): {kind.remedy}",
            ) from None
    module = importlib.import_module(f"{__name__}.{driver}")
    inner: type[InnerStore] = getattr(module, kind.name)
    return inner(conf, driver, group)
