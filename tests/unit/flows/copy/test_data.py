# SPDX-License-Identifier: Apache-2.0
"""Copies into images of several disks; those of single images are in test_copy_in_region."""

import hashlib

import pytest

from ims_glance.clouds import rest
from ims_glance.flows import job_image
from ims_glance.flows.copy import data
from ims_glance.flows.copy.data import CopyDiffers, DataCopy, DiskImage, ImageSource
from ims_glance.model.copy import Digest
from tests.unit.jobs import job_bench

DATA = b"data" * 300_000


@pytest.fixture
def job(tables, server):
    job = job_bench.context(tables, project_id="demo")
    job.session = server.session()
    return job


@pytest.fixture
def target(job):
    return DiskImage(job, 1, lambda: {"disk_format": "raw"})


def copied(job, server, target):
    source = server.make(DATA)
    wanted = Digest.of(server.images[source])
    return source, DataCopy(job, ImageSource(job, source, 2 * len(DATA), len(DATA)), target).run(
        wanted
    )


def test_a_hidden_image_under_the_jobs_name(job, server, target):
    source, image_id = copied(job, server, target)
    assert server.data[image_id] == DATA
    image = server.images[image_id]
    assert (image["name"], image["os_hidden"]) == (job_image.name(job, 1), True)
    assert job._done == 2 * len(DATA)
    wanted = Digest.of(server.images[source])
    again = DataCopy(job, ImageSource(job, source), target)
    assert again.found(wanted) == again.run(wanted) == image_id


def test_it_is_deleted_protected_or_not(job, server, target):
    source, image_id = copied(job, server, target)
    server.images[image_id]["protected"] = True
    for _again in range(2):
        target.delete()
    assert set(server.images) == {source}


# --- before the last byte ----------------------------------------------------------------------

CHUNKS = [b"one", b"two", b"three"]


def verified(chunks, **digest):
    return data.verified(chunks, "i", Digest(11, **digest))


@pytest.mark.parametrize("algorithm", ["sha512", "sha256", "md5"])
def test_the_last_bytes_come_when_all_are_right(algorithm):
    value = hashlib.new(algorithm, b"".join(CHUNKS)).hexdigest()
    right = {"algorithm": algorithm, "multihash": value}
    assert list(verified(CHUNKS, **right)) == CHUNKS
    wrong = verified([*CHUNKS[:2], b"tree!"], **right)
    assert [next(wrong), next(wrong)] == CHUNKS[:2]
    with pytest.raises(CopyDiffers, match="differs"):
        next(wrong)


def test_the_weaker_digest_if_there_is_no_other_or_nobody_knows_it():
    value = hashlib.md5(b"".join(CHUNKS)).hexdigest()
    for algorithm in (None, "of tomorrow", "shake_128"):
        digest = {"algorithm": algorithm, "multihash": "x"} if algorithm else {}
        assert list(verified(CHUNKS, checksum=value, **digest)) == CHUNKS
        with pytest.raises(CopyDiffers):
            list(verified(CHUNKS, checksum="x", **digest))


def test_without_any_digest_glance_has_the_last_word():
    assert list(verified(CHUNKS)) == CHUNKS


def test_of_nothing():
    value = hashlib.sha512().hexdigest()
    assert list(verified([], algorithm="sha512", multihash=value)) == []


# --- a store that looks itself -----------------------------------------------------------------


@pytest.fixture
def sealed_target(job):
    return DiskImage(job, 1, lambda: {"disk_format": "raw", "__system__cmkid": "key"})


def test_what_differs_is_never_stored_where_it_is_encrypted(
    job, server, sealed_target, monkeypatch
):
    """Glance looks, so that the worker need not make a digest of all as well."""
    monkeypatch.setattr(data, "verified", None)
    source = server.make(DATA)
    wanted = Digest.of(server.images[source])
    copy = DataCopy(job, ImageSource(job, source), sealed_target, holds_back=True)
    server.arrives = lambda sent: b"?" + sent[1:]
    with pytest.raises(CopyDiffers, match="differs"):
        copy.run(wanted)
    assert set(server.data) == {source}
    server.arrives = bytes
    assert server.data[copy.run(wanted)] == DATA


def test_any_other_refusal_is_one(job, server, sealed_target):
    source = server.make(DATA)
    server.failures["PUT .*"] = [403]
    with pytest.raises(rest.Refused, match="as the test"):
        DataCopy(job, ImageSource(job, source), sealed_target).run(Digest.of(server.images[source]))
