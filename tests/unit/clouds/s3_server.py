# SPDX-License-Identifier: Apache-2.0
"""As much of S3 as exports ask for: multipart uploads, each request signed."""

import hashlib
import re
from typing import Any
from urllib.parse import parse_qsl, quote, unquote, urlsplit
from xml.sax.saxutils import escape

from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from keystoneclient.contrib.ec2 import utils

_SIGNATURE = re.compile(
    r"AWS4-HMAC-SHA256 Credential=([^/]+)/\S+, SignedHeaders=\S+, Signature=(\w+)"
)
_PART = re.compile(rb"<PartNumber>(\d+)</PartNumber><ETag>(\w+)</ETag>")
_OWNER = "x-amz-meta-ims-job"
PAGE = 1000
"""Entries of a list, at most, as S3 has it."""
_TOKEN = "after&"


class UploadsHandler:
    """One request. The server's ``uploads`` has those that are not ended, by id."""

    server: Any
    path: str
    headers: Any
    command: str
    body: bytes
    wfile: Any

    @property
    def _query(self) -> dict[str, str]:
        return dict(parse_qsl(urlsplit(self.path).query, keep_blank_values=True))

    def _is_refused(self) -> bool:
        """Whether it was refused for its signature; without a secret there is none."""
        secret = self.server.s3_secret
        if secret is None or self._is_signed(secret):
            return False
        self._answer(403)  # type: ignore[attr-defined]
        return True

    def _is_signed(self, secret: str) -> bool:
        """Whether Keystone, which radosgw asks, would accept the signature."""
        found = _SIGNATURE.fullmatch(self.headers.get("Authorization") or "")
        digest = hashlib.sha256(self.body).hexdigest()
        if found is None or self.headers["X-Amz-Content-SHA256"] != digest:
            return False
        return found[2] == (
            self._of_post(secret) if self.command == "POST" else self._signature(secret, digest)
        )

    def _signature(self, secret: str, digest: str) -> str:
        url = urlsplit(self.path)
        return str(
            utils.Ec2Signer(secret).generate(
                {
                    "access": "",
                    "host": self.headers["Host"],
                    "verb": self.command,
                    "path": url.path,
                    "params": self._query,
                    "headers": dict(self.headers),
                    "body_hash": digest,
                }
            )
        )

    def _of_post(self, secret: str) -> str:
        """keystoneclient's signer takes no notice of a query there, as S3 does."""
        names = re.search("SignedHeaders=([^,]+)", self.headers["Authorization"])
        assert names is not None
        signed = {each: self.headers[each] for each in names[1].split(";")}
        request = AWSRequest("POST", f"http://{self.headers['Host']}{self.path}", headers=signed)
        request.context["timestamp"] = self.headers["X-Amz-Date"]
        region = self.headers["Authorization"].split("/")[2]
        signer = S3SigV4Auth(Credentials("", secret), "s3", region)
        text = signer.string_to_sign(request, signer.canonical_request(request))
        return str(signer.signature(text, request))

    def _send_empty(self, status: int, **headers: str) -> None:
        self.send_response(status)  # type: ignore[attr-defined]
        for name, value in {**headers, "Content-Length": "0"}.items():
            self.send_header(name, value)  # type: ignore[attr-defined]
        self.end_headers()  # type: ignore[attr-defined]

    def _send_xml(self, text: str) -> None:
        # radosgw would answer in JSON.
        assert "json" not in self.headers["Accept"]
        self.send_response(200)  # type: ignore[attr-defined]
        self.send_header("Content-Length", str(len(text.encode())))  # type: ignore[attr-defined]
        self.end_headers()  # type: ignore[attr-defined]
        self.wfile.write(text.encode())

    def _list_uploads(self) -> None:
        if self._is_refused():
            return
        asked = self._query
        if asked.get("list-type") == "2":
            self._list_names(asked)
            return
        assert "uploads" in asked, self.path
        after = asked.get("key-marker", ""), asked.get("upload-id-marker", "")
        found = sorted(
            (each["key"], upload_id)
            for upload_id, each in self.server.uploads.items()
            if each["key"].startswith(asked["prefix"]) and (each["key"], upload_id) > after
        )
        page = found[:PAGE]
        is_cut = len(found) > PAGE
        listed = "".join(
            f"<Upload><Key>{escape(key)}</Key><UploadId>{escape(upload_id)}</UploadId></Upload>"
            for key, upload_id in page
        )
        following = (
            f"<NextKeyMarker>{escape(page[-1][0])}</NextKeyMarker>"
            f"<NextUploadIdMarker>{escape(page[-1][1])}</NextUploadIdMarker>"
            if is_cut
            else ""
        )
        self._send_xml(
            f"<ListMultipartUploadsResult>{following}{_is_cut(is_cut)}{listed}"
            "</ListMultipartUploadsResult>"
        )

    def _list_names(self, asked: dict[str, str]) -> None:
        """``ListObjectsV2``: in their order, a page of them, and a token for what follows."""
        after = unquote(asked.get("continuation-token", "")).removeprefix(_TOKEN)
        names = sorted(
            each
            for each in self.server.objects
            if each.startswith(asked["prefix"]) and each > after
        )
        is_cut = len(names) > PAGE
        listed = "".join(f"<Contents><Key>{escape(each)}</Key></Contents>" for each in names[:PAGE])
        token = quote(f"{_TOKEN}{names[PAGE - 1]}") if is_cut else ""
        following = f"<NextContinuationToken>{token}</NextContinuationToken>" if is_cut else ""
        self._send_xml(f"<ListBucketResult>{_is_cut(is_cut)}{following}{listed}</ListBucketResult>")

    def _list_parts(self) -> None:
        upload = self.server.uploads.get(self._query["uploadId"])
        if upload is not None:
            most = min(PAGE, int(self._query["max-parts"]))
            parts = [f"<Part><PartNumber>{each}</PartNumber></Part>" for each in upload["parts"]]
            cut = _is_cut(len(parts) > most)
            self._send_xml(f"<ListPartsResult>{cut}{''.join(parts[:most])}</ListPartsResult>")
        else:
            self._send_empty(404)

    def _post_object(self, quoted: str) -> None:
        if self._is_refused():
            return
        name = unquote(quoted)
        if "uploads" in self._query:
            upload_id = f"upload/{len(self.server.uploads) + 1}+{self.server.upload_count}"
            self.server.upload_count += 1
            owner = self.headers[_OWNER]
            self.server.uploads[upload_id] = {"key": name, "owner": owner, "parts": {}}
            self._send_xml(f"<Result><UploadId>{upload_id}</UploadId></Result>")
        else:
            self._complete(name, self._query["uploadId"])

    def _complete(self, name: str, upload_id: str) -> None:
        upload = self.server.uploads.get(upload_id)
        if upload is None:
            self._send_empty(404)
            return
        if name in self.server.objects and self.headers.get("If-None-Match") == "*":
            self._send_empty(412)
            return
        data, listed = [], [(int(number), etag) for number, etag in _PART.findall(self.body)]
        assert listed == sorted(listed)
        for number, etag in listed:
            part = upload["parts"][number]
            assert hashlib.md5(part).hexdigest() == etag.decode()
            data.append(part)
        if any(len(part) < self.server.s3_least for part in data[:-1]):
            self._send_empty(400)
            return
        del self.server.uploads[upload_id]
        self.server.objects[name] = b"".join(data)
        self.server.object_owners[name] = upload["owner"]
        self._send_xml("<CompleteMultipartUploadResult/>")

    def _put_object(self, quoted: str) -> None:
        """A part, or an object."""
        if self._is_refused():
            return
        upload = self.server.uploads.get(self._query.get("uploadId"))
        if "uploadId" not in self._query:
            self.server.objects[unquote(quoted)] = self.body
        elif upload is None:
            self._send_empty(404)
            return
        else:
            upload["parts"][int(self._query["partNumber"])] = self.body
        self._send_empty(200, ETag=f'"{hashlib.md5(self.body).hexdigest()}"')

    def _abort(self) -> None:
        known = self.server.uploads.pop(self._query["uploadId"], None)
        self._send_empty(404 if known is None else 204)


def _is_cut(is_it: bool) -> str:
    return f"<IsTruncated>{str(is_it).lower()}</IsTruncated>"
