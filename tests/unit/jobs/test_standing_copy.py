# SPDX-License-Identifier: Apache-2.0
"""Workers and standing copies: each image once, in order, whoever dies, and nothing is left."""

import contextlib
import threading

import pytest

from ims_glance.clouds.ims_api import NoImsThere
from ims_glance.db.job import Jobs
from ims_glance.jobs.standing_copy import StandingWork
from ims_glance.model.image import attributes
from ims_glance.model.job import COPY_CROSS_REGION, COPY_IN_REGION, RECEIVE_IMAGE, JobStatus
from tests.unit.api.ims.calls import PROJECT
from tests.unit.jobs.standing_bench import IntoRegion, SmallRegions, copied, dies_at

_LONGEST = 60


@pytest.fixture
def world(tmp_path, monkeypatch):
    return SmallRegions(tmp_path, monkeypatch)


def test_each_image_is_copied_once_and_in_order(world):
    before = world.image()
    standing = world.create()
    images = [world.image("b"), world.image("a")]
    other = world.image(tags=("release=beta",))
    world.look()
    assert world.states(standing) == {
        before: "existing",
        images[0]: "running",
        images[1]: "waiting",
    }
    world.go_on()
    assert world.states(standing) == {
        before: "existing",
        images[0]: "done",
        images[1]: "done",
    }
    assert copied(world) == images
    first, second = world.show(standing)["images"][1:]
    assert (first["region"], first["process_percent"], first["attempts"]) == ("RegionTwo", 100.0, 1)
    # It got the tag later.
    world.one.images.views[other]["tags"].append("release=stable")
    world.go_on()
    assert copied(world) == [*images, other]
    # Each is compared with the copies before it.
    bases = [job.arguments["base_image_ids"] for job in world.two.jobs(RECEIVE_IMAGE)]
    assert bases == [[], [first["copy_id"]], [second["copy_id"], first["copy_id"]]]


def test_images_that_are_there_are_copied_if_wanted(world):
    before = world.image()
    world.create(existing=True)
    world.go_on()
    assert copied(world) == [before]


def test_a_pattern_of_names(world):
    world.create(tag=None, image_name="web-*")
    image = world.image("web-1", ())
    world.image("db-1", ())
    world.go_on()
    assert copied(world) == [image]


def test_what_came_from_another_region_is_not_sent_on(world):
    world.create()
    image = world.image()
    origin = f"image,RegionTwo,{image}"
    world.one.images.views[image]["__data_origin"] = origin
    world.go_on()
    assert copied(world) == []
    world.one.images.views[image]["__data_origin"] = f"image,RegionOne,{image}"
    world.go_on()
    assert copied(world) == [image]


def test_one_that_fails_is_tried_again_and_holds_up_no_other(world):
    standing = world.create()
    first, second = world.image(), world.image()
    world.look()
    world.run_jobs(JobStatus.FAIL)
    world.look()
    shown = {each["image_id"]: each for each in world.show(standing)["images"]}
    assert shown[first]["state"] == "failed"
    assert (shown[first]["error_code"], shown[first]["reason"]) == ("IMG.0057", "It broke.")
    assert shown[first]["try_again_at"]
    assert shown[second]["state"] == "running"
    world.go_on()
    assert world.states(standing) == {first: "failed", second: "done"}
    world.try_again()
    world.go_on()
    assert world.states(standing) == {first: "done", second: "done"}
    assert len(copied(world)) == 3


def test_a_refusal_is_told(world):
    standing = world.create()
    image = world.image()
    world.one.images.views[image][attributes.VIRTUAL_ENV_TYPE] = "IsoImage"
    world.look()
    (shown,) = world.show(standing)["images"]
    assert (shown["state"], shown["error_code"], shown["attempts"]) == ("failed", "IMG.0024", 1)
    assert copied(world) == []


def test_a_region_whose_plugin_is_gone_is_told(world, monkeypatch):
    standing, _image = world.create(), world.image()

    def without(*_values):
        raise NoImsThere(region="RegionTwo")

    with monkeypatch.context() as patch:
        patch.setattr(IntoRegion, "receive_replicated", without)
        patch.setattr(IntoRegion, "cancel_job", without)
        world.look()
        shown = world.show(standing)
        assert (shown["status"], shown["error_code"]) == ("active", "IMG.0105")
        assert "Ask the operator" in shown["reason"]
    world.go_on()
    shown = world.show(standing)
    assert (shown["error_code"], shown["images"][0]["state"]) == (None, "done")


def test_too_many_jobs_are_waited_for(world):
    world.one.conf.set_override("copying", 1, "ims_jobs")
    standing = world.create()
    other = world.one.tables.create(type=COPY_IN_REGION, project_id=PROJECT)
    image = world.image()
    world.look()
    (shown,) = world.show(standing)["images"]
    assert (shown["state"], shown["error_code"]) == ("waiting", "IMG.0060")
    claimed = world.one.tables.jobs.claim(other.id, "worker", 60)
    world.one.tables.jobs.finish(claimed, JobStatus.FAIL, "IMG.0018", "no")
    world.try_again()
    world.go_on()
    assert world.states(standing) == {image: "done"}


def test_an_image_that_goes_meanwhile_is_forgotten(world):
    standing = world.create()
    first, second = world.image(), world.image()
    world.look()
    del world.one.images.views[second]
    world.go_on()
    assert world.states(standing) == {first: "done"}


def test_while_the_other_region_is_away_it_waits(world):
    standing = world.create()
    image = world.image()
    world.away.add("RegionTwo")
    world.look()
    (shown,) = world.show(standing)["images"]
    assert shown["state"] == "waiting"
    assert "no answer" in shown["reason"]
    world.away.clear()
    world.try_again()
    world.go_on()
    assert world.states(standing) == {image: "done"}
    assert world.show(standing)["images"][0]["reason"] is None


@pytest.mark.parametrize("lost", ["copy_replicated_image", "receive_replicated_image"])
@pytest.mark.parametrize("then", ["again", "refused"])
def test_an_answer_that_is_lost_makes_no_second_copy(world, lost, then):
    standing = world.create()
    image = world.image()
    world.lost.add(lost)
    world.look()
    world.lost.clear()
    if then == "refused":
        # It is no more to be copied, but perhaps it is.
        world.one.images.views[image][attributes.VIRTUAL_ENV_TYPE] = "IsoImage"
    world.try_again()
    world.look()
    world.one.images.views[image].pop(attributes.VIRTUAL_ENV_TYPE, None)
    world.try_again()
    world.go_on()
    assert world.states(standing) == {image: "done"}
    jobs = world.two.jobs(RECEIVE_IMAGE)
    assert [job.status for job in jobs].count(JobStatus.SUCCESS) == 1
    copies = [each for each in world.two.images.views.values() if "__data_origin" in each]
    assert len(copies) == 1


def test_versions_that_are_kept(world):
    standing = world.create(keep=2)
    images = [world.image(str(number)) for number in range(4)]
    world.go_on(5)
    assert list(world.states(standing).values()) == ["removed", "removed", "done", "done"]
    assert len(world.two.images.views) == 2
    assert copied(world) == images


def test_never_the_newest_one_and_none_that_is_protected_or_another_s(world):
    standing = world.create()
    images = [world.image(str(number)) for number in range(4)]
    world.go_on(5)
    by_image = {each["image_id"]: each["copy_id"] for each in world.show(standing)["images"]}
    first, second, third, newest = (by_image[each] for each in images)
    views = world.two.images.views
    views[first]["protected"] = True
    views[second]["__data_origin"] = "image,RegionOne,another"
    # Its owner deleted the newest one: the one before it stays.
    del views[newest]
    world.change(standing, keep=1)
    world.go_on(1)
    assert set(views) == {first, second, third}
    assert world.states(standing)[images[0]] == "done"


def test_what_is_over_is_forgotten_once_the_image_is_gone(world):
    standing = world.create(keep=1)
    images = [world.image(str(number)) for number in range(3)]
    world.go_on(4)
    assert list(world.states(standing).values()) == ["removed", "removed", "done"]
    del world.one.images.views[images[0]]
    # As good as deleted for the search; copied again it would be if it were forgotten.
    world.one.images.views[images[1]]["status"] = "deactivated"
    del world.one.images.views[images[2]]
    world.go_on(2)
    assert world.states(standing) == {images[1]: "removed", images[2]: "done"}


def test_what_is_older_than_all_that_is_kept_is_passed_over(world):
    standing = world.create(keep=1)
    first, second = world.image(), world.image()
    world.look()
    world.run_jobs(JobStatus.FAIL)
    world.go_on()
    assert world.states(standing) == {first: "passed over", second: "done"}


def test_paused_it_starts_nothing(world):
    standing = world.create()
    first = world.image()
    world.look()
    assert world.change(standing, status="paused")["status"] == "paused"
    second = world.image()
    world.go_on()
    # What was under way came to its end, and is told.
    assert world.states(standing) == {first: "done"}
    world.change(standing, status="active")
    world.go_on()
    assert world.states(standing) == {first: "done", second: "done"}


def test_paused_in_the_midst_of_a_look(world):
    standing = world.create()
    world.image()
    steps = []

    def step():
        steps.append(1)
        if len(steps) == 3:
            world.step = lambda: None
            world.change(standing, status="paused")

    world.step = step
    world.look()
    assert copied(world) == []


def test_deleted_nothing_is_left_of_it(world):
    standing = world.create()
    image = world.image()
    world.look()
    world.delete(standing)
    assert world.one.standing.copies.find(PROJECT) == []
    world.look()
    assert world.rows("standing_copies") == world.rows("standing_images") == 0
    assert world.rows("receptions") == 0
    # The copy that was under way goes on, and holds its delegations until it ends.
    assert world.delegated() == 3
    world.run_jobs()
    assert world.delegated() == world.unfinished() == 0
    assert copied(world) == [image]
    tallies = "tallies WHERE unfinished <> 0"
    assert world.rows(tallies) == 0


def test_deleted_while_the_other_region_is_away_it_waits_for_that(world):
    standing = world.create()
    world.delete(standing)
    world.away.add("RegionTwo")
    world.look()
    assert world.rows("standing_copies") == world.rows("receptions") == 1
    world.away.clear()
    world.look()
    assert world.rows("standing_copies") == world.rows("receptions") == 0


def test_it_ends_with_its_trust_and_says_so(world):
    standing = world.create()
    world.image()
    world.trusts.clear()
    world.look()
    shown = world.show(standing)
    assert (shown["status"], shown["error_code"]) == ("ended", "IMG.0087")
    assert "Create it anew" in shown["reason"]
    world.look()
    assert (world.delegated(), copied(world)) == (2, [])
    world.delete(standing)
    world.look()
    assert world.rows("standing_copies") == 0


def test_it_ends_when_the_other_region_has_no_rights_any_more(world):
    standing = world.create()
    world.image()
    with world.two.tables.database.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE delegations SET expires_at = '2020-01-01T00:00:00Z'")
    world.look()
    assert world.show(standing)["status"] == "ended"
    assert (world.rows("receptions"), world.delegated()) == (0, 0)


def test_a_role_that_was_taken_for_a_while_is_waited_for(world, monkeypatch):
    """Keystone has the trust still: it is good again when the role is."""
    standing = world.create()
    image = world.image()
    trusts = set(world.trusts)
    monkeypatch.setattr("ims_glance.clouds.identity.Identity.trusts", lambda _self: trusts)
    world.trusts.clear()
    world.look()
    shown = world.show(standing)
    assert (shown["status"], shown["error_code"]) == ("active", "IMG.0087")
    world.trusts |= trusts
    world.go_on()
    assert (world.show(standing)["reason"], world.states(standing)) == (None, {image: "done"})


def test_one_that_was_never_finished_is_deleted(world):
    """Glance died while it was made."""
    world.one.standing.activate = None
    with pytest.raises(TypeError):
        world.create()
    assert world.rows("receptions") == 1
    world.look()
    assert world.rows("standing_copies") == world.rows("receptions") == world.delegated() == 0


def test_who_is_refused_there_has_none(world, monkeypatch):
    world.away.add("RegionTwo")
    with contextlib.suppress(Exception):
        world.create()
    world.away.clear()
    world.look()
    assert world.rows("standing_copies") == world.delegated() == 0


def test_workers_that_die_at_any_step(tmp_path, monkeypatch):
    """Whoever goes on, an image has one copy, and nothing is left of it all."""
    for number in range(1, _LONGEST):
        folder = tmp_path / str(number)
        folder.mkdir()
        with monkeypatch.context() as patch:
            world = SmallRegions(folder, patch)
            standing, image = world.create(), world.image()
            has_died = dies_at(world, number)
            world.go_on(1)
            assert world.states(standing) == {image: "done"}, number
            assert copied(world) == [image], number
            assert len(world.one.jobs(COPY_CROSS_REGION)) == 1, number
        if not has_died:
            return
    raise AssertionError("it never came to an end")


def test_workers_that_die_while_they_remove_copies(world):
    standing = world.create()
    images = [world.image(str(number)) for number in range(3)]
    world.go_on()
    for number in range(1, _LONGEST):
        world.change(standing, keep=2)
        if not dies_at(world, number, rounds=1):
            break
    world.look(is_dead=True)
    assert list(world.states(standing).values()) == ["removed", "done", "done"]
    assert copied(world) == images


def test_workers_that_die_while_they_delete_it(tmp_path, monkeypatch):
    for number in range(1, _LONGEST):
        folder = tmp_path / str(number)
        folder.mkdir()
        with monkeypatch.context() as patch:
            world = SmallRegions(folder, patch)
            world.delete(world.create())
            has_died = dies_at(world, number, rounds=1)
            world.look(is_dead=True)
            assert world.rows("standing_copies") == world.rows("receptions") == 0, number
            assert world.delegated() == 0, number
        if not has_died:
            return
    raise AssertionError("it never came to an end")


def test_two_workers_at_once(world):
    standing = world.create()
    images = [world.image() for _ in range(3)]
    for _round in range(5):
        with world.one.tables.database.engine.begin() as connection:
            connection.exec_driver_sql("UPDATE standing_copies SET look_at = 0")
        barrier = threading.Barrier(2)

        def look(name, barrier=barrier):
            worker = world.worker(name)
            barrier.wait()
            worker.look()

        threads = [threading.Thread(target=look, args=(each,)) for each in ("a", "b")]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        world.run_jobs()
    world.look()
    assert world.states(standing) == dict.fromkeys(images, "done")
    assert copied(world) == images


def test_a_worker_that_was_overtaken_writes_nothing(world, monkeypatch):
    """It stood still for longer than its claim held."""
    standing = world.create()
    image = world.image()
    stands = StandingWork._find

    def find(self, claimed, here):
        monkeypatch.setattr(StandingWork, "_find", stands)
        world.go_on()
        stands(self, claimed, here)

    monkeypatch.setattr(StandingWork, "_find", find)
    world.look()
    assert world.states(standing) == {image: "done"}
    assert copied(world) == [image]


def test_a_record_of_a_job_that_is_gone(world):
    standing = world.create()
    image = world.image()
    world.look()
    (job,) = world.one.jobs(COPY_CROSS_REGION)
    world.run_jobs()
    Jobs(world.one.tables.database).delete(job.id)
    world.go_on()
    assert world.states(standing) == {image: "done"}
    assert len(copied(world)) == 1


def test_a_region_that_does_not_answer_is_left_alone_by_a_worker(world):
    """The others do not wait for it as often as there are replications that lead there."""
    for name in ("a", "b", "c"):
        world.create(name=name)
    image = world.image()
    world.away.add("RegionTwo")
    worker = world.worker()
    world.let_look(look_at=0.0)
    worker.look()
    asked = [each for each in world.asked if each == "RegionOne copy_replicated_image"]
    assert len(asked) == 1
    world.away.clear()
    world.try_again()
    world.go_on()
    assert copied(world) == [image] * 3


def test_a_worker_logs_in_once_for_all_looks(world, monkeypatch):
    sessions = []

    def session_of(_self, grant, _request_id=None):
        sessions.append(grant)
        return grant

    monkeypatch.setattr("ims_glance.clouds.identity.Identity.session_of", session_of)
    world.create()
    worker = world.worker()
    for _look in range(3):
        world.let_look(look_at=0.0)
        worker.look()
    # One trust for both regions, which is the same project with the same roles.
    assert len(sessions) == 1
