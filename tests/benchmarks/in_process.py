# SPDX-License-Identifier: Apache-2.0
"""``add()`` of the drivers themselves, in one process, without Glance."""

import secrets
import shutil
import statistics
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import glance_store
from glance_store import location
from oslo_config import cfg

from ims_glance.store import driver
from ims_glance.store.objects import EncryptedObjects
from tests.benchmarks.harness import Figure, in_turns, median_ratio, seconds

SIZE = 1 << 30
_BLOCK = secrets.token_bytes(1 << 26)


class RandomSource:
    """*size* bytes of incompressible data, made at no cost."""

    def __init__(self, size: int) -> None:
        self._left = size

    def read(self, size: int) -> bytes:
        """The next bytes, at most *size*."""
        start = -self._left % len(_BLOCK)
        piece = _BLOCK[start : start + min(size, self._left)]
        self._left -= len(piece)
        return piece


def add() -> Figure:
    """MB/s of ``add()``: ims-kms over file against the stock file driver."""
    with _stores() as (plain, kms):

        def measure(store: Any, turn: int) -> float:
            took = seconds(
                lambda: uris.append(store.add(f"i{turn}", RandomSource(SIZE), SIZE, "sha512"))
            )
            store.delete(_location(store, uris.pop()[0]))
            return SIZE / 1e6 / took

        uris: list[Any] = []
        stock, ours = in_turns(lambda turn: measure(plain, turn), lambda turn: measure(kms, turn))
    return Figure(
        "in-process `add()` of 1 GiB, ims-kms over file ÷ stock file driver, MB/s",
        "≥ 1.6",
        f"{median_ratio(ours, stock):.2f} ({statistics.median(ours):.0f} ÷ "
        f"{statistics.median(stock):.0f} MB/s)",
    )


def _location(store: Any, uri: str) -> location.Location:
    return location.Location(
        store.get_schemes()[0],
        store.get_store_location_class(),
        store.conf,
        uri=uri,
        backend=store.backend_group,
    )


@contextmanager
def _stores() -> Iterator[tuple[Any, driver.Store]]:
    """The stock file driver and ours over it, side by side on the disk of the working directory."""
    directory = Path(tempfile.mkdtemp(prefix=".bench-", dir=Path.cwd()))
    try:
        conf = cfg.ConfigOpts()
        conf.register_opt(cfg.DictOpt("enabled_backends"))
        conf([], default_config_files=[])
        conf.set_default("enabled_backends", {"plain": "file", "kms": "ims-kms"})
        glance_store.register_store_opts(conf)
        conf.set_default("filesystem_store_datadir", str(directory / "plain"), "plain")
        conf.set_default("ims_kms_inner_driver", "file", "kms")
        from glance_store._drivers import filesystem  # noqa: PLC0415

        conf.register_opts(filesystem.Store.OPTIONS, group="kms_inner")
        conf.set_default("filesystem_store_datadir", str(directory / "inner"), "kms_inner")
        plain = filesystem.Store(conf, backend="plain")
        plain.configure(re_raise_bsc=True)
        kms = driver.Store(conf, "kms")
        kms.configure(re_raise_bsc=True)
        kms.key_id_of = lambda _image_id: "0" * 32
        key = secrets.token_bytes(32)
        kms.objects = EncryptedObjects(kms.objects.inner, *[lambda _key_id: key] * 2)
        yield plain, kms
    finally:
        shutil.rmtree(directory)
