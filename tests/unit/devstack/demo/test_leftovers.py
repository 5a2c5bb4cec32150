# SPDX-License-Identifier: Apache-2.0
"""Removing goes on until nothing is there; what does not go is told, and left for the next time."""

import functools

import pytest
from pocket_cloud import rest
from pocket_cloud.cloud import Cloud
from pocket_cloud.demo import claim, leftovers, things
from pocket_cloud.demo.claim import Claim
from pocket_cloud.demo.things import Thing

DEAD = "ims-demo-0123456789ab"


class Clock:
    """Time that passes only while somebody sleeps."""

    def __init__(self):
        self.now = 1000.0

    def monotonic(self):
        return self.now

    def sleep(self, seconds):
        self.now += seconds


class Everything:
    """All things of the cloud by their names; each is there for some more looks after its removal."""

    def __init__(self):
        self.names = {}
        self.failures = []
        self.asked = []

    def find(self, _cloud, _tenants, ours, since=""):
        self.asked.append(since)
        if self.failures:
            raise self.failures.pop(0)
        removing = {name: functools.partial(self._remove, name) for name in self.names}
        return [Thing(name, remove) for name, remove in removing.items() if ours(name)]

    def _remove(self, name):
        if self.names[name] == 0:
            del self.names[name]
        elif isinstance(self.names[name], Exception):
            raise self.names[name]
        else:
            self.names[name] -= 1


@pytest.fixture
def cloud(tmp_path):
    return Cloud(tmp_path)


@pytest.fixture
def clock(monkeypatch):
    clock = Clock()
    monkeypatch.setattr(leftovers, "time", clock)
    return clock


@pytest.fixture
def everything(monkeypatch, clock):
    everything = Everything()
    monkeypatch.setattr(things, "find", everything.find)
    monkeypatch.setattr(things, "sessions", lambda _cloud: ["tenants"])
    return everything


@pytest.fixture
def own(cloud):
    own = Claim(cloud)
    own.take()
    yield own
    own.drop()


def test_its_own_and_nothing_else(cloud, everything, own):
    everything.names = {f"{own.name}-a": 0, f"{own.name}-b": 3, f"{DEAD}-a": 0, "mine": 0}
    assert leftovers.remove_own(cloud, own, False) == []
    assert list(everything.names) == [f"{DEAD}-a", "mine"]
    assert list(cloud.home.iterdir()) == []


def test_after_a_normal_end_one_look_is_enough(cloud, everything, own, clock):
    leftovers.remove_own(cloud, own, False)
    assert (everything.asked, clock.now) == ([""], 1000.0)


def test_broken_off_it_looks_again_for_what_comes_late(cloud, everything, own, clock, monkeypatch):
    def sleep(seconds):
        clock.now += seconds
        if clock.now == 1003.0:
            everything.names[f"{own.name}-late"] = 0

    monkeypatch.setattr(clock, "sleep", sleep)
    assert leftovers.remove_own(cloud, own, True) == []
    assert everything.names == {}


def test_what_may_turn_out_to_be_its_own_is_not_waited_for_too_long(cloud, everything, own, clock):
    everything.names = {f"{own.name}-a": 60}
    leftovers.remove_own(cloud, own, True)
    assert everything.asked[0] != ""
    assert everything.asked[-1] == ""


def test_what_does_not_go_is_told_and_left(cloud, everything, own):
    everything.names = {f"{own.name}-a": rest.HttpError(409, "it is in use")}
    (left,) = leftovers.remove_own(cloud, own, False)
    assert "it is in use" in left
    assert own.folder.exists()
    assert claim.dead(cloud) == {own.name}
    everything.names = {f"{own.name}-a": 0}
    assert leftovers.remove_dead(cloud) == (1, [])
    assert not own.folder.exists()


def test_what_is_gone_by_itself_is_no_failure(cloud, everything, own, monkeypatch):
    everything.names = {f"{own.name}-a": rest.HttpError(404, "gone")}
    (left,) = leftovers.remove_own(cloud, own, False)
    assert left == f"{own.name}-a: it does not go"


def test_a_service_that_is_away_for_a_moment(cloud, everything, own):
    everything.failures = [ConnectionRefusedError(), rest.HttpError(503, "later")]
    everything.names = {f"{own.name}-a": 0}
    assert leftovers.remove_own(cloud, own, False) == []
    assert everything.names == {}


def test_a_service_that_is_down(cloud, everything, own, clock):
    everything.failures = [ConnectionRefusedError("nobody there")] * 100
    (left,) = leftovers.remove_own(cloud, own, False)
    assert "nobody there" in left
    assert clock.now < 1030
    assert own.folder.exists()


def test_of_the_dead_all_and_of_the_living_nothing(cloud, everything, own):
    dead = Claim(cloud)
    dead.take()
    dead.drop()
    # Its folder is gone already.
    everything.names = {f"{DEAD}-a": 0, f"{dead.name}-b": 2, f"{own.name}-c": 0, "mine": 0}
    assert leftovers.remove_dead(cloud) == (2, [])
    assert list(everything.names) == [f"{own.name}-c", "mine"]
    assert not dead.folder.exists()
    assert own.folder.exists()
