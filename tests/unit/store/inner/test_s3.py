# SPDX-License-Identifier: Apache-2.0
"""What is asked of S3; what its servers make of it is tested with the contract of all drivers on a cloud."""

import datetime
import re

import pytest
from botocore.awsrequest import AWSResponse
from botocore.exceptions import ClientError
from glance_store import exceptions as store_exceptions
from oslo_utils import units

from ims_glance.store.inner.base import StoredObject
from ims_glance.store.inner.s3 import S3Inner
from ims_glance.store.objects import EncryptedObjects
from tests.unit.store import stores

NAME = "ims-0123456789abcdef0123456789abcdef"
NO_KEY = b"<Error><Code>NoSuchKey</Code></Error>"


class Raw:
    """The body of an answer."""

    def __init__(self, body):
        self._body = body

    def stream(self):
        yield self._body

    def read(self, *_size):
        body, self._body = self._body, b""
        return body


class Server:
    """Answers as it is told to, and keeps what it was asked."""

    def __init__(self):
        self.asked = []
        self.answers = {}

    def send(self, request, **_options):
        path, _mark, query = request.url.partition("/images")[2].partition("?")
        # What is asked of an object or of the bucket, without how long the answer may be.
        about = re.search(r"uploadId=\w+|uploads|list-type", query)
        what = f"{request.method} {path or '/'}{'?' + about[0] if about else ''}"
        self.asked.append(what)
        status, body = self.answers.get(what, (404, NO_KEY))
        return AWSResponse(request.url, status, {}, Raw(body))


@pytest.fixture
def server():
    return Server()


@pytest.fixture
def inner(server, tmp_path):
    options = {
        "host": "http://s3.invalid",
        "access_key": "k",
        "secret_key": "s",
        "bucket": "images",
        "bucket_url_format": "path",
        "region_name": "r",
    }
    lines = [f"s3_store_{name} = {value}" for name, value in options.items()]
    made = stores.inner_of("s3", tmp_path / "inner", *lines)
    assert isinstance(made, S3Inner)
    made._client.meta.events.register("before-send.s3", server.send)
    return made


def test_what_is_larger_than_any_object_is_not_begun(inner, server):
    """Each part is in memory while it is sent, and there are 10,000 of them at most."""
    with pytest.raises(store_exceptions.StorageFull):
        inner.put(NAME, iter(()), 5 * units.Ti + 1)
    assert server.asked == []


def test_an_object_is_read_with_one_request(inner, server):
    server.answers[f"GET /{NAME}"] = 206, b"data"
    assert inner.open(NAME).read(0, 4) == b"data"
    assert server.asked == [f"GET /{NAME}"]


def test_an_object_that_is_deleted_meanwhile_is_not_there(inner, server):
    """Whoever asks for it first, and then reads, may find it gone."""
    server.answers[f"HEAD /{NAME}"] = 200, b""
    with pytest.raises(store_exceptions.NotFound):
        inner.open(NAME)


def test_what_ends_before_the_range_is_read_to_its_end(inner, server):
    server.answers[f"GET /{NAME}"] = 416, b"<Error><Code>InvalidRange</Code></Error>"
    assert inner.open(NAME).read(0, 4) == b""


@pytest.mark.parametrize(("status", "code"), [(403, "AccessDenied"), (404, "NoSuchBucket")])
def test_a_refusal_is_no_missing_object(inner, server, status, code):
    server.answers[f"GET /{NAME}"] = status, f"<Error><Code>{code}</Code></Error>".encode()
    with pytest.raises(store_exceptions.BadStoreConfiguration, match=f"S3 answers {status}"):
        inner.open(NAME)


def test_a_server_that_is_busy_has_no_fault_of_configuration(inner, server, monkeypatch):
    monkeypatch.setattr("time.sleep", lambda _seconds: None)
    server.answers[f"GET /{NAME}"] = 503, b"<Error><Code>SlowDown</Code></Error>"
    with pytest.raises(ClientError, match="SlowDown"):
        inner.open(NAME)


# --- uploads that were broken off ---------------------------------------------------------------

UPLOADS = f"""<ListMultipartUploadsResult><IsTruncated>false</IsTruncated>
<Upload><Key>{NAME}</Key><UploadId>u1</UploadId><Initiated>2026-11-01T00:00:00Z</Initiated></Upload>
</ListMultipartUploadsResult>""".encode()
PARTS = b"""<ListPartsResult><IsTruncated>false</IsTruncated>
<Part><PartNumber>1</PartNumber><LastModified>2026-11-02T00:00:00Z</LastModified></Part>
<Part><PartNumber>2</PartNumber><LastModified>2026-11-03T00:00:00Z</LastModified></Part>
</ListPartsResult>"""
NOTHING = b"<ListBucketResult><IsTruncated>false</IsTruncated></ListBucketResult>"


@pytest.mark.parametrize(
    ("parts", "day"), [(PARTS, 3), (b"<ListPartsResult></ListPartsResult>", 1)]
)
def test_parts_of_an_upload_whose_process_was_killed_are_found(inner, server, parts, day):
    """They are as old as the last of them: what goes on for days is none."""
    server.answers |= {
        "GET /?list-type": (200, NOTHING),
        "GET /?uploads": (200, UPLOADS),
        f"GET /{NAME}?uploadId=u1": (200, parts),
    }
    (found,) = inner.objects()
    assert found == StoredObject(
        f"{NAME}.upload-u1", datetime.datetime(2026, 11, day, tzinfo=datetime.UTC), unfinished=True
    )
    objects = EncryptedObjects(inner, str.encode, str.encode)
    (orphan,) = objects.candidates()
    server.answers[f"DELETE /{NAME}?uploadId=u1"] = 204, b""
    objects.remove(orphan)
    assert server.asked[-1] == f"DELETE /{NAME}?uploadId=u1"


def test_an_upload_that_ends_meanwhile_hides_no_other(inner, server):
    two = UPLOADS.replace(
        b"<Upload>", UPLOADS[UPLOADS.index(b"<Upload>") : UPLOADS.index(b"</ListM")] + b"<Upload>"
    )
    server.answers |= {
        "GET /?list-type": (200, NOTHING),
        "GET /?uploads": (200, two.replace(b"u1", b"u0", 1)),
        f"GET /{NAME}?uploadId=u0": (404, NO_KEY.replace(b"Key", b"Upload")),
        f"GET /{NAME}?uploadId=u1": (200, PARTS),
    }
    assert [each.name for each in inner.objects()] == [f"{NAME}.upload-u1"]


def test_an_upload_that_has_ended_meanwhile_is_not_there(inner, server):
    with pytest.raises(store_exceptions.NotFound):
        server.answers[f"DELETE /{NAME}?uploadId=u1"] = 404, NO_KEY.replace(b"Key", b"Upload")
        inner.delete(f"{NAME}.upload-u1")


@pytest.mark.parametrize("code", ["NotImplemented", "AccessDenied"])
def test_objects_are_listed_also_where_uploads_are_not(inner, server, caplog, code):
    server.answers |= {
        "GET /?list-type": (200, NOTHING),
        "GET /?uploads": (403, f"<Error><Code>{code}</Code></Error>".encode()),
    }
    assert list(inner.objects()) == []
    assert code in caplog.text
