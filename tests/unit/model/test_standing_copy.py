# SPDX-License-Identifier: Apache-2.0
"""Standing copies: which images they are about, whose turn it is, and what clients see."""

import dataclasses
import datetime

import pytest

from ims_glance.model import standing_copy as model
from ims_glance.model.image import attributes
from ims_glance.model.job import JobStatus, StoredJob
from ims_glance.model.standing_copy import CopyState, StandingCopy, StandingImage

STANDING = StandingCopy("a" * 32, "releases", "p", "u", "RegionTwo", "q", tag="release=stable")
VIEW = {"status": "active", "owner": "p", "name": "web-1", "tags": ["x", "release=stable"]}


def image(number, state=CopyState.WAITING, **values):
    return StandingImage(f"i{number}", f"n{number}", f"2030-01-0{number}", state, **values)


@pytest.mark.parametrize(
    ("wanted", "changes", "fits"),
    [
        ({}, {}, True),
        ({}, {"tags": ["release=beta"]}, False),
        ({}, {"tags": ["Release=stable"]}, False),
        ({}, {"status": "deactivated"}, False),
        ({}, {"owner": "another"}, False),
        ({}, {"os_hidden": True}, False),
        ({}, {attributes.COMPONENT_OF: "w"}, False),
        ({"image_name": "web-*"}, {}, True),
        ({"image_name": "web-*"}, {"name": "db"}, False),
        ({"image_name": "web-?", "tag": None}, {"tags": []}, True),
        ({"image_name": "*", "tag": None}, {"name": None}, True),
        ({"image_name": "WEB-*", "tag": None}, {}, False),
    ],
)
def test_which_images(wanted, changes, fits):
    standing = dataclasses.replace(STANDING, **wanted)
    assert model.matches(standing, {**VIEW, **changes}) is fits


@pytest.mark.parametrize(
    ("origin", "is_from_elsewhere"),
    [
        (None, False),
        ("volume,1", False),
        ("image,RegionOne,1", False),
        ("image,,1", False),
        ("image,RegionTwo,1", True),
    ],
)
def test_what_came_from_elsewhere(origin, is_from_elsewhere):
    view = {attributes.DATA_ORIGIN: origin}
    assert model.is_from_elsewhere(view, "RegionOne") is is_from_elsewhere


def test_the_id_of_a_job_says_what_it_is_for():
    values = (("s", "i", 1), ("s", "i", 2), ("s", "j", 1), ("t", "i", 1))
    known = {model.job_id(*each) for each in values}
    assert len(known) == 4
    assert model.job_id("s", "i", 1) in known
    assert all(model.is_id(each) for each in known)
    assert not model.is_id("x" * 32)
    assert not model.is_id("a" * 32 + "\n")


def test_the_pause_grows():
    assert [model.pause_after(each) for each in (1, 2, 3, 30)] == [60, 120, 240, 21600]


def test_whose_turn_it_is():
    first, second = image(1), image(2)
    assert model.next_of([second, first], 0.0) == first
    failed = image(1, CopyState.FAILED, try_at=10.0)
    assert model.next_of([second, failed], 9.0) == second
    assert model.next_of([second, failed], 10.0) == failed
    assert model.next_of([second, image(1, CopyState.RUNNING)], 0.0) is None
    # What may be begun already goes on before anything else is.
    starting = image(3, CopyState.STARTING, try_at=5.0)
    assert model.next_of([first, starting], 9.0) == starting
    assert model.next_of([first, starting], 4.0) is None
    assert model.next_of([image(1, CopyState.DONE), image(2, CopyState.EXISTING)], 0.0) is None


def test_what_is_kept():
    done = [image(number, CopyState.DONE, copy_id=f"c{number}") for number in (1, 2, 3)]
    assert model.too_many(done, None) == []
    assert model.too_many(done, 3) == []
    assert [each.image_id for each in model.too_many(done, 1)] == ["i2", "i1"]
    assert [each.image_id for each in model.too_many(done, 0)] == ["i2", "i1"]
    late = image(1, CopyState.FAILED)
    assert model.passed_over([late, *done[1:]], 3) == []
    assert model.passed_over([late, *done[1:]], 2) == [late]
    assert model.passed_over([late, *done[1:]], None) == []


def test_the_bases_are_the_newest_copies_before():
    done = [image(number, CopyState.DONE, copy_id=f"c{number}") for number in (1, 3, 5)]
    assert model.bases_of(done, image(2)) == ["c1"]
    assert model.bases_of(done, image(4)) == ["c3", "c1"]
    assert model.bases_of(done, image(6)) == ["c5", "c3"]
    assert model.bases_of([], image(4)) == []


def test_which_may_be_forgotten():
    over = [
        image(3, CopyState.REMOVED),
        image(1, CopyState.EXISTING),
        image(2, CopyState.PASSED_OVER),
    ]
    others = [image(number, state) for number, state in enumerate(CopyState, 4)]
    others = [each for each in others if each.state not in model.OVER]
    found = model.perhaps_gone([*over, *others], {"i2"}, 10)
    assert [each.image_id for each in found] == ["i1", "i3"]
    many = [image(number, CopyState.REMOVED) for number in range(12)]
    turns = [model.perhaps_gone(many, set(), turn) for turn in range(4, 7)]
    assert [len(each) for each in turns] == [4, 4, 4]
    assert {each.image_id for turn in turns for each in turn} == {each.image_id for each in many}
    assert model.perhaps_gone([], set(), 3) == []


def test_what_clients_see():
    standing = dataclasses.replace(
        STANDING,
        status=model.StandingStatus.ACTIVE,
        keep=2,
        wishes={"cmk_id": "k", "agency_name": "a"},
        created_at=datetime.datetime(2030, 1, 1),
    )
    assert model.view(standing) == {
        "id": "a" * 32,
        "name": "releases",
        "status": "active",
        "region": "RegionTwo",
        "target_project_id": "q",
        "tag": "release=stable",
        "image_name": None,
        "keep": 2,
        "cmk_id": "k",
        "agency_name": "a",
        "created_at": "2030-01-01T00:00:00.000Z",
        "error_code": None,
        "reason": None,
    }


@pytest.mark.parametrize(
    ("state", "has_job", "shown", "percent"),
    [
        (CopyState.WAITING, False, "waiting", None),
        (CopyState.STARTING, False, "waiting", None),
        (CopyState.STARTING, True, "running", 25.0),
        (CopyState.RUNNING, True, "running", 25.0),
        (CopyState.RUNNING, False, "running", None),
        (CopyState.DONE, False, "done", 100.0),
        (CopyState.FAILED, False, "failed", None),
    ],
)
def test_what_clients_see_of_an_image(state, has_job, shown, percent):
    job = StoredJob("j", "t", "p", "u", JobStatus.RUNNING, done_bytes=1, total_bytes=4)
    known = {"j": job} if has_job else {}
    (view,) = model.images_view("RegionTwo", [image(1, state, job_id="j", try_at=60.0)], known)
    assert (view["state"], view["process_percent"], view["region"]) == (shown, percent, "RegionTwo")
    is_to_do = state in {CopyState.WAITING, CopyState.STARTING, CopyState.FAILED}
    assert view["try_again_at"] == ("1970-01-01T00:01:00.000Z" if is_to_do else None)
