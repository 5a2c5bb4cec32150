# SPDX-License-Identifier: Apache-2.0
"""Files written in parts: there is none before it is whole, and nothing of one that never will be."""

import pytest

from ims_glance.clouds import rest
from ims_glance.clouds.objects import base, large, large_swift
from ims_glance.clouds.objects.large import NewPart
from ims_glance.clouds.objects.large_swift import SwiftLargeFile
from ims_glance.clouds.region import Region
from ims_glance.model.bucket import BucketFile, FileNameTooLong
from tests.unit.clouds.objects_server import BUCKET, ObjectServer

FILE = BucketFile(BUCKET, "folder/ü 1")


@pytest.fixture
def server():
    made = ObjectServer()
    yield made
    made.close()


def writing(server, owner="job", file=FILE, pauses=None):
    pause = (lambda _seconds: None) if pauses is None else pauses.append
    return SwiftLargeFile(Region(server.session()), file, owner, pause)


def test_the_first_part_comes_last(server):
    file = writing(server)
    file.check_new()
    file.begin()
    file.put(NewPart.held(4, [b"b", memoryview(b"bb")]))
    file.put(NewPart.held(7, [b"c"]))
    assert file.size is None
    assert server.objects == {}
    file.put(NewPart.held(0, [b"aaaa"]))
    assert file.finish() == file.size == 8
    assert server.objects == {FILE.name: b"aaaabbbc"}
    assert len(server.segments) == 3
    # Another worker sees what was done.
    assert writing(server).size == 8
    writing(server).check_new()


def test_it_begins_anew_without_what_was_there(server):
    first = writing(server)
    first.begin()
    first.put(NewPart.held(0, [b"old"]))
    first.put(NewPart.held(99, [b"old"]))
    other = writing(server, "other")
    other.begin()
    other.put(NewPart.held(0, [b"other"]))
    second = writing(server)
    second.begin()
    assert [each.split("/")[2] for each in server.segments] == ["other"]
    second.put(NewPart.held(0, [b"new"]))
    assert second.finish() == 3


def test_deleted_with_its_parts(server):
    file = writing(server)
    file.begin()
    file.put(NewPart.held(0, [b"a"]))
    file.delete()
    assert server.segments == {}
    file.begin()
    file.put(NewPart.held(0, [b"a"]))
    file.finish()
    writing(server).delete()
    writing(server).delete()
    assert (server.objects, server.segments) == ({}, {})


def test_parts_that_are_listed_after_they_are_gone(server, monkeypatch):
    monkeypatch.setattr(large_swift, "_PAGE", 2)
    file = writing(server)
    file.begin()
    for offset in range(5):
        file.put(NewPart.held(offset, [b"a"]))
    server.late_segments = list(server.segments)
    file.delete()
    assert server.segments == {}


def test_nothing_is_written_over_another_file(server):
    server.objects[FILE.name] = b"mine"
    file = writing(server)
    with pytest.raises(large.FileExists) as refused:
        file.check_new()
    assert refused.value.code == "IMG.0070"
    file.begin()
    file.put(NewPart.held(0, [b"a"]))
    with pytest.raises(large.FileExists):
        file.finish()
    file.delete()
    assert (server.objects, server.segments) == ({FILE.name: b"mine"}, {})


def test_a_name_that_parts_cannot_begin_with(server):
    """They are objects too, whose names have 1024 bytes at most."""
    longest = BucketFile(BUCKET, "ü" * 482)
    file = writing(server, "0" * 36, longest)
    file.check_new()
    file.begin()
    file.put(NewPart.held(0, [b"a"]))
    (part,) = server.segments
    assert len(part.encode()) <= 1024
    with pytest.raises(FileNameTooLong) as refused:
        writing(server, file=BucketFile(BUCKET, longest.name + "x")).check_new()
    assert refused.value.code == "IMG.0074"


def test_no_bucket(server):
    with pytest.raises(large.BucketMissing) as refused:
        writing(server, file=BucketFile("no-bucket", "x")).check_new()
    assert refused.value.code == "IMG.0069"


@pytest.mark.parametrize(
    ("status", "error"),
    [(403, base.BucketDenied), (413, rest.Refused)],
)
def test_refusals(server, status, error):
    file = writing(server)
    file.begin()
    server.failures = [status, status]
    with pytest.raises(error):
        file.put(NewPart.held(0, [b"a"]))


@pytest.mark.parametrize("status", [503, 401])
def test_a_storage_that_is_away_for_a_moment(server, status):
    """radosgw answers 401 while Keystone, or its database, is away."""
    pauses: list[float] = []
    file = writing(server, pauses=pauses)
    file.begin()
    server.failures = [status, status]
    file.put(NewPart.held(0, [b"a"]))
    assert pauses == [1, 2]
    assert file.finish() == 1


def test_what_was_put_together_wrongly_is_deleted(server):
    file = writing(server)
    file.begin()
    file.put(NewPart.held(0, [b"abc"]))
    server.object_headers = {"Content-Length": "2"}
    with pytest.raises(large.FileIncomplete):
        file.finish()
    assert (server.objects, server.segments) == ({}, {})


def test_no_object_storage(server):
    region = Region(server.session())
    region.session.auth.get_endpoint = lambda *_, **__: None
    with pytest.raises(base.NoObjectStorage):
        SwiftLargeFile(region, FILE, "job", lambda _seconds: None).check_new()


def test_an_earlier_request_that_was_done_late(server):
    """Swift goes on with what its proxy, or we, gave up waiting for: that is no other one's file."""
    first, second = writing(server), writing(server)
    first.begin()
    first.put(NewPart.held(0, [b"abc"]))
    assert second.go_on(first.reference, first.parts)
    assert first.finish() == 3
    assert second.finish() == second.size == 3
    assert server.objects == {FILE.name: b"abc"}
