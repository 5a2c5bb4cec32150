# SPDX-License-Identifier: Apache-2.0
"""Replications: what is checked before one is made, and what its owner may do with it."""

import jsonschema
import pytest

from ims_glance import exceptions
from ims_glance.api.common.elsewhere import WrongRegion
from ims_glance.api.ims.operations import standing_copy
from ims_glance.db.standing.copies import StandingCopyNotFound
from ims_glance.model import tag
from tests.unit.jobs.standing_bench import SmallRegions

SCHEMAS = {each.name: each for each in standing_copy.OPERATIONS}


@pytest.fixture
def world(tmp_path, monkeypatch):
    return SmallRegions(tmp_path, monkeypatch)


def test_one_is_made_in_both_regions(world):
    image = world.image()
    body = {"name": "releases", "region": "RegionTwo", "tag": "release.stable", "keep": 3}
    answer = world.one.call(standing_copy.create_replication, {**body, "cmk_id": "k"})
    jsonschema.validate(answer, SCHEMAS["create_replication"].answer)
    assert (answer["status"], answer["tag"], answer["keep"]) == ("active", "release=stable", 3)
    # As the other region knows it.
    assert answer["cmk_id"] == "id of k"
    assert world.rows("receptions") == 1
    shown = world.show(answer["id"])
    jsonschema.validate(shown, SCHEMAS["show_replication"].answer)
    assert [(each["image_id"], each["state"]) for each in shown["images"]] == [(image, "existing")]
    listed = world.one.call(standing_copy.list_replications)
    jsonschema.validate(listed, SCHEMAS["list_replications"].answer)
    assert listed == {"replications": [answer]}


@pytest.mark.parametrize(
    ("wishes", "code"),
    [
        ({"name": "<"}, "IMG.0003"),
        ({"tag": None}, "IMG.0104"),
        ({"tag": "", "image_name": ""}, "IMG.0104"),
        ({"tag": "a b"}, tag.TagInvalid.code),
        ({"image_name": "x" * 129}, "IMG.0003"),
        ({"image_name": "\U0001f600"}, "IMG.0003"),
        ({"cmkId": "k"}, "IMG.0016"),
    ],
)
def test_refusals(world, wishes, code):
    with pytest.raises(exceptions.ImsError) as refused:
        world.create(**wishes)
    assert refused.value.code == code
    assert world.asked == []


def test_a_region_that_is_not_there(world, monkeypatch):
    def refuse(_self, _context, region, *_others):
        raise WrongRegion(region=region, regions="RegionTwo")

    monkeypatch.setattr(type(world.one), "place", refuse)
    with pytest.raises(WrongRegion):
        world.create(region="Mars")
    assert world.rows("standing_copies") == 0


def test_no_more_than_a_project_may_have(world):
    world.one.conf.set_override("replications", 1, "ims_api")
    world.create()
    with pytest.raises(exceptions.Conflict) as refused:
        world.create()
    assert refused.value.code == "IMG.0060"
    assert world.rows("receptions") == 1


def test_what_its_owner_changes(world):
    standing = world.create()
    changed = world.change(standing, name="other", keep=1, status="paused")
    jsonschema.validate(changed, SCHEMAS["update_replication"].answer)
    assert (changed["name"], changed["keep"], changed["status"]) == ("other", 1, "paused")
    assert world.change(standing, keep=None)["keep"] is None
    with pytest.raises(exceptions.ImsError) as refused:
        world.change(standing, name="<")
    assert refused.value.code == "IMG.0003"


def test_one_that_ended_is_not_resumed(world):
    standing = world.create()
    world.trusts.clear()
    world.look()
    with pytest.raises(standing_copy.HasEnded, match="anew"):
        world.change(standing, status="active")
    assert world.change(standing, name="kept")["status"] == "ended"


def test_one_that_is_not_there(world):
    for standing_id in ("x", "a" * 32, "x" * 1000):
        with pytest.raises(StandingCopyNotFound) as refused:
            world.show(standing_id)
        assert len(str(refused.value)) < 200
        with pytest.raises(StandingCopyNotFound):
            world.delete(standing_id)


def test_deleted_it_is_gone_at_once(world):
    standing = world.create()
    world.delete(standing)
    with pytest.raises(StandingCopyNotFound):
        world.show(standing)
    with pytest.raises(StandingCopyNotFound):
        world.delete(standing)
