# SPDX-License-Identifier: Apache-2.0
"""Ciphertext in S3 objects, in the bucket of the stock ``s3`` driver."""

import datetime
import functools
import http
import logging
from collections.abc import Iterable, Iterator
from typing import Any

from boto3.s3 import transfer
from glance_store import exceptions as store_exceptions
from oslo_utils import units

from ims_glance.crypto.stream import Buffer
from ims_glance.store.inner import stock
from ims_glance.store.inner.base import NAME_PREFIX, InnerStore, StoredObject, file_of

LOG = logging.getLogger(__name__)

# S3 takes 10,000 parts: these make 156 GiB of an image whose size is not known beforehand.
_PART_SIZE = 16 * units.Mi
_MAX_PARTS = 10_000
# And no object is larger than this.
_MAX_SIZE = 5 * units.Ti
_READ_SIZE = units.Mi
# Between the name of an object and the id of an upload of it.
_UPLOAD = ".upload-"


class S3Inner(InnerStore):
    """Writes with boto3's own uploader: the stock driver keeps an object of unknown size in memory.

    Reads with the ``Range`` header, which the stock driver does not send.

    The parts that an upload has sent whose process was killed lie in the bucket, are paid for, and
    are in no list of objects. They are listed here as something unfinished, whose name is that of
    the object with the upload's id.
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
        yield from self._uploads(prefix)

    def _uploads(self, prefix: str) -> Iterator[StoredObject]:
        """The uploads in parts that nobody has ended."""
        client = self._client
        pages = client.get_paginator("list_multipart_uploads")
        try:
            listed = pages.paginate(Bucket=self._shared.bucket, Prefix=prefix)
            for upload in (each for page in listed for each in page.get("Uploads", ())):
                last = self._last_written(upload)
                if last is not None:
                    name = f"{upload['Key']}{_UPLOAD}{upload['UploadId']}"
                    yield StoredObject(name, last, unfinished=True)
        except client.exceptions.ClientError as error:
            # Not every server has that list, and the user of the store may not be allowed to see it.
            LOG.warning(
                "Uploads in store %s that were broken off are not seen: %s", self.group, error
            )

    def _last_written(self, upload: Any) -> datetime.datetime | None:
        """When an upload began, or sent its last part: it may go on for days; ``None`` if it has ended by now."""
        pages = self._client.get_paginator("list_parts").paginate(
            Bucket=self._shared.bucket, Key=upload["Key"], UploadId=upload["UploadId"]
        )
        try:
            found = [part["LastModified"] for page in pages for part in page.get("Parts", ())]
        except self._client.exceptions.NoSuchUpload:
            return None
        last: datetime.datetime = max([upload["Initiated"], *found])
        return last

    def delete(self, name: str) -> None:
        key, is_upload, upload_id = name.partition(_UPLOAD)
        if not is_upload:
            super().delete(name)
            return
        client = self._client
        try:
            client.abort_multipart_upload(Bucket=self._shared.bucket, Key=key, UploadId=upload_id)
        except client.exceptions.NoSuchUpload:
            raise store_exceptions.NotFound(image=name) from None

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
