# SPDX-License-Identifier: Apache-2.0
"""Sealed images in buckets, as jobs open them: with a right of their caller, and nothing left if they do not open."""

import gzip
import hashlib
import logging
import types
from typing import Any

import pytest

from ims_glance import exceptions, keys
from ims_glance.clouds.objects.base import FoundFile
from ims_glance.crypto.sealed_file import DataFacts
from ims_glance.flows.files.sealed import file as sealed
from ims_glance.formats import Bounds, FileRefused
from ims_glance.jobs.context import JobContext
from ims_glance.model import job as model
from ims_glance.model.bucket import BucketFile
from ims_glance.model.job import JobStatus
from tests.base import pattern
from tests.unit.clouds.objects_server import BUCKET
from tests.unit.crypto import sealed_files
from tests.unit.formats import archives, files

MIB = 1 << 20
DATA = pattern(0, 2 * MIB) + bytes(MIB) + pattern(1, 1000)
FACTS = DataFacts(len(DATA), "raw", "sha512", hashlib.sha512(DATA).hexdigest())
HERE, THERE = "id here", "id-there"
KEY = bytes(range(32))


class Keys:
    """A key manager that a caller asks.

    :ivar asked: id of the key, token, project
    """

    def __init__(self):
        self.known = {HERE: KEY}
        self.asked = []
        self.failures = []

    def caller_key(self, context, key_id):
        """The key."""
        self.asked.append((key_id, context.auth_token, context.project_id))
        if self.failures:
            raise self.failures.pop(0)
        return self.known[key_id]


@pytest.fixture(autouse=True)
def manager(monkeypatch):
    made = Keys()
    monkeypatch.setattr(keys, "of_process", lambda _conf: made)
    monkeypatch.setattr(JobContext, "pause", lambda self, _seconds: self.check())
    return made


def run(cloud, server, file, purpose="FusionCompute", **more):
    """The job that makes an image of a file."""
    server.objects["disk.ims"] = file
    found = FoundFile(BucketFile(BUCKET, "disk.ims"), len(file), server.etag("disk.ims"))
    arguments = {
        "file": {**found.to_arguments(), "unseal_key": HERE},
        "purpose": purpose,
        "name": "of file",
        "min_disk": 1,
        "os_version": "CentOS 7.3 64bit",
        "cmk_id": "new",
        **more,
    }
    return cloud.run(model.IMPORT_IMAGE, **arguments)


def is_undone(server, job, code):
    assert (job.status, job.error_code) == (JobStatus.FAIL, code), job.fail_reason
    assert server.images == {}
    assert server.data == {}
    return job.fail_reason


def test_it_becomes_an_image_again(cloud, server, manager):
    """With the key that its caller may read, wherever that is called so."""
    job = run(cloud, server, sealed_files.make(DATA, {THERE: KEY}, FACTS))
    assert (job.status, job.fail_reason) == (JobStatus.SUCCESS, None)
    [(image_id, image)] = server.images.items()
    assert server.data[image_id] == DATA
    assert (image["disk_format"], image["__image_size"]) == ("raw", str(len(DATA)))
    assert image["__system__cmkid"] == "new"
    assert job.entities["file_format"] == "raw"
    assert {each[0] for each in manager.asked} == {HERE}
    assert {each[1:] for each in manager.asked} == {("token", "demo")}


def test_a_raw_disk_is_one_whatever_it_holds(cloud, server):
    data = files.made(pattern(0, 65536), "qcow2")
    job = run(cloud, server, sealed_files.make(data, {THERE: KEY}))
    assert job.status is JobStatus.SUCCESS
    assert list(server.data.values()) == [data]


def test_a_disk_in_a_format(cloud, server):
    data = files.made(pattern(0, 65536), "qcow2")
    job = run(cloud, server, sealed_files.make(data, {THERE: KEY}, DataFacts(len(data), "qcow2")))
    assert (job.status, job.entities["file_format"]) == (JobStatus.SUCCESS, "qcow2")
    [made] = server.data.values()
    assert made.rstrip(b"\0") == pattern(0, 65536).rstrip(b"\0")


def test_a_disk_that_is_packed(cloud, server):
    """The digest that Glance knew is that of the packed one."""
    data = gzip.compress(pattern(0, 65536))
    facts = DataFacts(len(data), "qcow2", "sha256", hashlib.sha256(data).hexdigest())
    job = run(cloud, server, sealed_files.make(data, {THERE: KEY}, facts))
    assert (job.status, job.fail_reason) == (JobStatus.SUCCESS, None)
    assert list(server.data.values()) == [pattern(0, 65536)]


def test_an_archive_of_several_disks_is_no_data_disk(cloud, server):
    data = archives.ova({"a.raw": pattern(0, 512), "b.raw": pattern(1, 512)})
    file = sealed_files.make(data, {THERE: KEY}, DataFacts(len(data), "vmdk"))
    server.objects["disk.ims"] = file
    found = FoundFile(BucketFile(BUCKET, "disk.ims"), len(file), server.etag("disk.ims"))
    queued = server.make(disk_format="raw", container_format="bare", __system__cmkid="k")
    arguments = {"file": {**found.to_arguments(), "unseal_key": HERE}, "image_id": queued}
    job = cloud.run(model.REGISTER_IMAGE, **arguments)
    assert (job.status, job.error_code) == (JobStatus.FAIL, "IMG.0072")
    assert server.images[queued]["status"] == "queued"


def test_a_disk_that_is_too_large(cloud, server):
    class Head:
        facts = DataFacts(2000, "raw")

    nobody: Any = None
    file = sealed.SealedFile(nobody, nobody, HERE)
    file.__dict__["_head"] = Head
    file.__dict__["data"] = types.SimpleNamespace(size=2000)
    assert file.recognise(Bounds(virtual_size=2000)).virtual_size == 2000
    with pytest.raises(FileRefused):
        file.recognise(Bounds(virtual_size=1999))


@pytest.mark.parametrize("at", [100, -1, -3 * MIB])
def test_a_file_that_was_changed_leaves_nothing(cloud, server, at):
    file = bytearray(sealed_files.make(DATA, {THERE: KEY}, FACTS))
    file[at] ^= 1
    job = run(cloud, server, bytes(file))
    assert job.error_code in ("IMG.0057", "IMG.0097")
    is_undone(server, job, job.error_code)


def test_data_with_another_digest_leaves_nothing(cloud, server):
    """Whoever has the key may say what they like; then it is no export of an image."""
    facts = DataFacts(len(DATA), "raw", "sha512", "ab" * 64)
    job = run(cloud, server, sealed_files.make(DATA, {THERE: KEY}, facts))
    assert "digest" in is_undone(server, job, "IMG.0057")


def test_another_key_by_that_id(cloud, server, manager):
    manager.known[HERE] = bytes(32)
    job = run(cloud, server, sealed_files.make(DATA, {THERE: KEY}, FACTS))
    assert HERE in is_undone(server, job, "IMG.0097")


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (exceptions.KeyDenied(key_id=HERE), "IMG.0099"),
        (exceptions.KeyNotFound(key_id=HERE), "IMG.0095"),
        (exceptions.KeyUnusable(key_id=HERE, reason="x"), "IMG.0097"),
    ],
)
def test_a_right_that_was_taken_away_meanwhile(cloud, server, manager, error, code):
    # With another token, too.
    manager.failures = [error] * 2
    job = run(cloud, server, sealed_files.make(DATA, {THERE: KEY}, FACTS))
    is_undone(server, job, code)


def test_a_key_manager_that_is_away_for_a_while(cloud, server, manager):
    manager.failures = [exceptions.KeyManagerUnavailable(reason="x")] * 2
    job = run(cloud, server, sealed_files.make(DATA, {THERE: KEY}, FACTS))
    assert job.status is JobStatus.SUCCESS


def test_no_key_is_told_or_logged(cloud, server, caplog, tables):
    caplog.set_level(logging.DEBUG)
    run(cloud, server, sealed_files.make(DATA, {THERE: KEY}, FACTS))
    bad = bytearray(sealed_files.make(DATA, {THERE: KEY}, FACTS))
    bad[-1] ^= 1
    job = run(cloud, server, bytes(bad), number=2)
    told = caplog.text + str(job)
    for secret in (KEY, sealed_files.DATA_KEY):
        assert secret.hex() not in told
        assert repr(secret) not in told
