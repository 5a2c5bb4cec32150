# SPDX-License-Identifier: Apache-2.0
"""Everything of glance_store that is not published, and that an inner store needs all the same.

Nothing of it is replaced or changed. It stands here and nowhere else, so that one look tells what
a new glance_store can break: ``pyproject.toml`` has an upper bound for that reason, and
``tests/unit/store/inner/test_stock.py`` asks each name of the glance_store that is installed.
"""

from types import ModuleType
from typing import Any

from glance_store import driver as store_driver
from oslo_config import cfg


def common_options() -> list[cfg.Opt]:
    """The options that every store has in its group."""
    return list(store_driver._MULTI_BACKEND_OPTS)


def best_directory(file_driver: Any, size: int) -> str:
    """Where the stock ``file`` driver would put an image.

    :param size: of what is to be written, in bytes
    :raises glance_store.exceptions.StorageFull: if it fits nowhere
    """
    found: str = file_driver._find_best_datadir(size)
    return found


def s3_client(s3_driver: Any) -> Any:
    """A client of boto3 with the options of the stock ``s3`` driver."""
    return s3_driver._create_s3_client()


def rbd() -> ModuleType:
    """The module of the stock ``rbd`` driver: its ``rbd``, and its ``DEFAULT_SNAPNAME``."""
    from glance_store._drivers import rbd as module  # noqa: PLC0415

    loaded: ModuleType = module
    return loaded
