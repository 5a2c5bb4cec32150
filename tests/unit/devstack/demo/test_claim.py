# SPDX-License-Identifier: Apache-2.0
"""A demo's name is its own, and known to be in use for as long as its process lives."""

import hashlib
import multiprocessing
import os
import signal

import pytest
from pocket_cloud.cloud import Cloud
from pocket_cloud.demo import claim
from pocket_cloud.demo.claim import Claim

NAME = "ims-demo-0123456789ab"


@pytest.fixture
def cloud(tmp_path):
    return Cloud(tmp_path)


@pytest.mark.parametrize(
    ("text", "owner"),
    [
        (NAME, NAME),
        (f"{NAME}-guest", NAME),
        (f"{NAME}-whole-sealed disk 0", NAME),
        (f"{NAME}0-guest", ""),
        (f"my {NAME}", ""),
        ("ims-demo-database", ""),
        ("", ""),
        (None, ""),
    ],
)
def test_owner(text, owner):
    assert claim.owner(text) == owner


def test_two_demos_have_different_names(cloud):
    one, other = Claim(cloud), Claim(cloud)
    assert one.name != other.name
    assert claim.owner(one.name) == one.name


def test_it_is_alive_until_it_is_dropped(cloud):
    own = Claim(cloud)
    assert claim.alive(cloud) == set()
    own.take()
    assert (claim.alive(cloud), claim.dead(cloud)) == ({own.name}, set())
    own.drop()
    assert (claim.alive(cloud), claim.dead(cloud)) == (set(), {own.name})
    claim.remove_folders(cloud, claim.dead(cloud))
    assert list(cloud.home.iterdir()) == []


def test_a_killed_demo_is_dead(cloud):
    def play(pipe):
        own = Claim(cloud)
        own.take()
        pipe.send(own.name)
        signal.pause()

    context = multiprocessing.get_context("fork")
    receiver, sender = context.Pipe(duplex=False)
    child = context.Process(target=play, args=(sender,))
    child.start()
    name = receiver.recv()
    assert claim.alive(cloud) == {name}
    assert child.pid is not None
    os.kill(child.pid, signal.SIGKILL)
    child.join()
    assert (claim.alive(cloud), claim.dead(cloud)) == (set(), {name})


def test_when_it_began(cloud):
    assert claim.began(cloud, [NAME]) == ""
    demos = [Claim(cloud), Claim(cloud)]
    for number, demo in enumerate(demos):
        demo.take()
        os.utime(demo.folder / "alive", (1_700_000_000 + number,) * 2)
        demo.drop()
    assert claim.began(cloud, [NAME, *(demo.name for demo in demos)]) == "2023-11-14T22:13:20"


def test_folders_of_others_are_no_demos(cloud):
    for name in ("ims-demo-mine", "data"):
        cloud.path(name).mkdir()
    assert claim.dead(cloud) == set()


def test_only_what_nova_keeps_of_its_own_images_is_removed(cloud):
    kept = cloud.path("data", "nova", "instances", "_base")
    kept.mkdir(parents=True)
    own, kernel, other = (
        hashlib.sha1(image).hexdigest() for image in (b"own", b"kernel", b"other")
    )
    for name in (own, f"{own}_1", kernel, other):
        (kept / name).touch()
    demo = Claim(cloud)
    demo.take()
    claim.forget_booted(cloud, [demo.name])
    assert len(list(kept.iterdir())) == 4
    demo.note_booted(["own"])
    demo.note_booted(["own", "kernel"])
    claim.forget_booted(cloud, [demo.name])
    assert [path.name for path in kept.iterdir()] == [other]
    demo.drop()


def test_names_without_digits():
    name = "ims-demo-0123456789ab"
    spelled = claim.spelled(name)
    assert not any(letter.isdigit() for letter in spelled)
    assert claim.owner(claim.unspelled(spelled)) == name
    assert claim.owner(claim.unspelled("Quick Database")) == ""
