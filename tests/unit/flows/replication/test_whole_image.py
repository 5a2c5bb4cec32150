# SPDX-License-Identifier: Apache-2.0
"""Whole machines from another region: several disks at once, and all or nothing."""

import functools
import random
import threading

import pytest

from ims_glance import exceptions
from ims_glance.flows.replication.receive import Stopped
from ims_glance.flows.replication.whole_image import side_by_side
from ims_glance.jobs.context import Abandoned
from ims_glance.model import job as model
from ims_glance.model.image import attributes, whole_image
from ims_glance.model.image.whole_image import Component
from ims_glance.model.job import JobStatus
from ims_glance.model.server import Disk
from ims_glance.store.sealed import PREFIX

CHANCE = random.Random(4)
DATA = [CHANCE.randbytes(400_000 + number) for number in range(5)]
KEY = "6f0a2b5c-0000-4000-8000-000000000000"
RAW = {"disk_format": "raw", "container_format": "bare"}


def whole(server, contents, **properties):
    parts = [
        Component(
            Disk(number, None, 1, "fast" if number else None, number != 1),
            server.make(data, os_hidden=True, protected=True, **RAW),
        )
        for number, data in enumerate(contents)
    ]
    told = {**whole_image.properties(parts), "__image_size": "7", "__capture": "paused"}
    image_id = server.make(b"", **{"name": "whole", **told, **properties})
    for part in parts:
        server.images[part.image_id][attributes.COMPONENT_OF] = image_id
    return image_id


@pytest.fixture
def source(far):
    return whole(far, DATA)


@pytest.fixture
def receive(cloud, source, key_manager):
    key_manager.keys[KEY] = bytes(32)

    def receive(**settings):
        wanted = {
            "source_region": "RegionTwo",
            "source_project_id": "demo",
            "image_id": source,
            "name": "copy",
            "disks": len(DATA),
            "cmk_id": KEY,
        }
        return cloud.run(model.RECEIVE_IMAGE, **{**wanted, **settings})

    return receive


@pytest.fixture
def is_copy(server, inner):
    def check(job, before=()):
        assert (job.status, job.fail_reason) == (JobStatus.SUCCESS, None)
        image = server.images[job.image_id]
        assert (image["name"], image["size"], image["__image_size"]) == ("copy", 0, "7")
        assert (image[attributes.CMK_ID], image[attributes.CAPTURE]) == (KEY, "paused")
        parts = whole_image.components(image)
        made = {job.image_id, *(each.image_id for each in parts)}
        assert set(server.images) - set(before) == made
        assert [part.disk.number for part in parts] == list(range(len(DATA)))
        assert [part.disk.volume_type for part in parts] == [None, *["fast"] * 4]
        assert [part.disk.goes_with_server for part in parts] == [True, False, True, True, True]
        for part, data in zip(parts, DATA, strict=True):
            view = server.images[part.image_id]
            assert server.data[part.image_id] == data
            assert view[attributes.COMPONENT_OF] == job.image_id
            assert (view["os_hidden"], view["protected"]) == (True, True)
            assert view[attributes.CMK_ID] == KEY
        assert job.in_making == {part.image_id for part in parts}
        assert list(inner.objects()) == []

    return check


@pytest.mark.parametrize("disks", [1, 2, 4])
def test_a_copy(receive, is_copy, cloud, disks):
    cloud.tables.conf.set_override("replication_disks", disks, "ims_jobs")
    job = receive()
    is_copy(job)
    assert job.done_bytes == job.total_bytes == sum(map(len, DATA))


@pytest.mark.parametrize(
    "told", [{"disks": 0}, {"disks": 1}, {"disks": 6}, {"size": sum(map(len, DATA)) - 1}]
)
def test_no_more_disks_or_bytes_than_there_was_room_for(receive, server, far, told):
    job = receive(**told)
    assert (job.status, job.error_code) == (JobStatus.FAIL, "IMG.0105")
    assert "5 disks" in job.fail_reason
    assert server.images == {}
    assert sum(far.link) == 0


def test_one_encrypted_disk_is_enough_to_refuse_a_plain_copy(receive, server, far, source):
    parts = whole_image.components(far.images[source])
    far.images[parts[2].image_id][attributes.CMK_ID] = KEY
    job = receive(cmk_id=None)
    assert (job.status, job.error_code) == (JobStatus.FAIL, "IMG.0105")
    assert parts[2].image_id in job.fail_reason
    assert server.images == {}


def test_disks_come_side_by_side(receive, far, is_copy, cloud):
    """As many as there may be: none of the first ones ends before all of them have begun."""
    cloud.tables.conf.set_override("replication_disks", 3, "ims_jobs")
    first = threading.Barrier(3, timeout=240)
    seen = []

    def meet(stream):
        seen.append(stream)
        if len(seen) <= 3:
            first.wait()
        return stream

    far.spoil = meet
    is_copy(receive())


@pytest.mark.parametrize("dies_at", range(1, 60, 8))
def test_dead_before_any_request(receive, is_copy, dies_at):
    is_copy(receive(dies_at=dies_at))


@pytest.mark.parametrize("cancels_at", range(1, 50, 9))
def test_cancelled_before_any_request(receive, server, inner, cancels_at):
    job = receive(cancels_at=cancels_at)
    if job.status is JobStatus.FAIL:
        assert job.error_code == "IMG.0018"
        assert server.images == {}
    assert list(inner.objects()) == []


def test_each_disk_is_compared_with_that_of_the_older_version(receive, server, far, is_copy):
    whole(server, [data[:327_680] for data in DATA])
    before = set(server.images)
    job = receive()
    is_copy(job, before)
    assert sum(far.link) < 5 * 100_000


def test_a_disk_that_cannot_be_read_undoes_all(receive, server, far, inner, source):
    parts = whole_image.components(far.images[source])
    far.failures[f"POST .*/{parts[3].image_id}/frames"] = [403]
    job = receive()
    assert (job.status, job.error_code) == (JobStatus.FAIL, "IMG.0099")
    assert parts[3].image_id in job.fail_reason
    assert server.images == {}
    assert [each.name for each in inner.objects(PREFIX)] == []


def test_a_disk_that_is_gone(receive, server, far, source):
    parts = whole_image.components(far.images[source])
    del far.images[parts[2].image_id]
    job = receive()
    assert (job.status, job.error_code) == (JobStatus.FAIL, "IMG.0027")
    assert server.images == {}
    assert far.link == []


# --- several at once ---------------------------------------------------------------------------


@pytest.mark.parametrize("most", [1, 2, 9])
def test_results_in_their_order(most):
    works = [functools.partial(str, number) for number in range(5)]
    assert side_by_side(most, works, threading.Event()) == ["0", "1", "2", "3", "4"]


@pytest.mark.parametrize("most", [1, 2])
@pytest.mark.parametrize("error", [exceptions.ImageNotFound(image_id="i"), Abandoned("lease")])
def test_what_one_raises_stops_the_others(most, error):
    broken = threading.Event()

    def fail():
        raise error

    def never():
        raise AssertionError

    def wait():
        assert broken.wait(240)
        raise Stopped

    with pytest.raises(type(error)):
        side_by_side(most, [fail, *([wait] if most > 1 else []), never], broken)
