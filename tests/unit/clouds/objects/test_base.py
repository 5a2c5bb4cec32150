# SPDX-License-Identifier: Apache-2.0
"""Objects of Swift and of S3 read in ranges: of the very object that was looked at, or not at all."""

import pytest

from ims_glance.clouds import rest
from ims_glance.clouds.ec2 import Credential
from ims_glance.clouds.objects import base
from ims_glance.clouds.objects.base import FoundFile
from ims_glance.clouds.objects.s3 import S3Objects
from ims_glance.clouds.objects.swift import SwiftObjects
from ims_glance.clouds.region import Region
from ims_glance.model.bucket import BucketFile
from tests.base import pattern
from tests.unit.clouds.objects_server import BUCKET, ObjectServer

DATA = pattern(0, 100_000)
FILE = BucketFile(BUCKET, "disk.raw")
ODD = ("a b", "ü/ö", "100%", "%2e%2e/x", "a?b#c", "//x//", "x" * 1024, "~!*'()&=+$,;@", "\\..\\x")


@pytest.fixture
def server():
    made = ObjectServer()
    yield made
    made.close()


def _swift(server):
    return SwiftObjects(Region(server.session()))


def _s3(server):
    server.s3_secret = "secret"
    return S3Objects(server.url, "region", Credential("a" * 32, "secret", "u", "p"))


@pytest.fixture(params=[_swift, _s3], ids=["swift", "s3"])
def store(server, request):
    server.objects[FILE.name] = DATA
    return request.param(server)


@pytest.fixture
def found(store):
    return store.head(FILE)


def test_an_object(store, found, server):
    assert (found.file, found.size, found.content_type) == (
        FILE,
        len(DATA),
        "application/octet-stream",
    )
    assert store.read(found, 0, len(DATA)) == DATA
    assert store.read(found, 5, 1) == DATA[5:6]
    assert store.read(found, len(DATA) - 7, 7) == DATA[-7:]
    assert server.object_ranges == [(0, len(DATA)), (5, 1), (len(DATA) - 7, 7)]
    assert FoundFile.of_arguments(found.to_arguments()) == found


@pytest.mark.parametrize("name", ODD)
def test_odd_names(store, server, name):
    """None of them is taken for another one on its way."""
    file = BucketFile(BUCKET, name)
    with pytest.raises(base.FileMissing):
        store.head(file)
    server.objects[name] = b"odd"
    assert store.read(store.head(file), 0, 3) == b"odd"


def test_one_connection_does_for_all(store, found, server):
    for at in range(5):
        store.read(found, at, 10)
    assert server.connections == 1


@pytest.mark.parametrize("data", [DATA[:-1], DATA + b"x", DATA[:-1] + b"x", b"x"])
def test_what_was_changed_meanwhile_is_not_read(store, found, server, data):
    server.objects[FILE.name] = data
    with pytest.raises(base.FileChanged) as refused:
        store.read(found, len(DATA) - 10, 10)
    assert refused.value.code == "IMG.0057"


def test_a_storage_that_takes_no_notice_of_conditions(store, found, server, monkeypatch):
    server.object_headers = {"ETag": "another"}
    with pytest.raises(base.FileChanged):
        store.read(found, 0, 10)


def test_what_is_gone(store, found, server):
    del server.objects[FILE.name]
    with pytest.raises(base.FileMissing):
        store.read(found, 0, 10)
    with pytest.raises(base.FileMissing) as refused:
        store.head(BucketFile("no-bucket", "x"))
    assert refused.value.code == "IMG.0057"


@pytest.mark.parametrize(
    ("status", "error", "code"),
    [
        (301, base.BucketElsewhere, "IMG.0058"),
        (307, base.BucketElsewhere, "IMG.0058"),
        (400, base.FileUnreadable, "IMG.0057"),
        (401, rest.ServiceUnavailable, "IMG.0014"),
        (403, base.BucketDenied, "IMG.0069"),
        (410, base.FileMissing, "IMG.0057"),
        (416, base.FileChanged, "IMG.0057"),
        (408, rest.ServiceUnavailable, "IMG.0014"),
        (429, rest.ServiceUnavailable, "IMG.0014"),
        (498, rest.ServiceUnavailable, "IMG.0014"),
        (503, rest.ServiceUnavailable, "IMG.0014"),
    ],
)
def test_refusals(store, found, server, status, error, code):
    server.failures = [status, status]
    with pytest.raises(error) as refused:
        store.read(found, 0, 10)
    assert refused.value.code == code
    assert ("with your roles" in str(refused.value)) == (status == 401)


def test_nothing_is_followed_to_another_place(store, server):
    server.failures = [302]
    server.objects["other"] = b"x"
    with pytest.raises(base.BucketElsewhere):
        store.head(FILE)
    assert server.requests == [f"HEAD /{BUCKET}/disk.raw"]


@pytest.mark.parametrize(
    "headers",
    [
        {"ETag": None},
        {"ETag": ""},
        {"x-amz-storage-class": "GLACIER"},
    ],
)
def test_objects_that_cannot_be_read(store, server, headers):
    server.object_headers = headers
    with pytest.raises(base.FileUnreadable):
        store.head(FILE)


@pytest.mark.parametrize(
    "headers",
    [
        {"Content-Range": "bytes 0-9/11"},
        {"Content-Range": "bytes 1-10/100000"},
        {"Content-Range": None},
        {"Content-Encoding": "gzip"},
    ],
)
def test_ranges_that_are_others(store, found, server, headers):
    server.object_headers = headers
    with pytest.raises(base.FileUnreadable):
        store.read(found, 0, 10)


def test_an_answer_that_ends_too_early(store, found, server):
    server.object_headers = {"Content-Length": "10"}
    with pytest.raises(rest.ServiceUnavailable):
        store.read(found, 0, 20)


def test_a_range_that_does_not_end(store, found, monkeypatch):
    monkeypatch.setattr(base, "_RANGE_SECONDS", -1.0)
    with pytest.raises(rest.ServiceUnavailable, match="longer"):
        store.read(found, 0, 10)


@pytest.mark.parametrize("make", [_swift, _s3])
def test_nobody_listens(server, make):
    store = make(server)
    server.close()
    with pytest.raises(rest.ServiceUnavailable):
        store.head(FILE)
