# SPDX-License-Identifier: Apache-2.0
"""What the tests of the store build on: real files, keys in a dictionary, damage done to files."""

import contextlib
import os
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import glance_store
from oslo_config import cfg

from ims_glance import exceptions
from ims_glance.crypto import envelope, stream
from ims_glance.store import inner
from ims_glance.store.inner.base import InnerStore
from ims_glance.store.objects import EncryptedObjects
from tests.base import PatternSource

IMAGE_ID = "3b9c2f0e-60c5-4a4e-9d55-0a2e7c7a4b10"
KEY_ID = "d152fa13-2b41-42ca-a934-6c21566c0f40"
NEW_KEY_ID = "0f4a2c1e-7c55-4d0f-8a7e-3f6f1b9c7d21"

FIRST = stream.segment_capacity(0)
REST = stream.segment_capacity(1)


class KeyRing:
    """Keys as :class:`ims_glance.keys.KeyManager` gives them.

    :ivar remembered: keys that were deleted, and can still be read
    """

    def __init__(self) -> None:
        self.keys = {KEY_ID: os.urandom(32), NEW_KEY_ID: os.urandom(32)}
        self.remembered: dict[str, bytes] = {}

    def read(self, key_id: str) -> bytes:
        """The key, from memory if need be.

        :raises KeyNotFound: if there is none
        """
        return self.remembered[key_id] if key_id in self.remembered else self.ask(key_id)

    def ask(self, key_id: str) -> bytes:
        """The key, if it is there.

        :raises KeyNotFound: if there is none
        """
        try:
            return self.keys[key_id]
        except KeyError:
            raise exceptions.KeyNotFound(key_id=key_id) from None


def objects_in(directory: Path, key_ring: KeyRing) -> EncryptedObjects:
    """The objects of an encrypting store over files in *directory*."""
    return EncryptedObjects(file_inner(directory), key_ring.read, key_ring.ask)


def file_inner(directory: Path, **options: Any) -> InnerStore:
    """The inner store over the stock ``file`` driver; in *directory* unless *options* say else."""
    options = {"filesystem_store_datadir": str(directory), **options}
    lines = [
        f"{name} = {value}"
        for name, values in options.items()
        for value in (values if isinstance(values, list) else [values])
    ]
    return inner_of("file", directory, *lines)


def inner_of(driver: str, directory: Path, *lines: str) -> InnerStore:
    """The inner store over a stock driver with some lines of configuration.

    :param directory: beside which the configuration file is put
    """
    conf = cfg.ConfigOpts()
    configuration = directory.with_suffix(".conf")
    configuration.write_text("\n".join(["[kms_inner]", *lines, ""]))
    conf(["--config-file", str(configuration)], project="glance")
    # As Glance has done it before it makes stores.
    conf.register_opt(cfg.DictOpt("enabled_backends", default={}))
    glance_store.register_store_opts(conf)
    return inner.load(conf, driver, "kms_inner")


def write(
    objects: EncryptedObjects, size: int, key_id: str = KEY_ID, image_id: str = IMAGE_ID
) -> str:
    """An object with the image ``pattern(0, size)``; its id."""
    object_id, digests = objects.write(image_id, key_id, PatternSource(size), size, "sha256")
    assert digests.size == size
    return object_id


def read(objects: EncryptedObjects, object_id: str, *offset_and_length: int) -> bytes:
    """An image, or a range of it."""
    reader, _header = objects.read(object_id, *offset_and_length)
    return b"".join(reader)


def names(objects: EncryptedObjects) -> list[str]:
    """Everything in the inner store."""
    return sorted(stored.name for stored in objects.inner.objects())


def body_path(objects: EncryptedObjects, object_id: str) -> Path:
    """The file of an object's body."""
    return Path(objects.inner.uri(f"ims-{object_id}").removeprefix("file://"))


def header_path(objects: EncryptedObjects, object_id: str, which: str = "a") -> Path:
    """The file of an object's header."""
    return body_path(objects, object_id).with_suffix(f".header-{which}")


def header_of(path: Path) -> envelope.Header:
    """What a header's file says."""
    return envelope.parse(path.read_bytes(), path.name.removeprefix("ims-")[:32])


@contextlib.contextmanager
def changed(path: Path, content: bytes | None) -> Iterator[None]:
    """Within, the file has another content, or is gone."""
    original = path.read_bytes()
    try:
        if content is None:
            path.unlink()
        else:
            path.write_bytes(content)
        yield
    finally:
        path.write_bytes(original)


@contextlib.contextmanager
def flipped(path: Path, byte: int, bit: int) -> Iterator[None]:
    """Within, one bit of the file is another."""
    descriptor = os.open(path, os.O_RDWR)
    try:
        original = os.pread(descriptor, 1, byte)
        os.pwrite(descriptor, bytes([original[0] ^ 1 << bit]), byte)
        yield
    finally:
        os.pwrite(descriptor, original, byte)
        os.close(descriptor)


def lanes() -> list[str]:
    """Threads of uploads that run."""
    return [each.name for each in threading.enumerate() if each.name.startswith("ims-kms-")]
