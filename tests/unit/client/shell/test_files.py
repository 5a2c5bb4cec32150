# SPDX-License-Identifier: Apache-2.0
"""Images of files: the options, and files of the caller's disk in a bucket, sent whole and deleted again.

What the options become is in ``commands/test_image_create.py``.
"""

import argparse
import hashlib
import io
import signal
from typing import Any

import pytest
from osc_lib import exceptions

from ims_glance.client import upload
from ims_glance.client.shell import files
from ims_glance.client.shell.files import LocalFile
from tests.unit.client.cloud import OBJECTS, Answer

DATA = b"disk" * 700_000

NOTHING: dict[str, Any] = {
    "bucket": None,
    "data_file": [],
    "min_disk": None,
    "os_type": None,
    "architecture": None,
    "firmware": None,
    "access_key": None,
    "unseal_key": [],
    "prepare": False,
    "quick": False,
}


def parsed(*arguments):
    parser = argparse.ArgumentParser()
    files.add_sources(parser)
    files.add_options(parser)
    return parser.parse_args(arguments)


def test_nothing_is_asked_for_by_itself():
    found = vars(parsed())
    assert found == {"file": None, "from_file": None, **NOTHING}


def test_what_is_asked_for_a_file():
    found = files.wishes(parsed("--min-disk", "5", "--firmware", "uefi"), "b:o")
    said = {name: value for name, value in found.items() if value is not None}
    assert said == {"image_url": "b:o", "min_disk": 5, "hw_firmware_type": "uefi"}


@pytest.fixture
def path(tmp_path):
    made = tmp_path / "my disk (1).qcow2"
    made.write_bytes(DATA)
    return made


@pytest.fixture
def stored(cloud):
    """What is in the bucket."""
    objects = {}

    def put(request):
        objects[request.path] = request.body
        return Answer(201)

    def delete(request):
        return Answer(204 if objects.pop(request.path, None) else 404)

    cloud.on("PUT", f"{OBJECTS}/bucket/.+", put)
    cloud.on("DELETE", f"{OBJECTS}/bucket/.+", delete)
    cloud.json("PUT", f"{OBJECTS}/bucket", None, 202)
    return objects


def local(cloud, path):
    return LocalFile(cloud.connection(), path, "bucket")


def test_it_is_sent_and_deleted(cloud, stored, path):
    file, said = local(cloud, path), io.StringIO()
    file.send(said)
    [(place, data)] = stored.items()
    assert data == DATA
    bucket, name = file.url.split(":")
    assert place.endswith(f"/{bucket}/{name}")
    assert name.endswith("-my_disk_1_.qcow2")
    assert "upload my disk (1).qcow2" in said.getvalue()
    sent = [each for each in cloud.sent("PUT") if each.body]
    assert sent[0].headers["Content-Length"] == str(len(DATA))
    file.delete()
    assert stored == {}
    # The bucket was there before.
    assert [each.path for each in cloud.sent("DELETE")] == [place]


def test_a_bucket_that_was_made_for_it_goes_too(cloud, stored, path):
    cloud.json("PUT", f"{OBJECTS}/bucket", None, 201)
    cloud.json("DELETE", f"{OBJECTS}/bucket", None, 409)
    file = local(cloud, path)
    file.send(io.StringIO())
    file.delete()
    assert [each.path[-7:] for each in cloud.sent("DELETE")][-1] == "/bucket"


@pytest.fixture
def segments(cloud, stored, monkeypatch):
    """Of a MiB; in a container that is made for them."""
    monkeypatch.setattr(upload, "SEGMENT", 1 << 20)
    there = {}

    def put(request):
        there[request.path] = request.body
        etag = hashlib.md5(request.body).hexdigest()
        return Answer(201, headers={"ETag": f'"{etag}"'})

    def delete(request):
        return Answer(204 if there.pop(request.path, None) else 404)

    cloud.on("PUT", f"{OBJECTS}/bucket_segments/.+", put)
    cloud.on("DELETE", f"{OBJECTS}/bucket_segments/.+", delete)
    cloud.json("PUT", f"{OBJECTS}/bucket_segments", None, 201)
    cloud.json("DELETE", f"{OBJECTS}/bucket_segments", None, 204)
    return there


def test_a_large_file_goes_in_segments(cloud, stored, segments, path):
    """And the object says which they are."""
    file, said = local(cloud, path), io.StringIO()
    file.send(said)
    parts = [data for _place, data in sorted(segments.items())]
    assert [len(each) for each in parts] == [1 << 20, 1 << 20, len(DATA) - (2 << 20)]
    assert b"".join(parts) == DATA
    [listed] = stored.values()
    assert [each["size_bytes"] for each in listed] == [len(each) for each in parts]
    assert [each["etag"] for each in listed] == [hashlib.md5(each).hexdigest() for each in parts]
    name = file.url.split(":")[1]
    assert listed[0]["path"] == f"/bucket_segments/{name}/000000"
    assert "upload my disk" in said.getvalue()
    file.delete()
    assert (stored, segments) == ({}, {})
    assert [each.path[-16:] for each in cloud.sent("DELETE")][-1] == "/bucket_segments"


@pytest.mark.parametrize("end", [KeyboardInterrupt, signal.SIGTERM, signal.SIGHUP])
def test_what_was_sent_is_deleted_if_it_is_interrupted(cloud, stored, segments, path, end):
    put = cloud.connection().object_store.request
    file = local(cloud, path)

    def interrupted(where, method, **request):
        answer = put(where, method, **request)
        if method == "PUT" and where.endswith("/000001"):
            if end is KeyboardInterrupt:
                raise KeyboardInterrupt
            signal.raise_signal(end)
        return answer

    file._cloud.object_store.request = interrupted
    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises((KeyboardInterrupt, SystemExit)):
        file.send(io.StringIO())
    assert signal.getsignal(signal.SIGTERM) is before
    assert len(segments) == 2
    file.delete()
    assert (stored, segments) == ({}, {})


def test_two_files_of_one_name(cloud, path):
    assert local(cloud, path).url != local(cloud, path).url


def test_what_cannot_be_sent(cloud, stored, path, tmp_path, monkeypatch):
    path.write_bytes(b"")
    for wrong, said in (
        (path, "empty"),
        (tmp_path / "none", "No such file"),
        (tmp_path, "directory"),
    ):
        file = local(cloud, wrong)
        with pytest.raises(exceptions.CommandError, match=said):
            file.send(io.StringIO())
        file.delete()
    path.write_bytes(b"xx")
    monkeypatch.setattr(upload, "SEGMENT", 6 << 30)
    with pytest.raises(exceptions.CommandError, match="qemu-img"):
        local(cloud, path).send(io.StringIO())
    assert cloud.sent("PUT") == cloud.sent("DELETE") == []


def test_a_storage_that_refuses(cloud, stored, path):
    cloud.json("PUT", f"{OBJECTS}/bucket/.+", None, 413)
    file = local(cloud, path)
    with pytest.raises(exceptions.CommandError, match="413"):
        file.send(io.StringIO())
    file.delete()
    assert stored == {}


@pytest.mark.parametrize("bucket", ["photos/raw", "a:bc", "ab", "x" * 64, "my bucket"])
def test_no_bucket_that_is_an_object_in_another_one(bucket):
    """It would be written over, and deleted."""
    with pytest.raises(exceptions.CommandError, match="--bucket is a name"):
        files.check(parsed("--from-file", "disk.qcow2", "--bucket", bucket))
