# SPDX-License-Identifier: Apache-2.0
"""The process that has the machine: what it asks of libguestfs, and what it says."""

import io
import json
import sys
import types

import pytest

from ims_glance.guests.inside import __main__ as inside
from ims_glance.guests.inside import inspection, preparation
from ims_glance.model.guest.found import Guest
from ims_glance.model.guest.report import StepOutcome, StepState

REQUEST = {"socket": 7, "is_writable": True, "memory_mib": 600, "wishes": {"is_config": True}}


@pytest.fixture
def asked(monkeypatch):
    """What libguestfs was asked for: name, arguments, and keywords."""
    calls = []

    class Handle:
        def __getattr__(self, name):
            return lambda *arguments, **more: calls.append((name, arguments, more))

    library = types.ModuleType("guestfs")
    monkeypatch.setattr(library, "GuestFS", lambda **_: Handle(), raising=False)
    monkeypatch.setitem(sys.modules, "guestfs", library)
    return calls


@pytest.fixture
def steps(monkeypatch):
    """Stand for what is done to the guest."""

    def prepare(g, guest, wishes, tell):
        assert guest.kind == "linux"
        tell("network", 1, 1)
        return [StepOutcome("network", StepState.DONE if wishes.is_config else StepState.WOULD)]

    monkeypatch.setattr(inspection, "inspect", lambda g: Guest(kind="linux"))
    monkeypatch.setattr(preparation, "prepare", prepare)


def said(request):
    out = io.StringIO()
    inside.run(request, out)
    return [json.loads(line) for line in out.getvalue().splitlines()]


def test_the_machine_has_the_one_disk_and_no_network(asked, steps):
    said(REQUEST)
    calls = {name: (arguments, more) for name, arguments, more in asked}
    assert calls["set_network"] == ((False,), {})
    assert calls["set_memsize"] == ((600,), {})
    _, drive = calls["add_drive_opts"]
    assert drive["format"] == "raw"
    assert drive["protocol"] == "nbd"
    assert drive["server"][0].startswith("unix:/proc/")
    assert drive["server"][0].endswith("/fd/7")
    assert not drive["readonly"]
    names = [name for name, *_ in asked]
    assert names.count("add_drive_opts") == 1
    assert names[-2:] == ["shutdown", "close"]


def test_a_disk_that_is_only_looked_at_is_read_only(asked, steps):
    told = said({**REQUEST, "is_writable": False, "wishes": {}})
    (drive,) = [more for name, _, more in asked if name == "add_drive_opts"]
    assert drive["readonly"]
    assert "discard" not in drive
    assert told[-1]["result"]["steps"][0]["state"] == "would"


def test_what_is_found_is_said_last(asked, steps):
    told = said(REQUEST)
    assert [line["progress"][0] for line in told[:-1]] == ["start", "look", "network"]
    assert told[-1]["result"]["guest"]["kind"] == "linux"
    assert told[-1]["result"]["steps"][0]["state"] == "done"


def test_a_machine_that_is_only_tried_has_no_disk_of_anybody(asked):
    told = said({"socket": None, "is_writable": False, "memory_mib": 600})
    assert told[-1] == {"result": {}}
    drives = [arguments for name, arguments, _ in asked if name == "add_drive_opts"]
    assert drives == [("/dev/null",)]


def test_what_libguestfs_cannot_do_is_said(asked, steps, monkeypatch):
    def broken(g):
        raise RuntimeError("the appliance is gone")

    monkeypatch.setattr(inspection, "inspect", broken)
    assert said(REQUEST)[-1] == {"error": "the appliance is gone"}
