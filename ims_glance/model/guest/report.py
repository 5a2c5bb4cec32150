# SPDX-License-Identifier: Apache-2.0
"""The adaptation report: what was found on an image's disk, changed, left and why, and what to do."""

import dataclasses
import enum
import json
from collections.abc import Mapping
from typing import Any, Self

from ims_glance.model.guest.found import MOST_ENTRIES, Guest
from ims_glance.model.text.printable import printable

MOST_BYTES = 64 << 10
"""Of a report as JSON."""
_NAME, _LINE = 40, 500


class StepState(enum.StrEnum):
    """What became of a step; ``would`` be done if nobody wished that the guest is made ready."""

    DONE = "done"
    WOULD = "would"
    NOT_NEEDED = "not needed"
    LEFT = "left"
    FAILED = "failed"


@dataclasses.dataclass(frozen=True)
class StepOutcome:
    """What a step of preparation did.

    :ivar name: of the step
    :ivar what: was found and changed, for people; one line
    :ivar advice: what the owner should do; empty if nothing
    """

    name: str
    state: StepState
    what: str = ""
    advice: str = ""

    def to_arguments(self) -> dict[str, Any]:
        """As JSON, its texts cut."""
        return {
            "name": printable(self.name, _NAME),
            "state": str(self.state),
            "what": printable(self.what, _LINE),
            "advice": printable(self.advice, _LINE),
        }

    @classmethod
    def of_arguments(cls, stored: Mapping[str, Any]) -> Self:
        """From JSON that a process wrote which had a stranger's disk in its hands."""
        state = stored.get("state")
        return cls(
            printable(stored.get("name") or "", _NAME),
            StepState(state) if state in set(StepState) else StepState.FAILED,
            printable(stored.get("what") or "", _LINE),
            printable(stored.get("advice") or "", _LINE),
        )


@dataclasses.dataclass(frozen=True)
class Report:
    """What is known of an image's guest.

    :ivar guest: as it was found; ``None`` if nobody looked
    :ivar steps: of preparation, in their order; none if it was not wished
    :ivar notes: what else its owner should know
    :ivar accelerated: whether the appliance had the processor's own virtualization
    """

    guest: Guest | None = None
    steps: tuple[StepOutcome, ...] = ()
    notes: tuple[str, ...] = ()
    accelerated: bool = False

    @property
    def prepared(self) -> Guest | None:
        """The guest as it is now: a step may have given it what it lacked."""
        if self.guest is None:
            return None
        now = {
            field: True
            for step, field in (("virtio", "has_virtio"), ("cloud-init", "has_cloud_init"))
            if self._is_well(step)
        }
        return dataclasses.replace(self.guest, **now)  # type: ignore[arg-type]

    def _is_well(self, name: str) -> bool:
        well = (StepState.DONE, StepState.NOT_NEEDED)
        return any(step.name == name and step.state in well for step in self.steps)

    def to_arguments(self) -> dict[str, Any]:
        """As JSON, of at most :data:`MOST_BYTES`: texts are cut, then notes and steps left out at the end."""
        steps = [each.to_arguments() for each in self.steps[:MOST_ENTRIES]]
        notes = [printable(each, _LINE) for each in self.notes[:MOST_ENTRIES]]
        guest = None if self.guest is None else self.guest.to_arguments()
        while True:
            stored = {
                "guest": guest, "steps": steps, "notes": notes, "accelerated": self.accelerated
            }  # fmt: skip
            if len(json.dumps(stored)) <= MOST_BYTES or not (steps or notes):
                return stored
            (notes or steps).pop()

    @classmethod
    def of_arguments(cls, stored: Mapping[str, Any]) -> Self:
        """From JSON that a process wrote which had a stranger's disk in its hands."""
        guest = stored.get("guest")
        steps, notes = (list(stored.get(name) or ())[:MOST_ENTRIES] for name in ("steps", "notes"))
        return cls(
            Guest.of_arguments(guest) if isinstance(guest, Mapping) else None,
            tuple(StepOutcome.of_arguments(each) for each in steps if isinstance(each, Mapping)),
            tuple(printable(each, _LINE) for each in notes),
            stored.get("accelerated") is True,
        )
