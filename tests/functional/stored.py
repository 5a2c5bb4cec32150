# SPDX-License-Identifier: Apache-2.0
"""What lies in an encrypting store's directory, read by the published format and nothing of ours."""

import base64
import contextlib
import dataclasses
import json
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

FIRST = (1 << 20) - 40 - 16
"""Bytes of the image in segment 0."""
FULL = (1 << 20) - 16
"""Bytes of the image in every other segment that is full."""


@dataclasses.dataclass(frozen=True)
class Stored:
    """An image as it lies in a store's directory."""

    directory: Path
    object_id: str

    @property
    def body(self) -> Path:
        return self.directory / f"ims-{self.object_id}"

    @property
    def headers(self) -> list[Path]:
        return sorted(self.directory.glob(f"ims-{self.object_id}.header-?"))

    @property
    def header(self) -> Path:
        (header,) = self.headers
        return header

    @property
    def fields(self) -> dict[str, Any]:
        """What the header says."""
        return dict(json.loads(self.header.read_bytes().splitlines()[1]))

    @property
    def uri(self) -> str:
        """Its location, as Glance keeps it."""
        return f"ims-kms://{self.directory.name}/{self.object_id}"

    def data_key(self, key: bytes) -> bytes:
        """The data key, unwrapped with the *key* of the one slot."""
        fields = self.fields
        (slot,) = fields["slots"]
        kdf = HKDF(hashes.SHA256(), 32, salt=self.object_id.encode(), info=b"ims-kms/1 wrap")
        bound = ("ims-kms/1 slot", self.object_id, fields["image_id"], slot["key_id"])
        nonce, wrapped = (base64.b64decode(slot[name]) for name in ("nonce", "wrapped_key"))
        return AESGCM(kdf.derive(key)).decrypt(nonce, wrapped, "\n".join(bound).encode())


def find(directory: Path, image_id: str) -> Stored:
    """The image, by what the headers in *directory* say."""
    objects = {path.name[4:36] for path in directory.glob("ims-*.header-?")}
    found = [
        stored
        for object_id in objects
        if (stored := Stored(directory, object_id)).fields["image_id"] == image_id
    ]
    (only,) = found
    return only


def names(*directories: Path) -> set[Path]:
    """All that lies in some directories."""
    return {path for directory in directories for path in directory.rglob("*")}


@contextlib.contextmanager
def nothing_left(*directories: Path) -> Iterator[None]:
    """The block leaves behind in the directories what was there before it, and no more.

    What a connection that was cut off leaves is removed by a server that needs a moment to notice.
    """
    before = names(*directories)
    yield
    end = time.monotonic() + 240
    while names(*directories) != before and time.monotonic() < end:
        time.sleep(0.05)
    after = names(*directories)
    assert after == before, f"left: {after - before}, gone: {before - after}"


def flip(path: Path, position: int) -> None:
    """Change one bit of the byte at *position*; counted from the end if negative."""
    data = bytearray(path.read_bytes())
    data[position] ^= 1
    path.write_bytes(data)


def swap(one: Path, other: Path) -> None:
    """Exchange the contents of two files."""
    first, second = one.read_bytes(), other.read_bytes()
    one.write_bytes(second)
    other.write_bytes(first)


@contextlib.contextmanager
def tiny_disk(directory: Path, options: str) -> Iterator[None]:
    """Have *directory* on a small disk of its own.

    :param options: of mount(8) for tmpfs, as ``size=2m``
    """
    _run("mount", "-t", "tmpfs", "-o", options, "tiny", str(directory))
    try:
        yield
    finally:
        _run("umount", str(directory))


@contextlib.contextmanager
def read_only(directory: Path) -> Iterator[None]:
    """Have *directory* on a disk that takes no writes."""
    _run("mount", "--bind", str(directory), str(directory))
    try:
        _run("mount", "-o", "remount,bind,ro", str(directory))
        yield
    finally:
        _run("umount", str(directory))


def _run(*command: str) -> None:
    subprocess.run(command, check=True)
