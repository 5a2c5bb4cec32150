# SPDX-License-Identifier: Apache-2.0
"""How the demo ends, well or not, and what it leaves then."""

import os
import signal

import pytest
from pocket_cloud import demo, rest
from pocket_cloud.cloud import Cloud
from pocket_cloud.demo import (
    claim,
    encrypted_image,
    ims_api,
    leftovers,
    market,
    regions,
    whole_machine,
)
from pocket_cloud.demo.stage import Unexpected
from pocket_cloud.errors import PocketError

PARTS = (encrypted_image, ims_api, whole_machine, regions, market)


@pytest.fixture
def cloud(tmp_path):
    return Cloud(tmp_path)


@pytest.fixture
def removed(monkeypatch):
    """What is asked for at the end: the demo's name, and whether it was broken off."""
    removed = []

    def remove_own(cloud, own, broken_off):
        assert claim.alive(cloud) == {own.name}
        removed.append((own.name, broken_off))
        claim.remove_folders(cloud, {own.name})
        own.drop()
        return []

    monkeypatch.setattr(leftovers, "remove_own", remove_own)
    monkeypatch.setattr(leftovers, "remove_dead", lambda _cloud: (0, []))
    return removed


def plays(monkeypatch, play):
    """Let the parts of the demo be others."""
    for number, part in enumerate(PARTS):
        monkeypatch.setattr(part, "play", lambda stage, number=number: play(stage, number))


def test_ends_well(cloud, removed, monkeypatch, capsys):
    plays(monkeypatch, lambda stage, number: stage.say(f"playing part {number}"))
    assert demo.run(cloud) == 0
    shown = capsys.readouterr().out
    places = [shown.index(f"playing part {number}") for number in range(3)]
    assert places == sorted(places)
    assert "nothing is left of it" in shown
    assert [broken_off for _name, broken_off in removed] == [False]


def test_says_what_is_not_as_it_must_be(cloud, removed, monkeypatch, capsys):
    def play(_stage, _number):
        raise Unexpected("the sky is green")

    plays(monkeypatch, play)
    assert demo.run(cloud) == 1
    shown = capsys.readouterr().out
    assert "NOT AS IT MUST BE: the sky is green" in shown
    assert "nothing is left" not in shown
    assert [broken_off for _name, broken_off in removed] == [True]


@pytest.mark.parametrize("error", [KeyError("stores"), OSError("no space"), StopIteration()])
def test_no_failure_ends_in_a_traceback(cloud, removed, monkeypatch, capsys, error):
    def play(_stage, _number):
        raise error

    plays(monkeypatch, play)
    assert demo.run(cloud) == 1
    shown = capsys.readouterr().out
    assert f"NOT AS IT MUST BE: {type(error).__name__}" in shown
    assert "Traceback" not in shown
    assert "Traceback" in cloud.log("demo").read_text()
    assert len(removed) == 1


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
@pytest.mark.parametrize("part", range(3))
def test_a_stop_cleans_up_undisturbed(cloud, removed, monkeypatch, capsys, number, part):
    def play(_stage, playing):
        if playing == part:
            os.kill(os.getpid(), number)

    plays(monkeypatch, play)
    remove_own = leftovers.remove_own

    def disturbed(*arguments, **options):
        os.kill(os.getpid(), number)
        return remove_own(*arguments, **options)

    monkeypatch.setattr(leftovers, "remove_own", disturbed)
    before = signal.getsignal(number)
    assert demo.run(cloud) == 128 + number
    assert [broken_off for _name, broken_off in removed] == [True]
    shown = capsys.readouterr().out
    assert "is stopped" in shown
    assert "all was as it must be" not in shown
    assert signal.getsignal(number) is before
    assert list(cloud.home.glob("*ims-demo-*")) == []


def test_what_could_not_be_removed_is_no_success(cloud, removed, monkeypatch, capsys):
    plays(monkeypatch, lambda _stage, _number: None)
    monkeypatch.setattr(leftovers, "remove_own", lambda *_, **__: ["server web: it does not go"])
    assert demo.run(cloud) == 1
    shown = capsys.readouterr().out
    assert "Could not be removed: server web: it does not go" in shown
    assert "clean --demo" in shown
    assert "nothing is left" not in shown


def test_what_a_killed_demo_left_is_removed_first(cloud, removed, monkeypatch, capsys):
    plays(monkeypatch, lambda stage, number: stage.say(f"playing part {number}"))
    monkeypatch.setattr(leftovers, "remove_dead", lambda _cloud: (3, []))
    assert demo.run(cloud) == 0
    shown = capsys.readouterr().out
    assert shown.index("3 thing(s) were left of a demo") < shown.index("playing part 0")


@pytest.mark.parametrize(("left", "code"), [([], 0), (["image a: no"], 1)])
def test_clean(cloud, monkeypatch, capsys, left, code):
    monkeypatch.setattr(rest, "call", lambda _method, _url: ({}, {}))
    monkeypatch.setattr(leftovers, "remove_dead", lambda _cloud: (2, left))
    assert demo.clean(cloud) == code
    assert "2 thing(s)" in capsys.readouterr().out


def test_a_cloud_that_is_not_up_is_not_cleaned(cloud, monkeypatch):
    def call(_method, _url):
        raise ConnectionRefusedError("nobody there")

    monkeypatch.setattr(rest, "call", call)
    with pytest.raises(PocketError, match="is not up: nobody there"):
        demo.clean(cloud)
    assert list(cloud.home.iterdir()) == []
