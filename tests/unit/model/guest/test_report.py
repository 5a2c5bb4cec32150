# SPDX-License-Identifier: Apache-2.0
import json

import pytest

from ims_glance.model.guest.found import Guest
from ims_glance.model.guest.report import MOST_BYTES, Report, StepOutcome, StepState


def test_a_report_goes_through_json() -> None:
    report = Report(
        Guest("linux", "debian"),
        (StepOutcome("network", StepState.DONE, "1 address", "Look at it."),),
        ("a note",),
        True,
    )
    assert Report.of_arguments(json.loads(json.dumps(report.to_arguments()))) == report
    assert Report.of_arguments(Report().to_arguments()) == Report()


def test_a_report_is_bounded() -> None:
    step = StepOutcome("x" * 99, StepState.DONE, "\u00e9" * 10_000, "\u00e9" * 10_000)
    stored = Report(Guest(), (step,) * 500, ("\u00e9" * 10_000,) * 500).to_arguments()
    assert len(json.dumps(stored)) <= MOST_BYTES
    assert stored["steps"]
    assert Report.of_arguments(stored).steps[0].what.endswith("…")


def test_a_report_of_a_stranger_is_read_with_care() -> None:
    stored = {
        "guest": "none",
        "steps": [
            "x",
            {"name": "a\nb", "state": "conquered", "what": "\x1b[31mred", "advice": None},
        ],
        "notes": ["\x00n"],
        "accelerated": "yes",
    }
    assert Report.of_arguments(stored) == Report(
        None, (StepOutcome("a b", StepState.FAILED, "[31mred", ""),), ("n",), False
    )


@pytest.mark.parametrize(
    ("state", "has_virtio"),
    [
        (StepState.DONE, True),
        (StepState.NOT_NEEDED, True),
        (StepState.WOULD, False),
        (StepState.LEFT, False),
        (StepState.FAILED, False),
    ],
)
def test_a_guest_has_what_a_step_gave_it(state: StepState, has_virtio: bool) -> None:
    report = Report(Guest("linux", has_virtio=False), (StepOutcome("virtio", state, ""),))
    assert report.prepared is not None
    assert report.prepared.has_virtio is has_virtio
    assert Report().prepared is None
