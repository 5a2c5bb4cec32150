# SPDX-License-Identifier: Apache-2.0
"""Files written to S3 in parts: signed, whole or not there, and no upload that nobody ends."""

import json
from typing import Any

import pytest

from ims_glance.clouds import rest
from ims_glance.clouds.ec2 import Credential
from ims_glance.clouds.objects import base, large
from ims_glance.clouds.objects.large import NewPart
from ims_glance.clouds.objects.large_s3 import S3LargeFile
from ims_glance.clouds.objects.s3 import S3Objects
from ims_glance.model.bucket import BucketFile, FileNameTooLong
from tests.unit.clouds.objects_server import BUCKET, ObjectServer
from tests.unit.clouds.s3_server import PAGE, UploadsHandler

FILE = BucketFile(BUCKET, "folder/ü+1 &")
MIB = 1 << 20


@pytest.fixture
def server():
    made = ObjectServer()
    made.s3_secret = "very-secret"
    yield made
    made.close()


def writing(server, owner="job", file=FILE, secret="very-secret", pauses=None):
    pause = (lambda _seconds: None) if pauses is None else pauses.append
    store = S3Objects(server.url, "region", Credential("a" * 32, secret, "u", "p"))
    return store.large_file(file, owner, pause)


def test_the_first_part_comes_last(server):
    server.s3_least = 5 * MIB
    file = writing(server)
    file.check_new()
    file.begin()
    file.put(NewPart.held(6 * MIB, [b"b" * (5 * MIB), memoryview(b"bb")]))
    pieces = [b"c"]
    file.put(NewPart(11 * MIB + 2, lambda: iter(pieces), None))
    assert file.size is None
    file.put(NewPart.held(0, [b"a" * (6 * MIB)]))
    assert file.finish() == file.size == 11 * MIB + 3
    assert writing(server).size == 11 * MIB + 3
    writing(server).check_new()
    file.forget()
    assert server.objects == {FILE.name: b"a" * (6 * MIB) + b"b" * (5 * MIB + 2) + b"c"}
    assert server.uploads == {}


def test_parts_with_numbers_of_their_own(server):
    """In any order, and some left out."""
    file = writing(server)
    file.is_numbered = True
    file.begin()
    for number, data in ((7, b"c"), (9, b"d"), (3, b"b"), (0, b"a")):
        file.put(NewPart.held(number, [data]))
    assert file.finish() == 4
    file.forget()
    assert server.objects == {FILE.name: b"abcd"}


def test_another_worker_goes_on(server):
    first = writing(server)
    first.begin()
    first.put(NewPart.held(4, [b"b"]))
    first.keep(b"note")
    second = writing(server)
    assert second.kept(4) == b"note"
    assert second.kept(3) is None
    assert second.go_on(first.reference, first.parts)
    second.put(NewPart.held(5, [b"c"]))
    second.put(NewPart.held(0, [b"aaaa"]))
    assert second.finish() == 6
    assert server.objects[FILE.name] == b"aaaabc"
    # There is no such upload any more.
    assert not writing(server).go_on(first.reference, first.parts)


def test_the_uploads_of_others_stay(server):
    server.uploads["theirs"] = {"key": FILE.name, "owner": None, "parts": {}}
    file = writing(server)
    file.begin()
    file.put(NewPart.held(0, [b"a"]))
    again = writing(server)
    again.begin()
    assert set(server.uploads) == {"theirs", again.reference}
    writing(server).delete()
    assert (list(server.uploads), server.objects) == (["theirs"], {})


def test_an_upload_whose_id_nobody_noted(server):
    """The worker died when it had begun it."""
    server.uploads["theirs"] = {"key": FILE.name, "owner": None, "parts": {}}
    file = writing(server)
    file.begin()
    [mark] = server.objects
    server.objects[mark] = b'{"before": ["theirs"], "upload": ""}'
    writing(server).delete()
    assert (list(server.uploads), server.objects) == (["theirs"], {})


OURS, EARLIER, LATER = "job", "another", "later"


def _died_beginning(server, owner=OURS):
    """An upload whose worker died before it noted its id."""
    file = writing(server, owner)
    file.begin()
    mark = f"{FILE.name}.{owner}.mark"
    before = [each for each in server.uploads if each != file.reference]
    server.objects[mark] = json.dumps({"before": before, "upload": ""}).encode()
    return file.reference


@pytest.mark.parametrize("owner", [EARLIER, LATER])
def test_another_export_to_the_same_file(server, owner):
    """That began after this one, whose id nobody knows."""
    _died_beginning(server)
    other = writing(server, owner)
    other.begin()
    writing(server).delete()
    assert list(server.uploads) == [other.reference]
    other.put(NewPart.held(0, [b"a"]))
    again = writing(server)
    again.begin()
    assert other.finish() == 1
    assert list(server.uploads) == [again.reference]


@pytest.mark.parametrize("owner", [EARLIER, LATER])
def test_more_marks_and_uploads_than_a_list_has_at_once(server, owner):
    """S3 lists a thousand of them, and then the others, if it is asked."""
    _many_others(server)
    ours = _died_beginning(server)
    other = writing(server, owner)
    other.begin()
    # Behind all that is on the first page, and the second.
    server.objects |= {f"{FILE.name}.{number}": b"" for number in range(2 * PAGE)}
    server.uploads["z"] = server.uploads.pop(ours)
    writing(server).delete()
    assert other.reference in server.uploads
    assert "z" not in server.uploads
    assert len(server.uploads) == 2 * PAGE + 1


def test_many_uploads_of_others_stay(server):
    """All of those that were there before are known, not a thousand alone."""
    _many_others(server)
    before = set(server.uploads)
    _died_beginning(server)
    writing(server).delete()
    assert set(server.uploads) == before


def _many_others(server):
    """Uploads that nobody ended, without a part."""
    theirs: dict[str, Any] = {"key": FILE.name, "owner": None, "parts": {}}
    server.uploads |= {f"their & {number:04d}": theirs for number in range(2 * PAGE)}


def test_so_many_uploads_that_no_mark_has_them(server):
    """Ours could not be told from them if the worker died; so none begins."""
    theirs: dict[str, Any] = {"key": FILE.name, "owner": None, "parts": {}}
    server.uploads |= {f"{number:0500d}": theirs for number in range(PAGE + 100)}
    with pytest.raises(base.FileUnreadable, match="1100 uploads of it were begun and never ended"):
        writing(server).begin()
    assert len(server.uploads) == PAGE + 100
    assert server.objects == {}


@pytest.mark.parametrize("token", ["", "<NextKeyMarker>a</NextKeyMarker>"])
def test_a_list_without_an_end(server, monkeypatch, token):
    """Nobody asks for its pages for ever."""
    page = f"<Result><IsTruncated>true</IsTruncated>{token}</Result>"
    monkeypatch.setattr(UploadsHandler, "_list_uploads", lambda self: self._send_xml(page))
    with pytest.raises(rest.ServiceUnavailable, match="has no end"):
        writing(server).begin()
    assert server.uploads == {}


def test_an_upload_of_many_parts_is_another_ones(server):
    """The first of them says so."""
    _died_beginning(server)
    parts = {number: b"a" for number in range(1, PAGE + 2)}
    server.uploads["theirs"] = {"key": FILE.name, "owner": None, "parts": parts}
    writing(server).delete()
    assert list(server.uploads) == ["theirs"]


def test_an_upload_that_has_parts_is_another_ones(server):
    _died_beginning(server)
    server.uploads["theirs"] = {"key": FILE.name, "owner": None, "parts": {1: b"a"}}
    writing(server).delete()
    assert list(server.uploads) == ["theirs"]


def test_another_one_is_just_beginning(server):
    """Which of two uploads is whose is known in a moment; if both died, the first of them decides."""
    ours = _died_beginning(server)
    earlier = _died_beginning(server, EARLIER)
    with pytest.raises(rest.ServiceUnavailable, match="just beginning"):
        writing(server).delete()
    assert set(server.uploads) == {ours, earlier}
    writing(server, EARLIER).delete()
    writing(server).delete()
    assert (server.uploads, server.objects) == ({}, {})


def test_an_upload_that_another_one_took_for_its_own(server, monkeypatch):
    """It begins once more."""
    file, write = writing(server), S3LargeFile._write

    def written(self, path, data):
        write(self, path, data)
        if len(server.uploads) == 1 and server.upload_count == 1:
            server.uploads.clear()

    monkeypatch.setattr(S3LargeFile, "_write", written)
    file.begin()
    assert (list(server.uploads), server.upload_count) == ([file.reference], 2)


@pytest.mark.parametrize("mark", [b"{", b"[]", b'{"before": 1, "upload": ""}'])
def test_marks_that_are_none(server, mark):
    ours = _died_beginning(server)
    server.objects[f"{FILE.name}.{EARLIER}.mark"] = mark
    assert list(server.uploads) == [ours]
    writing(server).delete()
    assert server.uploads == {}


def test_nothing_is_written_over_another_file(server):
    server.objects[FILE.name] = b"mine"
    file = writing(server)
    with pytest.raises(large.FileExists):
        file.check_new()
    file.begin()
    file.put(NewPart.held(0, [b"a"]))
    with pytest.raises(large.FileExists):
        file.finish()
    file.delete()
    assert (server.objects, server.uploads) == ({FILE.name: b"mine"}, {})


def test_refusals(server):
    with pytest.raises(base.BucketDenied):
        writing(server, secret="another").check_new()
    with pytest.raises(large.BucketMissing):
        writing(server, file=BucketFile("no-bucket", "x")).check_new()
    with pytest.raises(FileNameTooLong):
        writing(server, file=BucketFile(BUCKET, "x" * 1000)).check_new()


def test_a_storage_that_is_away_for_a_moment(server):
    """Then a part is made again, if it was not held."""
    pauses: list[float] = []
    file = writing(server, pauses=pauses)
    file.begin()
    server.failures = [503, 503]
    file.put(NewPart(0, lambda: iter([b"a", b"b"]), None))
    assert pauses == [1, 2]
    assert file.finish() == 2
    assert server.objects[FILE.name] == b"ab"


@pytest.mark.parametrize("begins_again", [False, True])
def test_an_earlier_request_that_was_done_late(server, begins_again):
    """The storage goes on with what its proxy, or we, gave up waiting for: that is no other one's file."""
    first, second = writing(server), writing(server)
    first.begin()
    first.put(NewPart.held(0, [b"abc"]))
    assert second.go_on(first.reference, first.parts)
    assert first.finish() == 3
    if begins_again:
        second = writing(server)
        second.begin()
        second.put(NewPart.held(0, [b"abc"]))
    assert second.finish() == second.size == 3
    assert server.objects == {FILE.name: b"abc"}
    assert not server.uploads
