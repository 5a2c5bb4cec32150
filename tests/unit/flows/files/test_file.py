# SPDX-License-Identifier: Apache-2.0
"""The bytes of the disk in a file, zeros among them. What jobs make of them is in ``test_image``."""

import gzip
import types

import pytest

from ims_glance.clouds.image_api import CHUNK
from ims_glance.clouds.objects.base import FileChanged, FoundFile
from ims_glance.clouds.region import Region
from ims_glance.flows.files.file import JobFile
from ims_glance.formats import FileRefused
from ims_glance.jobs.context import Cancelled
from ims_glance.model.bucket import BucketFile
from tests.base import pattern
from tests.unit.clouds.objects_server import BUCKET, ObjectServer
from tests.unit.formats import archives

DATA = pattern(0, 200_000) + bytes(3 * CHUNK + 5) + pattern(3, 70_000)


@pytest.fixture
def store():
    made = ObjectServer()
    made.objects["disk"] = DATA
    yield made
    made.close()


@pytest.fixture
def file(store, conf):
    region = Region(store.session())
    found = FoundFile(BucketFile(BUCKET, "disk"), len(DATA), store.etag("disk"))
    return JobFile(_job(conf, region, found))


def _job(conf, region, found):
    return types.SimpleNamespace(
        conf=conf,
        region=region,
        user_id="u",
        project_id="p",
        arguments={"file": found.to_arguments()},
        pause=lambda _seconds: None,
        check=lambda: None,
    )


def test_the_disk(file):
    found = file.recognise(1 << 30)
    chunks = list(file.chunks(found))
    assert b"".join(chunks) == DATA
    assert max(map(len, chunks)) <= CHUNK


def test_a_disk_larger_than_allowed(file):
    with pytest.raises(FileRefused) as refused:
        file.recognise(len(DATA) - 1)
    assert refused.value.code == "IMG.0055"


def test_another_file_by_its_name(file, store):
    file.check_unchanged()
    store.objects["disk"] = DATA + b"x"
    with pytest.raises(FileChanged):
        file.check_unchanged()
    with pytest.raises(FileChanged):
        file.recognise(1 << 30)


def test_a_name_that_promises_something_else(store, conf):
    store.objects["disk.qcow2"] = DATA
    region = Region(store.session())
    found = FoundFile(BucketFile(BUCKET, "disk.qcow2"), len(DATA), store.etag("disk.qcow2"))
    with pytest.raises(FileRefused, match="qcow2"):
        JobFile(_job(conf, region, found)).recognise(1 << 30)


def test_a_look_at_a_file_ends_with_its_job(store, conf):
    """All of a file is looked at if only that tells how large its disk is."""
    store.objects["disk.raw.gz"] = gzip.compress(DATA)
    size = len(store.objects["disk.raw.gz"])
    found = FoundFile(BucketFile(BUCKET, "disk.raw.gz"), size, store.etag("disk.raw.gz"))
    job = _job(conf, Region(store.session()), found)
    job.check = _cancelled
    with pytest.raises(Cancelled):
        JobFile(job).recognise(1 << 30)


def _cancelled():
    raise Cancelled


def test_the_last_bytes_come_when_nothing_speaks_against_the_file(store, conf):
    """Otherwise the image would be active, though damaged: its worker may die before it deletes it."""
    disk = pattern(0, 3 * CHUNK)
    packed = archives.ova({"a.raw": disk})
    at = packed.index(disk) + CHUNK
    packed = packed[:at] + b"evil" + packed[at + 4 :]
    store.objects["web.ova"] = packed
    found = FoundFile(BucketFile(BUCKET, "web.ova"), len(packed), store.etag("web.ova"))
    file = JobFile(_job(conf, Region(store.session()), found))
    came = 0
    with pytest.raises(FileRefused, match="digest"):
        for chunk in file.chunks(file.recognise(1 << 30)):
            came += len(chunk)
    assert 0 < came < len(disk)
