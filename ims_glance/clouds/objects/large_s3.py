# SPDX-License-Identifier: Apache-2.0
"""A large file in S3: a multipart upload.

Every request is signed with its body's SHA-256, and every part needs its length beforehand. So of one that is not held
in memory, the bytes are made twice: once to know both, and once to send them; only a file of more than 140 GiB has
such parts.

An upload that nobody ends costs its owner space, and can be told from another one of the same name by its id alone. So
beside the file lies an object (a *mark*) that says which uploads there were before, then which one is ours. Of a worker
that died between the two nobody knows the id. The upload is one that began since, has no part, and is no other
export's, by whose mark that is known; while another one is just beginning, nobody can tell, and it is asked again later.
"""

import hashlib
import html
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any
from urllib.parse import quote
from xml.sax.saxutils import escape

from keystoneauth1.adapter import Adapter
from oslo_serialization import jsonutils

from ims_glance.clouds import rest
from ims_glance.clouds.objects.base import (
    BucketDenied,
    FileUnreadable,
    HttpFiles,
    path_of,
)
from ims_glance.clouds.objects.large import (
    FileExists,
    FileIncomplete,
    LargeFile,
    NewPart,
    PartBody,
    SentPart,
)
from ims_glance.model.bucket import BucketFile
from ims_glance.writers.parts import S3_LEAST

SHA256 = "X-Amz-Content-SHA256"
_OWNER = "x-amz-meta-ims-job"
_MOST_MARK = 1 << 20
_UPLOAD = re.compile(r"<Upload>(.*?)</Upload>", re.DOTALL)
_ID = re.compile(r"<UploadId>([^<]+)</UploadId>")
_KEY = re.compile(r"<Key>([^<]+)</Key>")
_ENDING = ".mark"
_BEGINNINGS = 3
# A page of a list has a thousand entries at most; so many are read.
_MOST_PAGES = 1000
_IS_CUT = re.compile(r"<IsTruncated>\s*true\s*</IsTruncated>")
# What the next page of a list is asked for with, by what this one says.
_NAMES_GO_ON = {"continuation-token": "NextContinuationToken"}
_UPLOADS_GO_ON = {"key-marker": "NextKeyMarker", "upload-id-marker": "NextUploadIdMarker"}


class S3LargeFile(LargeFile):
    """One of S3.

    :param service: sends requests, signed
    """

    owner_header = _OWNER
    most_parts = 10_000
    least_part = S3_LEAST

    def __init__(
        self, service: Adapter, file: BucketFile, owner: str, pause: Callable[[float], None]
    ) -> None:
        super().__init__(file, owner, pause)
        self._http = HttpFiles(service)
        self._bucket = f"/{quote(file.bucket, safe='')}"
        self._note = path_of(BucketFile(file.bucket, f"{file.name}.{owner}.note"))
        self._mark = path_of(BucketFile(file.bucket, f"{file.name}.{owner}{_ENDING}"))

    def _has_bucket(self) -> bool:
        return self._ask("HEAD", self._bucket, missing=True) is not None

    def begin(self) -> None:
        """Begin an upload; one that was begun before is ended."""
        self._abort()
        self.parts.clear()
        for _ in range(_BEGINNINGS):
            before = self._uploads()
            mark = jsonutils.dump_as_bytes({"before": before, "upload": ""})
            if len(mark) > _MOST_MARK // 2:
                raise FileUnreadable(
                    file=self.file,
                    reason=f"{len(before)} uploads of it were begun and never ended; end them first",
                )
            self._write(self._mark, mark)
            self.reference = self._begun()
            known = {"before": before, "upload": self.reference}
            self._write(self._mark, jsonutils.dump_as_bytes(known))
            # Until then another export, which lost its own, could take it for that.
            if self._parts_of(self.reference) is not None:
                return
        raise self._http.away("uploads are ended by somebody else as soon as they begin")

    def _begun(self) -> str:
        """Begin one; its id."""
        answer = self._ask("POST", path_of(self.file), query="uploads", headers=self._headers)
        found = _ID.search(answer.content.decode(errors="replace"))
        if found is None:
            raise self._http.away("an upload was begun, and no id of it told")
        return html.unescape(found[1])

    def go_on(self, reference: str, parts: dict[int, SentPart]) -> bool:
        """Take over an upload, if it was not ended meanwhile."""
        super().go_on(reference, parts)
        return self._parts_of(reference) is not None

    def put(self, part: NewPart) -> None:
        """``UploadPart``."""
        size, digest = _measured(part)
        body = PartBody(NewPart(part.offset, part.pieces, size))
        answer = self._patiently(
            lambda: self._ask(
                "PUT",
                path_of(self.file),
                query=f"partNumber={self._number(part.offset)}&uploadId={self._quoted}",
                data=body,
                headers={SHA256: digest},
            )
        )
        self.parts[part.offset] = SentPart(size, str(answer.headers.get("ETag") or "").strip('"'))

    def finish(self) -> int:
        """``CompleteMultipartUpload``."""
        size = sum(part.size for part in self.parts.values())
        try:
            if self.size is None:
                if self._head() is not None:
                    raise FileExists(file=self.file)
                self._complete()
            else:
                # An earlier request was done after its answer was given up.
                self._abort()
        except rest.Refused as refused:
            # Without an upload, its end may have been told to nobody.
            if refused.status == 412 and self.size is None:
                raise FileExists(file=self.file) from None
            if refused.status not in (404, 412):
                raise FileUnreadable(file=self.file, reason=refused.details["reason"]) from None
        found = self.size
        if found != size:
            self.delete()
            raise FileIncomplete(file=self.file, found=found or 0, size=size)
        return size

    def delete(self) -> None:
        """Delete the object, and end the upload."""
        if self.size is not None:
            self._ask("DELETE", path_of(self.file), missing=True)
        self._abort()
        self.forget()

    def keep(self, note: bytes) -> None:
        """An object beside the file."""
        self._write(self._note, note)

    def kept(self, most: int) -> bytes | None:
        """``GET`` of that object."""
        return self._read(self._note, most)

    def forget(self) -> None:
        """``DELETE`` of it, and of the mark."""
        for path in (self._note, self._mark):
            self._ask("DELETE", path, missing=True)

    # --- inside --------------------------------------------------------------------------------

    @property
    def _headers(self) -> dict[str, str]:
        return {_OWNER: self._owner, "Content-Type": "application/octet-stream"}

    @property
    def _quoted(self) -> str:
        return quote(self.reference, safe="")

    def _number(self, offset: int) -> int:
        """Of a part, which is its place in the file; the first one may come last."""
        if self.is_numbered:
            return 1 + offset
        before = sum(1 for each in self.parts if 0 < each < offset)
        return 2 + before if offset else 1

    def _complete(self) -> None:
        listed = "".join(
            f"<Part><PartNumber>{self._number(offset)}</PartNumber>"
            f"<ETag>{escape(part.etag)}</ETag></Part>"
            for offset, part in sorted(self.parts.items())
        )
        answer = self._ask(
            "POST",
            path_of(self.file),
            query=f"uploadId={self._quoted}",
            data=f"<CompleteMultipartUpload>{listed}</CompleteMultipartUpload>".encode(),
            headers={"If-None-Match": "*", "Content-Type": "application/xml"},
        )
        if b"<Error>" in answer.content:
            raise self._http.away("the parts could not be put together")

    def _abort(self) -> None:
        """End the upload that the mark tells of, or was to tell of; those of others go on."""
        known = self._marked(self._mark)
        if known is None:
            return
        before, named = known
        for each in [named] if named else self._unnamed(before):
            query = f"uploadId={quote(each, safe='')}"
            self._ask("DELETE", path_of(self.file), missing=True, query=query)
        self.forget()

    def _unnamed(self, before: list[str]) -> list[str]:
        """Ids of uploads that may be the one that was begun, and nobody else's.

        :param before: ids of those that were there before
        :raises ServiceUnavailable: if that is known in a moment
        """
        found = set(self._uploads()) - set(before)
        if not found:
            return []
        for owner, mark in self._other_marks():
            theirs = self._marked(mark)
            if theirs is None:
                continue
            # Both may have died so: the first of them goes on then.
            if not theirs[1] and owner < self._owner:
                raise self._http.away("another export to the same file is just beginning")
            found.discard(theirs[1])
        return [each for each in sorted(found) if self._parts_of(each) == 0]

    def _other_marks(self) -> list[tuple[str, str]]:
        """Owners and paths of the marks of other exports to such a file."""
        prefix = f"{self.file.name}."
        query = f"list-type=2&prefix={quote(prefix, safe='')}"
        found = []
        for key in (key for page in self._pages(query, _NAMES_GO_ON) for key in _KEY.findall(page)):
            name = html.unescape(key)
            owner = name[len(prefix) : -len(_ENDING)]
            if name == f"{prefix}{owner}{_ENDING}" and owner != self._owner and "." not in owner:
                found.append((owner, path_of(BucketFile(self.file.bucket, name))))
        return found

    def _marked(self, path: str) -> tuple[list[str], str] | None:
        """What a mark says: the ids of the uploads before, and that of its own, if it is known."""
        kept = self._read(path, _MOST_MARK)
        if kept is None:
            return None
        try:
            known = jsonutils.loads(kept)
            return [str(each) for each in known["before"]], str(known["upload"])
        except (ValueError, KeyError, TypeError):
            return None

    def _parts_of(self, upload_id: str) -> int | None:
        """How many parts an upload has, 1 for more; ``None`` if there is no such upload.

        So the first page tells enough, be it of one part.
        """
        query = f"max-parts=1&uploadId={quote(upload_id, safe='')}"
        answer = self._ask("GET", path_of(self.file), missing=True, query=query)
        return None if answer is None else min(1, answer.content.count(b"<PartNumber>"))

    def _uploads(self) -> list[str]:
        """Ids of the uploads of such a file."""
        query = f"prefix={quote(self.file.name, safe='')}&uploads="
        found = []
        for page in self._pages(query, _UPLOADS_GO_ON):
            for (upload,) in map(re.Match.groups, _UPLOAD.finditer(page)):
                key, upload_id = _KEY.search(upload), _ID.search(upload)
                if key and upload_id and html.unescape(key[1]) == self.file.name:
                    found.append(html.unescape(upload_id[1]))
        return found

    def _pages(self, query: str, going_on: Mapping[str, str]) -> Iterator[str]:
        """A list of the bucket, page by page: S3 cuts each after a thousand entries, and says so.

        :param going_on: parameters of the next page, and the elements of this one that have their values
        :raises ServiceUnavailable: if the list has no end
        """
        following = ""
        for _ in range(_MOST_PAGES):
            page = self._ask("GET", self._bucket, query=f"{query}{following}").content.decode()
            yield page
            if not _IS_CUT.search(page):
                return
            told = {name: _told(page, element) for name, element in going_on.items()}
            before, following = (
                following,
                "".join(
                    f"&{name}={quote(value, safe='')}" for name, value in told.items() if value
                ),
            )
            if following in ("", before):
                break
        raise self._http.away("a list of the bucket has no end")

    def _write(self, path: str, data: bytes) -> None:
        self._patiently(lambda: self._ask("PUT", path, data=data))

    def _read(self, path: str, most: int) -> bytes | None:
        answer = self._ask("GET", path, missing=True, stream=True)
        return None if answer is None else self._http.bounded(answer, most)

    def _head(self) -> Any:
        answer = self._ask("HEAD", path_of(self.file), missing=True)
        return None if answer is None else answer.headers

    def _ask(
        self, method: str, path: str, missing: bool = False, query: str = "", **request: Any
    ) -> Any:
        """An answer; ``None`` if what is asked for may be missing, and is."""
        try:
            where = f"{path}?{query}" if query else path
            # radosgw answers in JSON who takes nothing else.
            headers = {"Accept": "application/xml", **(request.pop("headers", None) or {})}
            return self._http.request(method, where, log=False, headers=headers, **request)
        except rest.Refused as refused:
            if missing and refused.status in (404, 410):
                return None
            if refused.status == 403:
                raise BucketDenied(file=self.file) from None
            raise


def _told(page: str, element: str) -> str:
    found = re.search(f"<{element}>([^<]+)</{element}>", page)
    return html.unescape(found[1]) if found else ""


def _measured(part: NewPart) -> tuple[int, str]:
    """The length of a part, and its SHA-256 in hexadecimal."""
    hasher, size = hashlib.sha256(), 0
    for piece in part.pieces():
        hasher.update(piece)
        size += len(piece)
    return size, hasher.hexdigest()
