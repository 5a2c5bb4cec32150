# SPDX-License-Identifier: Apache-2.0
"""What is remembered of the virtual machine: how many run, whether KVM works, and who may write that."""

import os
import stat
import subprocess

import pytest

from ims_glance import guests
from ims_glance.guests import machine


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


def test_who_finds_no_place_waits_and_can_be_stopped(cache):
    with (
        machine.place(2, cancelled),
        machine.place(2, cancelled),
        pytest.raises(Cancelled),
        machine.place(2, cancelled),
    ):
        pass
    with machine.place(1, cancelled):
        pass


def test_a_place_is_free_again_when_its_process_is_gone(cache):
    with machine.place(1, cancelled):
        if os.fork() == 0:
            os._exit(0)
        os.wait()
    with machine.place(1, cancelled):
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


@pytest.mark.parametrize("code", [0, 1])
def test_an_appliance_that_cannot_be_made_is_told(cache, monkeypatch, code):
    done = subprocess.CompletedProcess([], code, b"", b"supermin: no kernel\n")
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: done)
    if code:
        with pytest.raises(guests.GuestsUnavailable, match="no kernel"):
            machine.appliance()
    else:
        assert machine.appliance() == machine.folder() / "appliance.d"


def test_without_libguestfs(cache, monkeypatch):
    monkeypatch.setattr(machine, "_SUPERMIN", (f"{cache}/*",))
    for look in (machine.check_there, machine.appliance):
        with pytest.raises(guests.GuestsUnavailable, match="libguestfs is not installed"):
            look()
