# SPDX-License-Identifier: Apache-2.0
"""What a step is, and what it has to work with."""

import dataclasses
import platform
from collections.abc import Callable

from ims_glance.guests.inside.tree import Tree
from ims_glance.model.guest.found import Guest
from ims_glance.model.guest.report import StepOutcome, StepState
from ims_glance.model.guest.wishes import Wishes
from ims_glance.model.text.printable import printable

# What a processor runs besides its own programs.
_ALSO_RUNS = {"x86_64": ("i386", "i686")}


@dataclasses.dataclass
class Deeds:
    """What a step found, did and left, as it goes; sentences for people."""

    done: list[str] = dataclasses.field(default_factory=list)
    left: list[str] = dataclasses.field(default_factory=list)
    advice: list[str] = dataclasses.field(default_factory=list)

    def leave(self, what: str, advice: str) -> None:
        """Something is as it was, and its owner can do this."""
        self.left.append(printable(what))
        self.advice.append(printable(advice, 300))

    def outcome(self, name: str, *, is_dry: bool, fine: str) -> StepOutcome:
        """What to report.

        :param fine: what is so if there was nothing to do
        """
        what = " ".join(printable(each) for each in [*self.done, *self.left])
        advice = " ".join(dict.fromkeys(self.advice))
        if self.done:
            return StepOutcome(name, StepState.WOULD if is_dry else StepState.DONE, what, advice)
        if self.left:
            return StepOutcome(name, StepState.LEFT, what, advice)
        return StepOutcome(name, StepState.NOT_NEEDED, fine)


@dataclasses.dataclass(frozen=True)
class Work:
    """A guest that is being made ready.

    :ivar tree: its files
    """

    tree: Tree
    guest: Guest
    wishes: Wishes
    deeds: Deeds = dataclasses.field(default_factory=Deeds)

    @property
    def is_dry(self) -> bool:
        """Whether nothing may be changed."""
        return self.tree.is_dry

    @property
    def runs(self) -> bool:
        """Whether the appliance's processor runs the guest's programs."""
        machine = platform.machine()
        return self.guest.arch in (machine, *_ALSO_RUNS.get(machine, ()))


@dataclasses.dataclass(frozen=True)
class Step:
    """A step of preparation: a row of the table that the documentation shows.

    :ivar guests: which guests it is for, for people
    :ivar looks_for: what it looks for
    :ivar does: what it does with that
    :ivar undone: how an owner undoes it
    :ivar fine: what is so if there was nothing to do
    :ivar is_for: whether it is for a guest
    :ivar run: does it; nothing the second time
    :ivar deletes: whether it deletes what is the owner's: only if they wish it
    """

    name: str
    guests: str
    looks_for: str
    does: str
    undone: str
    fine: str
    is_for: Callable[[Guest], bool]
    run: Callable[[Work], None]
    deletes: bool = False
