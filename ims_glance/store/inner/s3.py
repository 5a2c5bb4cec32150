# SPDX-License-Identifier: Apache-2.0
"""Ciphertext in S3 objects, in the bucket of the stock ``s3`` driver."""

import functools
import http
from collections.abc import Iterable, Iterator
from typing import Any

from boto3.s3 import transfer
from glance_store import exceptions as store_exceptions
from oslo_utils import units

from ims_glance.crypto.stream import Buffer
from ims_glance.store.inner import stock
from ims_glance.store.inner.base import NAME_PREFIX, InnerStore, StoredObject, file_of

# S3 takes 10,000 parts: these make 156 GiB of an image whose size is not known beforehand.
_PART_SIZE = 16 * units.Mi
_MAX_PARTS = 10_000
# And no object is larger than this.
_MAX_SIZE = 5 * units.Ti
_READ_SIZE = units.Mi


class S3Inner(InnerStore):
    """Writes with boto3's own uploader: the stock driver keeps an object of unknown size in memory.

    Reads with the ``Range`` header, which the stock driver does not send.
    """

    @functools.cached_property
    def _client(self) -> Any:
        # Clients are thread-safe, and dear to make.
        return stock.s3_client(self._shared)

    def uri(self, name: str) -> str:
        return f"{self._shared.url_prefix}/{name}"

    def objects(self, prefix: str = NAME_PREFIX) -> Iterator[StoredObject]:
        pages = self._client.get_paginator("list_objects_v2")
        for page in pages.paginate(Bucket=self._shared.bucket, Prefix=prefix):
            for entry in page.get("Contents", ()):
                yield StoredObject(entry["Key"], entry["LastModified"])

    def put(self, name: str, chunks: Iterable[Buffer], size: int) -> None:
        if size > _MAX_SIZE:
            raise store_exceptions.StorageFull
        if self._exists(name):
            raise store_exceptions.Duplicate(image=name)
        # Parts are sent one after the other: each is in memory while it is.
        options = transfer.TransferConfig(
            multipart_chunksize=max(_PART_SIZE, -(-size // _MAX_PARTS)), use_threads=False
        )
        self._client.upload_fileobj(file_of(chunks), self._shared.bucket, name, Config=options)

    def stream(self, name: str, offset: int) -> tuple[Iterator[bytes], int]:
        client = self._client
        try:
            found = client.get_object(
                Bucket=self._shared.bucket, Key=name, Range=f"bytes={offset}-"
            )
        except client.exceptions.ClientError as error:
            code = error.response["Error"]["Code"]
            if code == "InvalidRange":
                # It ends before that.
                return iter(()), offset
            status = error.response["ResponseMetadata"]["HTTPStatusCode"]
            if status == http.HTTPStatus.NOT_FOUND and code != "NoSuchBucket":
                raise store_exceptions.NotFound(image=name) from None
            if status >= http.HTTPStatus.INTERNAL_SERVER_ERROR:
                # Nobody has to change anything; it may be asked again.
                raise
            raise self._misconfigured(f"{status} ({code})") from None
        return found["Body"].iter_chunks(_READ_SIZE), offset

    def _exists(self, name: str) -> bool:
        client = self._client
        try:
            client.head_object(Bucket=self._shared.bucket, Key=name)
        except client.exceptions.ClientError as error:
            status = error.response["ResponseMetadata"]["HTTPStatusCode"]
            if status == http.HTTPStatus.NOT_FOUND:
                return False
            raise self._misconfigured(str(status)) from None
        return True

    def _misconfigured(self, answer: str) -> Exception:
        """As the stock driver says it."""
        misconfigured: Exception = store_exceptions.BadStoreConfiguration(
            store_name=self.group, reason=f"S3 answers {answer} when it is asked for an object"
        )
        return misconfigured
