# SPDX-License-Identifier: Apache-2.0
from ims_glance.guests.inside.steps.table import TABLE
from ims_glance.model.guest.found import Guest


def test_each_step_says_what_it_does_and_how_it_is_undone() -> None:
    for kind in ("linux", "windows"):
        names = [step.name for step in TABLE if step.is_for(Guest(kind, package_format="deb"))]
        assert len(set(names)) == len(names) > 3
    for step in TABLE:
        assert all((step.guests, step.looks_for, step.does, step.undone, step.fine)), step.name


def test_only_what_is_wished_deletes() -> None:
    assert [step.name for step in TABLE if step.deletes] == ["owner's data"]
