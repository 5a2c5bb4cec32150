# SPDX-License-Identifier: Apache-2.0
"""A worker has products copied to other regions, whatever becomes of it, of them, or of the regions."""

import hashlib
import itertools
import threading
from typing import Any

import pytest

from ims_glance.clouds import rest
from ims_glance.clouds.image_api import ImageApi
from ims_glance.clouds.ims_api import ImsApi
from ims_glance.clouds.region import Region
from ims_glance.jobs.market import regions
from ims_glance.jobs.market.regions import RegionCopies
from ims_glance.jobs.market.work import MarketWork
from ims_glance.model.image import whole_image
from ims_glance.model.image.whole_image import Component
from ims_glance.model.job import JobStatus
from ims_glance.model.server import Disk
from tests.unit.db.market.rows import SELLER, MarketTables
from tests.unit.flows.direct_cloud import MARKET, DirectCloud, DirectIdentity

HERE, THERE, AWAY = "RegionOne", "RegionTwo", "RegionThree"
DATA = b"sold" * 100
BUSINESS = {"regions": [HERE, THERE, AWAY]}


class World:
    """A product whose image is copied here, and what the other regions do."""

    def __init__(self, tables: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        self.tables = tables
        for name, value in (("enabled", True), ("project", MARKET)):
            tables.conf.set_override(name, value, "ims_market")
        self.cloud = DirectCloud()
        self.identity = DirectIdentity(tables.conf, self.cloud)
        self.market = MarketTables(tables.database)
        self.asked: list[tuple[str, dict[str, Any]]] = []
        self.refusal: dict[str, Exception] = {}
        self.is_lost = False
        self._numbers = itertools.count(1)
        world = self

        def copy_cross_region(_api: ImsApi, image_id: str, body: dict[str, Any]) -> Any:
            return world.ask(image_id, body)

        monkeypatch.setattr(ImsApi, "copy_cross_region", copy_cross_region)
        monkeypatch.setattr(regions, "_SOON", 0.0)
        monkeypatch.setattr(regions, "_LATER", 0.0)
        monkeypatch.setattr(regions, "_CLAIM", 0.0)
        monkeypatch.setattr(regions, "pause_after", lambda _attempts: 0.0)
        document = {"name": "Database", "business": BUSINESS}
        draft = self.market.draft(product_code="c" * 32, document=document)
        self.version = self.market.submitted(draft, regions=BUSINESS["regions"])

    def home(self, **view: Any) -> str:
        """The copy here, of an image without disks unless they are named; its id."""
        body = {
            "name": "Quick", "owner": MARKET, "visibility": "shared",
            "__imagetype": "market", "__productcode": "c" * 32, **view,
        }  # fmt: skip
        image_id = self.cloud.make(DATA, **body)
        digest = view.pop("digest", hashlib.sha512(DATA).hexdigest())
        assert self.market.copies.begun(self.version.id, HERE, image_id)
        assert self.market.copies.ready(self.version, HERE, image_id, digest, SELLER)
        return image_id

    def ask(self, image_id: str, body: dict[str, Any]) -> dict[str, str]:
        """What this region's API does when it is asked for a copy."""
        if body["region"] in self.refusal:
            raise self.refusal[body["region"]]
        self.asked.append((image_id, body))
        number = next(self._numbers)
        entities = {"image_name": body["name"]}
        self.tables.create(number, project_id=MARKET, entities=entities)
        if self.is_lost:
            raise rest.ServiceUnavailable(service="Image", reason="no answer")
        return {"job_id": f"{number:032x}"}

    def end(self, number: int, image_id: str | None = None, reason: str = "no space") -> None:
        """Let a job end: with an image, or without."""
        job = self.tables.jobs.claim(f"{number:032x}", "worker", 60.0)
        assert job is not None
        if image_id is None:
            self.tables.jobs.finish(job, JobStatus.FAIL, "IMG.0057", reason)
            return
        entities = {**job.entities, "image_id": image_id}
        self.tables.jobs.progress(job, entities=entities)
        self.tables.jobs.finish(job, JobStatus.SUCCESS)

    def look(self) -> None:
        """What a worker does: another one each time."""
        self.worker().look(self.cloud.session())

    def worker(self) -> RegionCopies:
        """What one of them has."""
        stopping = threading.Event()
        return RegionCopies(self.tables.conf, self.tables.database, self.identity, stopping)

    def work(self) -> None:
        """All that a worker does for the marketplace."""
        conf, database = self.tables.conf, self.tables.database
        MarketWork(conf, database, self.identity, threading.Event()).look()

    def listed_in(self) -> list[str]:
        """Where buyers see that the product is."""
        published = self.market.of(self.version).published
        assert published is not None
        return list(published["business"]["regions"])

    def copy(self, region: str = THERE) -> Any:
        """What is recorded of the copy in a region."""
        [found] = [
            each for each in self.market.copies.wanted(self.version.id) if each.region == region
        ]
        return found


@pytest.fixture
def world(tables: Any, monkeypatch: pytest.MonkeyPatch) -> World:
    return World(tables, monkeypatch)


def made(world: World, data: bytes = DATA) -> str:
    """What the job that was asked for last makes in the other region; its id."""
    name = world.asked[-1][1]["name"]
    return world.cloud.make(data, name=name, owner=MARKET, __productcode="c" * 32)


def only(world: World, region: str = THERE) -> None:
    """Let all other regions refuse."""
    refused = rest.Refused(409, "IMG.0105", "Image", "no such service")
    world.refusal = {each: refused for each in (THERE, AWAY) if each != region}


def test_it_is_copied_and_marked(world: World) -> None:
    only(world)
    source = world.home()
    world.look()
    [(asked, body)] = world.asked
    assert (asked, body["region"], body["project_name"]) == (source, THERE, MARKET)
    world.look()
    assert (world.copy().job_id, world.copy().state) == (f"{1:032x}", "wanted")
    image_id = made(world)
    world.end(1, image_id)
    world.look()
    found = world.copy()
    assert (found.state, found.image_id, found.code) == ("ready", image_id, None)
    view = world.cloud.images[image_id]
    assert (view["name"], view["visibility"]) == ("Quick", "shared")
    assert (view["__imagetype"], view["__productcode"]) == ("market", "c" * 32)
    assert len(world.asked) == 1


def test_a_region_that_is_away_holds_up_no_other_one(world: World) -> None:
    world.home()
    world.refusal = {AWAY: rest.ServiceUnavailable(service="RegionThree Image", reason="away")}
    world.look()
    assert [body["region"] for _image, body in world.asked] == [THERE]
    waits = world.copy(AWAY)
    assert (waits.state, waits.code) == ("wanted", "IMG.0014")
    assert "away" in waits.reason
    world.refusal = {}
    world.look()
    assert [body["region"] for _image, body in world.asked] == [THERE, AWAY]


def test_a_region_that_is_away_is_asked_once_for_all_its_copies(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And again after a while. A timeout for each copy would hold up all that is sold."""
    world.home()
    for number in range(3):
        draft = world.market.draft(product_code=f"{number:032x}")
        version = world.market.submitted(draft, regions=[HERE, AWAY])
        assert world.market.copies.begun(version.id, HERE, f"here-{number}")
        assert world.market.copies.ready(version, HERE, f"here-{number}", "digest", SELLER)
    asked = []

    def named(api: ImageApi, _name: str, _owner: str) -> list[dict[str, Any]]:
        asked.append(api._region.name)
        if asked[-1] == AWAY:
            raise rest.ServiceUnavailable(service="RegionThree Image", reason="timeout")
        return []

    monkeypatch.setattr(ImageApi, "named", named)
    now = [1000.0]
    monkeypatch.setattr(regions, "clock", lambda: now[0])
    work = world.worker()
    for _twice in range(2):
        work.look(world.cloud.session())
    assert (asked.count(AWAY), asked.count(THERE)) == (1, 1)
    assert len(world.asked) == 1
    now[0] += regions.AWAY
    work.look(world.cloud.session())
    assert asked.count(AWAY) == 2


def test_while_this_region_is_away_nothing_is_known_of_the_other_one(world: World) -> None:
    only(world)
    world.home()
    world.refusal[THERE] = rest.ServiceUnavailable(service="Image", reason="timeout")
    work = world.worker()
    work.look(world.cloud.session())
    assert world.copy().code == "IMG.0014"
    del world.refusal[THERE]
    work.look(world.cloud.session())
    assert [body["region"] for _image, body in world.asked] == [THERE]


def test_a_job_whose_id_was_lost_is_found_again(world: World) -> None:
    only(world)
    world.home()
    world.is_lost = True
    world.look()
    assert world.copy().job_id is None
    world.is_lost = False
    world.look()
    assert (world.copy().job_id, len(world.asked)) == (f"{1:032x}", 1)


def test_a_copy_whose_job_is_not_known_any_more_is_found_again(world: World) -> None:
    only(world)
    world.home()
    world.look()
    image_id = made(world)
    world.end(1, image_id)
    world.tables.jobs.delete(f"{1:032x}")
    world.look()
    assert (world.copy().state, world.copy().image_id) == ("ready", image_id)


def test_a_copy_that_fails_is_begun_again_under_another_name(world: World) -> None:
    only(world)
    world.home()
    world.look()
    world.end(1)
    world.look()
    failed = world.copy()
    assert (failed.code, failed.reason, failed.job_id) == ("IMG.0057", "no space", None)
    world.market.approve(world.market.versions.get_any(world.version.id))
    assert world.listed_in() == [HERE]
    world.look()
    names = [body["name"] for _image, body in world.asked]
    assert len(set(names)) == 2
    image_id = made(world)
    world.end(2, image_id)
    world.look()
    assert world.listed_in() == [HERE, THERE]


def test_other_data_is_none(world: World) -> None:
    only(world)
    world.home()
    world.look()
    image_id = made(world, b"damaged")
    world.end(1, image_id)
    world.look()
    assert image_id not in world.cloud.images
    assert (world.copy().state, world.copy().code) == ("wanted", "IMG.0057")


def test_one_that_is_gone_by_then_is_made_again(world: World) -> None:
    only(world)
    world.home()
    world.look()
    world.end(1, "00000000-0000-4000-8000-000000000000")
    world.look()
    assert world.copy().code == "IMG.0027"
    world.look()
    assert len(world.asked) == 2


def test_too_many_at_once_are_no_failure(world: World) -> None:
    only(world)
    world.home()
    world.refusal[THERE] = rest.Refused(409, "IMG.0060", "Image", "too many jobs")
    world.look()
    assert world.copy().code == "IMG.0060"
    del world.refusal[THERE]
    world.look()
    assert len(world.asked) == 1


def test_the_disks_of_a_machine_are_marked_and_compared(world: World) -> None:
    only(world)
    hashes = [hashlib.sha512(each).hexdigest() for each in (b"root", b"data")]
    digest = hashlib.sha512("\n".join(hashes).encode()).hexdigest()
    image_id = world.home(digest=digest)
    world.cloud.images[image_id].pop("digest", None)
    world.look()
    parent = world.cloud.make(b"", name="parent", owner=MARKET)
    disks = [
        world.cloud.make(each, owner=MARKET, __component_of=parent, protected=True)
        for each in (b"root", b"data")
    ]
    parts = [Component(Disk(number, None, 1), disk) for number, disk in enumerate(disks)]
    world.cloud.images[parent] |= whole_image.properties(parts)
    world.end(1, parent)
    world.look()
    assert world.copy().state == "ready"
    for each in (*disks, parent):
        assert world.cloud.images[each]["__imagetype"] == "market"
        assert world.cloud.images[each]["__productcode"] == "c" * 32
    world.market.versions.take_back(world.market.versions.get_any(world.version.id), SELLER)
    world.work()
    assert not {parent, *disks} & world.cloud.images.keys()


def test_what_is_taken_back_meanwhile_leaves_nothing(world: World) -> None:
    """Its job is cancelled, and what it made by then is deleted."""
    only(world)
    world.home()
    world.look()
    world.market.versions.take_back(world.market.versions.get_any(world.version.id), SELLER)
    world.work()
    job = world.tables.jobs.get(f"{1:032x}")
    assert job.cancel_requested
    assert [each.region for each in world.market.copies.unwanted()] == [THERE]
    world.end(1)
    world.work()
    assert world.market.copies.unwanted() == []
    assert world.cloud.images == {}


def test_one_that_was_made_before_it_was_taken_back_is_deleted(world: World) -> None:
    only(world)
    world.home()
    world.look()
    image_id = made(world)
    world.end(1, image_id)
    world.market.versions.take_back(world.market.versions.get_any(world.version.id), SELLER)
    world.look()
    world.work()
    assert world.cloud.images == {}


def test_one_that_is_taken_back_while_its_job_is_asked_for_leaves_nothing(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another worker looks for what nobody wants meanwhile: it waits for who has claimed it."""
    monkeypatch.setattr(regions, "_CLAIM", 120.0)
    only(world)
    world.home()
    ask = world.ask

    def late(image_id: str, body: dict[str, Any]) -> dict[str, str]:
        if body["region"] == THERE:
            version = world.market.versions.get_any(world.version.id)
            world.market.versions.take_back(version, SELLER)
            world.work()
            assert [each.region for each in world.market.copies.unwanted()] == [THERE]
        return ask(image_id, body)

    world.ask = late  # type: ignore[method-assign]
    world.look()
    assert world.tables.jobs.get(f"{1:032x}").cancel_requested
    image_id = made(world)
    world.end(1)
    # It had its image already, and nobody remembers the job.
    world.tables.jobs.delete(f"{1:032x}")
    monkeypatch.setattr(regions, "_CLAIM", 0.0)
    world.work()
    assert image_id not in world.cloud.images
    assert world.market.copies.unwanted() == []


def test_of_two_jobs_for_one_copy_the_second_is_ended(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The claim of the first worker ran out while it asked."""
    only(world)
    world.home()
    ask = world.ask

    def slow(image_id: str, body: dict[str, Any]) -> dict[str, str]:
        if body["region"] == THERE:
            world.ask = ask  # type: ignore[method-assign]
            world.look()
        return ask(image_id, body)

    world.ask = slow  # type: ignore[method-assign]
    world.look()
    assert world.copy().job_id == f"{1:032x}"
    ended = [world.tables.jobs.get(f"{number:032x}").cancel_requested for number in (1, 2)]
    assert ended == [False, True]


def test_members_of_a_region_that_is_away_hold_up_nobody_here(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    only(world)
    source = world.home()
    world.look()
    image_id = made(world)
    world.end(1, image_id)
    world.look()
    world.market.approve(world.market.versions.get_any(world.version.id))
    world.market.subscribe(world.market.of(world.version), "buyer")
    is_away = [True]

    class Away(ImageApi):
        def __init__(self, region: Region) -> None:
            super().__init__(region)
            self.is_there = region.name == THERE

        def add_member(self, image_id: str, project_id: str) -> None:
            if self.is_there and is_away[0]:
                raise rest.ServiceUnavailable(service="RegionTwo Image", reason="away")
            super().add_member(image_id, project_id)

    monkeypatch.setattr("ims_glance.jobs.market.work.ImageApi", Away)
    world.work()
    assert world.cloud.members[source].keys() == {"buyer"}
    assert image_id not in world.cloud.members
    is_away[0] = False
    world.work()
    assert world.cloud.members[image_id].keys() == {"buyer"}
