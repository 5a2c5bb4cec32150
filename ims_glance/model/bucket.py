# SPDX-License-Identifier: Apache-2.0
"""Files in buckets of the object storage, as IMS names them: ``bucket:object``.

Sources: IMS "image_url" and "bucket_url", and its codes IMG.0073 to 0075, 0109 and 0175. A bucket is a
container in Swift's words.
"""

import dataclasses
import unicodedata
from typing import Self

from ims_glance import exceptions
from ims_glance.model.text import free_text

MAX_OBJECT = 1024
"""Bytes of an object's name, in S3 and in Swift."""

# HTTP libraries take these out of a path, with what stands before: "../x" is in another bucket then.
_STEPS = frozenset({".", ".."})


class FileNameMissing(exceptions.Invalid):
    """There is a bucket and no object."""

    code = "IMG.0073"
    template = "Name a file as 'bucket:object', not '{text}'."


class FileNameTooLong(exceptions.Invalid):
    """No object storage takes such a name."""

    code = "IMG.0074"
    template = "The name of the file has {length} bytes; {most} are the most."


class FileNameMalformed(exceptions.Invalid):
    """The name could mean another file on its way, or cannot be recorded."""

    code = "IMG.0075"
    template = (
        "The name of the file may have no blanks, no control characters, no characters beyond the basic "
        "plane of Unicode, and no part '.' or '..' between slashes. Give the object another name."
    )


@dataclasses.dataclass(frozen=True)
class BucketFile:
    """A file in a bucket.

    :ivar name: of the object
    """

    bucket: str
    name: str

    @classmethod
    def parse(cls, text: str) -> Self:
        """The file that is named as ``bucket:object``.

        :raises FileNameMissing, FileNameTooLong, FileNameMalformed: if there cannot be one
        """
        bucket, _colon, name = text.partition(":")
        if not bucket or not name:
            raise FileNameMissing(text=text[:64])
        if not _is_plain(text) or _STEPS.intersection(name.split("/")) or bucket in _STEPS:
            raise FileNameMalformed
        length = len(name.encode())
        if length > MAX_OBJECT:
            raise FileNameTooLong(length=length, most=MAX_OBJECT)
        return cls(bucket, name)

    def __str__(self) -> str:
        return f"{self.bucket}:{self.name}"


def _is_plain(text: str) -> bool:
    """Whether a text has only characters that can be sent, recorded and told."""
    if not free_text.is_storable(text) or any(each.isspace() for each in text):
        return False
    return not any(unicodedata.category(each) in ("Cc", "Cs") for each in text)
