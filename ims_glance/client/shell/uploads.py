# SPDX-License-Identifier: Apache-2.0
"""A file of the caller's disk, put into a bucket of theirs for as long as an image is made of it."""

import contextlib
import os
import re
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO, TextIO
from urllib.parse import quote

from osc_lib import exceptions

from ims_glance.client.resources.job import Job
from ims_glance.client.shell.progress import Progress

BUCKET = "ims-uploads"
"""Where files go, unless a bucket is named."""
LARGEST = 5 << 30
"""Bytes of the largest object that goes up at once, in S3 and in Swift."""
# What an object may be called everywhere; the ending says what the file ought to be.
_ODD = re.compile(r"[^A-Za-z0-9._-]+")


class LocalFile:
    """A file to be uploaded.

    :param cloud: the caller's connection of openstacksdk
    :param bucket: a container of theirs, made if there is none
    :ivar url: ``bucket:object``
    """

    def __init__(self, cloud: Any, path: Path, bucket: str) -> None:
        self._cloud = cloud
        self._path = path
        self._bucket = bucket
        self._name = f"{uuid.uuid4().hex[:8]}-{_ODD.sub('_', path.name)[-100:]}"
        self._is_begun = self._is_new_bucket = False
        self.url = f"{bucket}:{self._name}"

    def send(self, stream: TextIO) -> None:
        """Upload it, with a bar.

        :raises CommandError: if it cannot be read, or is too large, or is not taken
        """
        try:
            with self._path.open("rb") as opened:
                self._send(opened, stream)
        except OSError as error:
            raise exceptions.CommandError(f"{self._path}: {error.strerror or error}") from error

    def delete(self) -> None:
        """Delete the object, if there is one, and the bucket if that was made for it and is empty.

        :raises CommandError: if it stays
        """
        if not self._is_begun:
            return
        self._ask("DELETE", self._object, may_be_gone=True)
        if self._is_new_bucket:
            with contextlib.suppress(exceptions.CommandError):
                self._ask("DELETE", self._container)

    def _send(self, opened: BinaryIO, stream: TextIO) -> None:
        size = os.fstat(opened.fileno()).st_size
        if not size:
            raise exceptions.CommandError(f"{self._path} is empty.")
        if size > LARGEST:
            raise exceptions.CommandError(
                f"{self._path} has more than 5 GiB, which no object storage takes at once. Upload it in segments "
                "('swift upload --segment-size'), and name it with --file."
            )
        self._is_begun = True
        self._is_new_bucket = self._ask("PUT", self._container).status_code == 201
        progress = Progress(stream)
        try:
            self._ask("PUT", self._object, data=_Watched(opened, size, self._path.name, progress))
        finally:
            progress.close()

    @property
    def _container(self) -> str:
        return f"/{quote(self._bucket, safe='')}"

    @property
    def _object(self) -> str:
        return f"{self._container}/{self._name}"

    def _ask(self, method: str, path: str, may_be_gone: bool = False, **request: Any) -> Any:
        answer = self._cloud.object_store.request(path, method, **request)
        if answer.status_code >= 300 and not (may_be_gone and answer.status_code == 404):
            raise exceptions.CommandError(
                f"The object storage refused {method} {path}: {answer.status_code} {answer.reason}"
            )
        return answer


class _Watched:
    """A file on its way, as ``requests`` sends it: with its length, a piece at a time."""

    def __init__(self, opened: BinaryIO, size: int, name: str, progress: Progress) -> None:
        self._opened = opened
        self._left = size
        self._size = size
        self._task = f"upload {name}"
        self._progress = progress

    def __len__(self) -> int:
        return self._size

    def read(self, length: int = -1) -> bytes:
        """The next piece; no more than the file had when it began."""
        data = self._opened.read(self._left if length < 0 else min(length, self._left))
        self._left -= len(data)
        entities = {
            "done_bytes": self._size - self._left,
            "total_bytes": self._size,
            "current_task": self._task,
        }
        self._progress.show(Job.existing(status="RUNNING", entities=entities))
        return data

    def __iter__(self) -> Iterator[bytes]:
        while piece := self.read(1 << 20):
            yield piece
