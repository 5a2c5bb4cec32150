# SPDX-License-Identifier: Apache-2.0
import dataclasses
import platform

import pytest

from ims_glance.guests.inside.steps.step import Deeds
from ims_glance.model.guest.report import StepState
from tests.unit.guests.inside.guests import DEBIAN, work
from tests.unit.guests.inside.memory_guest import MemoryGuest


@pytest.mark.parametrize(
    ("done", "left", "is_dry", "state", "what"),
    [
        (["a."], [], False, StepState.DONE, "a."),
        (["a."], ["b."], False, StepState.DONE, "a. b."),
        (["a."], [], True, StepState.WOULD, "a."),
        ([], ["b."], False, StepState.LEFT, "b."),
        ([], [], False, StepState.NOT_NEEDED, "fine"),
        (["\x1b[2J" + "x" * 1000], [], False, StepState.DONE, "[2J" + "x" * 196 + "…"),
    ],
)
def test_what_a_step_did_is_told(
    done: list[str], left: list[str], is_dry: bool, state: StepState, what: str
) -> None:
    outcome = Deeds(done, left, ["Do."] if left else []).outcome("s", is_dry=is_dry, fine="fine")
    assert (outcome.state, outcome.what) == (state, what)
    assert outcome.advice == ("Do." if left else "")


def test_only_programs_of_this_processor_run() -> None:
    assert work(MemoryGuest()).runs
    assert not work(MemoryGuest(), dataclasses.replace(DEBIAN, arch="s390x")).runs
    assert not work(MemoryGuest(), dataclasses.replace(DEBIAN, arch=None)).runs
    is_intel = platform.machine() == "x86_64"
    assert work(MemoryGuest(), dataclasses.replace(DEBIAN, arch="i386")).runs is is_intel
