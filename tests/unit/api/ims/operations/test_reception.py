# SPDX-License-Identifier: Apache-2.0
"""What workers and regions ask of each other for replications: who may, and that twice makes one."""

import types

import pytest

from ims_glance import exceptions
from ims_glance.api.ims.operation import Call
from ims_glance.api.ims.operations import reception
from ims_glance.clouds import rest
from ims_glance.db.job import TooManyTasks
from ims_glance.db.standing.receptions import ReceptionNotFound
from ims_glance.model.image import attributes
from ims_glance.model.job import COPY_CROSS_REGION, RECEIVE_IMAGE, JobStatus
from tests.unit.api.ims import calls
from tests.unit.api.ims.calls import ABSENT, PROJECT, SECOND
from tests.unit.jobs.standing_bench import USER, SmallRegions


@pytest.fixture
def world(tmp_path, monkeypatch):
    return SmallRegions(tmp_path, monkeypatch)


def copy(world, standing, image, attempt=1, **values):
    body = {"image_id": image, "attempt": attempt, **values}
    return world.one.call(reception.copy_replicated_image, body, replication_id=standing)


def receive(world, standing, attempt=1, **values):
    source = {"job_id": f"{attempt:032x}", "size": 4, **values.pop("source", {})}
    body = {"image_id": SECOND, "name": "web", "source": source, **values}
    return world.two.call(reception.receive_replicated_image, body, replication_id=standing)


def received(world):
    return world.two.jobs(RECEIVE_IMAGE)


def test_one_copy_however_often_it_is_asked_for(world):
    standing, image = world.create(), world.image()
    first, again = copy(world, standing, image), copy(world, standing, image)
    assert first == again
    (here,), (there,) = world.one.jobs(COPY_CROSS_REGION), received(world)
    assert here.id == first["job_id"]
    assert here.arguments == {"region": "RegionTwo", "project_id": PROJECT, "job_id": there.id}
    assert here.entities["target_job_id"] == there.id
    assert (there.arguments["image_id"], there.arguments["name"]) == (image, "web")
    assert there.arguments["source_region"] == "RegionOne"
    # Which it waits for before it begins.
    assert there.arguments["source_job_id"] == here.id
    assert there.delegation_id != there.source_delegation_id
    assert copy(world, standing, image, 2) != first


def test_a_name_that_copies_may_not_have(world):
    standing, image = world.create(), world.image("a/b")
    copy(world, standing, image)
    assert received(world)[0].arguments["name"] == image


def test_for_workers_only(world, monkeypatch):
    """Others may have a token of a trust of the same owner."""
    standing, image = world.create(), world.image()
    context = types.SimpleNamespace(project_id=PROJECT, user_id=USER, roles=[], service_roles=[])
    for handler, region in (
        (reception.copy_replicated_image, world.one),
        (reception.receive_replicated_image, world.two),
    ):
        source = {"job_id": "1" * 32, "size": 1}
        body = {"image_id": image, "attempt": 1, "name": "web", "source": source}
        with pytest.raises(reception.ForWorkersOnly) as refused:
            handler(Call(region.service, context, {"replication_id": standing}, {}, body))
        assert refused.value.code == "IMG.0026"
    assert received(world) == []


def test_only_its_images_and_only_while_it_is_active(world):
    standing, image, other = world.create(), world.image(), world.image(tags=())
    with pytest.raises(reception.NotItsImage):
        copy(world, standing, other)
    world.change(standing, status="paused")
    with pytest.raises(reception.IsNotActive, match="paused"):
        copy(world, standing, image)
    assert received(world) == []


def test_what_cannot_be_followed_is_not_left_alone_there(world, monkeypatch):
    standing, image = world.create(), world.image()
    full = TooManyTasks(project_id=PROJECT, limit=5, kind="copying")

    def refuse(_self, job):
        raise full

    monkeypatch.setattr(type(world.one.service.jobs), "check_limit", lambda *_: None)
    monkeypatch.setattr(world.one.service.jobs, "accept_once", lambda job: refuse(None, job))
    with pytest.raises(TooManyTasks):
        copy(world, standing, image)
    assert received(world)[0].cancel_requested


def test_the_job_there(world):
    standing = world.create()
    answer = receive(world, standing)
    assert answer == receive(world, standing)
    (job,) = received(world)
    assert (job.id, job.creates_image) == (answer["job_id"], True)
    assert job.image_id
    assert job.arguments["cmk_id"] is None
    assert job.entities == {
        "image_name": "web",
        "source_region": "RegionOne",
        "source_image_id": SECOND,
    }


@pytest.mark.parametrize(
    ("named", "encrypted", "used"),
    [
        (None, False, None),
        (None, True, f"id of {calls.DEFAULT_KEY}"),
        ("k", False, "id of k"),
        ("k", True, "id of k"),
    ],
)
def test_what_is_encrypted_is_never_plain(world, named, encrypted, used):
    standing = world.create(cmk_id=named)
    receive(world, standing, source={"encrypted": encrypted})
    assert received(world)[0].arguments["cmk_id"] == used


def test_a_copy_that_was_deleted_is_no_base(world):
    standing = world.create()
    world.two.images.views[SECOND] = calls.view(SECOND)
    bases = [[SECOND, ABSENT], [ABSENT], None]
    for attempt, base in enumerate(bases, 1):
        receive(world, standing, attempt, base_image_ids=base)
    assert [job.arguments["base_image_ids"] for job in received(world)] == [[SECOND], [], []]
    world.two.images.views[SECOND]["status"] = "deactivated"
    receive(world, standing, 4, base_image_ids=[SECOND])
    assert received(world)[-1].arguments["base_image_ids"] == []


def test_a_replication_that_is_not_known_there(world):
    for standing in ("f" * 32, "x" * 1000):
        with pytest.raises(ReceptionNotFound) as refused:
            receive(world, standing)
        assert refused.value.code == "IMG.0179"
        assert len(str(refused.value)) < 200
        with pytest.raises(ReceptionNotFound):
            world.two.call(reception.end_reception, replication_id=standing)


def test_an_image_that_may_not_be_copied(world):
    standing, image = world.create(), world.image()
    world.one.images.views[image][attributes.VIRTUAL_ENV_TYPE] = "IsoImage"
    with pytest.raises(exceptions.ImsError) as refused:
        copy(world, standing, image)
    assert refused.value.code == "IMG.0024"


def test_the_end_there(world):
    standing = world.create()
    receive(world, standing)
    world.two.call(reception.end_reception, replication_id=standing)
    with pytest.raises(ReceptionNotFound):
        receive(world, standing, 2)
    # What is under way ends well.
    assert [job.status for job in received(world)] == [JobStatus.INIT]


def test_who_is_away_is_away_here_as_well(world):
    standing, image = world.create(), world.image()
    world.away.add("RegionTwo")
    with pytest.raises(rest.ServiceUnavailable):
        copy(world, standing, image)
    assert world.one.jobs(COPY_CROSS_REGION) == []
