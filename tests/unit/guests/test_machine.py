# SPDX-License-Identifier: Apache-2.0
"""What is remembered of the virtual machine: how many run, whether KVM works, and who may write that."""

import errno
import os
import shutil
import stat
import subprocess
import sys
import tempfile
import threading
import time

import pytest

from ims_glance import guests
from ims_glance.guests import machine
from tests.unit.guests.disks import gone


class Cancelled(Exception):
    """Raised by the job that waits."""


def cancelled():
    raise Cancelled


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setattr(machine, "_CACHE", str(tmp_path))
    return tmp_path


def test_the_folder_is_the_users_alone(cache):
    assert stat.S_IMODE(machine.folder().stat().st_mode) == 0o700
    assert machine.folder() == cache / f".guestfs-{os.geteuid()}"


@pytest.mark.parametrize("kind", ["writable", "link", "file"])
def test_a_folder_that_somebody_else_may_have_made_is_not_used(cache, kind):
    path = cache / f".guestfs-{os.geteuid()}"
    if kind == "writable":
        path.mkdir()
        path.chmod(0o777)
    elif kind == "link":
        (cache / "elsewhere").mkdir()
        path.symlink_to(cache / "elsewhere")
    else:
        path.touch()
    with pytest.raises(guests.GuestsUnavailable):
        machine.folder()


def place(many, check=cancelled, *, project="p", of_project=9, seconds=60.0):
    return machine.place(machine.MachineBounds(many, of_project, project, seconds), check)


def test_who_finds_no_place_waits_and_can_be_stopped(cache):
    with place(2), place(2), pytest.raises(Cancelled), place(2):
        pass
    with place(1):
        pass


def test_a_project_has_so_many_places_and_no_more(cache):
    with place(3, project="a", of_project=2), place(3, project="a", of_project=2):
        with pytest.raises(Cancelled), place(3, project="a", of_project=2):
            pass
        # Who waits for a place of its project takes none from others.
        with place(3, project="b", of_project=2):
            pass
    with place(3, project="a", of_project=1):
        pass


def test_threads_of_one_worker_are_several_too(cache):
    """Its jobs run in threads."""
    entered, done = threading.Event(), threading.Event()

    def hold():
        with place(2, project="a", of_project=1):
            entered.set()
            done.wait(60)

    thread = threading.Thread(target=hold)
    thread.start()
    entered.wait(60)
    try:
        with pytest.raises(Cancelled), place(2, project="a", of_project=1):
            pass
    finally:
        done.set()
        thread.join()


@pytest.mark.parametrize("of_project", [1, 2])
def test_nobody_waits_for_ever(cache, of_project):
    def look():
        """All is well."""

    with (
        place(1, of_project=of_project),
        pytest.raises(guests.GuestRefused, match="no virtual machine was free") as refused,
        place(1, look, of_project=of_project, seconds=0.1),
    ):
        pass
    assert refused.value.code == "IMG.0061"


@pytest.mark.parametrize("project", ["a", "b"])
def test_a_place_is_free_again_when_its_process_is_gone(cache, project):
    with place(1):
        if os.fork() == 0:
            os._exit(0)
        os.wait()
    with place(1, project=project):
        pass


@pytest.fixture
def has_kvm(monkeypatch):
    monkeypatch.setattr(os, "access", lambda path, mode: True)


@pytest.mark.parametrize("works", [True, False])
def test_kvm_is_tried_once(cache, has_kvm, works):
    tried = []

    def tries():
        tried.append(1)
        return works

    assert machine.is_accelerated("auto", tries) is works
    assert machine.is_accelerated("auto", tries) is works
    assert len(tried) == 1


def test_that_it_does_not_work_is_remembered_for_an_hour(cache, has_kvm):
    """A machine that was too busy would do without KVM until it is started again."""

    def tried(works, hours):
        remembered = machine.folder() / "ims-kvm"
        when = time.time() - hours * 3600
        os.utime(remembered, (when, when))
        return machine.is_accelerated("auto", lambda: works)

    assert not machine.is_accelerated("auto", lambda: False)
    assert not tried(True, 0.9)
    assert tried(True, 1.1)
    # What works is not tried again.
    assert tried(False, 100)


def test_kvm_is_tried_anew_after_the_machine_has_started_again(cache, has_kvm, monkeypatch):
    assert machine.is_accelerated("auto", lambda: True)
    boot = cache / "boot"
    boot.write_text("another\n")
    monkeypatch.setattr(machine, "_BOOT_ID", boot)
    assert not machine.is_accelerated("auto", lambda: False)


def test_what_is_remembered_may_be_damaged(cache, has_kvm):
    (machine.folder() / "ims-kvm").write_bytes(b"\xff nonsense")
    assert machine.is_accelerated("auto", lambda: True)


def test_kvm_is_not_tried_where_it_is_not_wanted_or_not_there(cache, monkeypatch):
    def tries():
        raise AssertionError

    assert not machine.is_accelerated("tcg", tries)
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    assert not machine.is_accelerated("auto", tries)


@pytest.fixture
def supermin(cache, monkeypatch):
    """Have a script run in its stead, which finds the folder of the appliance as ``$1``, with a letter more."""

    def replaced(script):
        path = cache / "supermin"
        path.write_text(f"#!/bin/sh\nwhile [ $# -gt 1 ]; do shift; done\n{script}\n")
        path.chmod(0o755)
        monkeypatch.setattr(machine, "program", lambda _name: str(path))
        monkeypatch.setattr(machine, "_SUPERMIN", (str(cache),))

    return replaced


def nothing():
    """All is well."""


def left(cache):
    return {each.name for each in (cache / f".guestfs-{os.geteuid()}").iterdir()} - {"lock"}


@pytest.mark.parametrize("code", [0, 1])
def test_an_appliance_that_cannot_be_made_is_told(cache, supermin, code):
    supermin(f"mkdir $1; echo $TMPDIR > $1/tmp; echo supermin: no kernel >&2; exit {code}")
    if code:
        with pytest.raises(guests.GuestsUnavailable, match="no kernel"):
            machine.appliance(nothing)
    else:
        assert machine.appliance(nothing) == machine.folder() / "appliance.d"
    # What it has in its folder for temporary files goes with it.
    temporary = (machine.folder() / "appliance.d/tmp").read_text().strip()
    assert not os.path.exists(temporary)
    assert left(cache) == {"appliance.d"}


def test_a_job_that_is_cancelled_while_the_appliance_is_made_ends_soon(cache, supermin):
    """Nothing of it is left, nor of what it has started."""
    supermin("mkdir $1.abcdefgh; touch $TMPDIR/x; sleep 600 & echo $! > $1.abcdefgh/pid; wait")
    began = time.monotonic()
    pids: list[int] = []

    def cancelled_soon():
        for path in machine.folder().glob("appliance.d.*/pid"):
            pids.extend(int(each) for each in path.read_text().split())
        if pids:
            raise Cancelled

    with pytest.raises(Cancelled):
        machine.appliance(cancelled_soon)
    assert time.monotonic() - began < 60
    assert gone(pids)
    assert left(cache) == set()


def test_supermin_that_does_not_end_is_ended(cache, supermin, monkeypatch):
    monkeypatch.setattr(machine, "_BUILDING", 0.5)
    supermin("sleep 600")
    with pytest.raises(guests.GuestsUnavailable, match="does not end"):
        machine.appliance(nothing)
    assert left(cache) == set()


def test_what_a_worker_that_was_killed_has_left_goes(cache, supermin):
    old = machine.folder() / f"{machine._TEMPORARY}old"
    new = machine.folder() / f"{machine._TEMPORARY}new"
    for path in (old, new, machine.folder() / "appliance.d.abcdefgh"):
        path.mkdir()
    os.utime(old, (0, 0))
    supermin("true")
    machine.appliance(nothing)
    # Somebody else's may be waiting.
    assert left(cache) == {new.name}


def test_what_somebody_else_is_making_stays(cache, supermin):
    begun = machine.folder() / "appliance.d.abcdefgh"
    begun.mkdir()
    holding = "import fcntl, sys; f = open(sys.argv[1], 'a'); fcntl.lockf(f, 2); print(flush=True); sys.stdin.read()"
    with subprocess.Popen(
        [sys.executable, "-c", holding, str(machine.folder() / "lock")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as other:
        assert other.stdout
        other.stdout.readline()
        supermin("true")
        machine.appliance(nothing)
        assert left(cache) == {begun.name}
        other.kill()


def test_threads_of_one_worker_do_not_tidy_at_once(cache, monkeypatch):
    """The first of them to end would end the lock of the other one, too."""
    (machine.folder() / "appliance.d.abcdefgh").mkdir()
    both, met = threading.Barrier(2), []

    def slow(path, ignore_errors):
        try:
            met.append(both.wait(0.5))
        except threading.BrokenBarrierError:
            """The other one waits."""

    monkeypatch.setattr(shutil, "rmtree", slow)
    threads = [threading.Thread(target=machine._tidy) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert both.broken
    assert met == []


@pytest.mark.parametrize("what", ["_tidy", "tempfile"])
def test_a_full_disk_is_told(cache, supermin, monkeypatch, what):
    def full(*_, **__):
        raise OSError(errno.ENOSPC, "No space left on device")

    if what == "_tidy":
        monkeypatch.setattr(machine, "_tidy", full)
    else:
        monkeypatch.setattr(tempfile, "TemporaryDirectory", full)
    supermin("true")
    with pytest.raises(guests.GuestsUnavailable, match="No space left") as refused:
        machine.appliance(nothing)
    assert f"free room in {cache}" in str(refused.value)


def test_without_libguestfs(cache, monkeypatch):
    monkeypatch.setattr(machine, "_SUPERMIN", (f"{cache}/*",))
    for look in (machine.check_there, lambda: machine.appliance(nothing)):
        with pytest.raises(guests.GuestsUnavailable, match="libguestfs is not installed"):
            look()
