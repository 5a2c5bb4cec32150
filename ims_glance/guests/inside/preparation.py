# SPDX-License-Identifier: Apache-2.0
"""A guest is made ready: its file systems are mounted, there is room, the steps run, and all is checked afterwards.

Each step does nothing the second time, and what one cannot do, it leaves, with the reason and what the owner can do: no
image fails for it. Numbers of room are those of virt-v2v's manual.
"""

import functools
from collections.abc import Callable, Sequence

from ims_glance.guests.inside.handle import GuestFS
from ims_glance.guests.inside.steps.step import Step, Work
from ims_glance.guests.inside.steps.table import TABLE
from ims_glance.guests.inside.tree import GuestFileTooLarge, GuestProgramFailed, Tree
from ims_glance.model.guest.found import Guest
from ims_glance.model.guest.report import StepOutcome, StepState
from ims_glance.model.guest.wishes import Wishes
from ims_glance.model.text.printable import printable

MIB = 1 << 20
_ROOM = {"/": 100 * MIB, "/boot": 50 * MIB}
_ROOM_ELSEWHERE = 10 * MIB
_INODES = 100
_PROBE = "/.ims-probe"
_BY_HAND = "Do this step in the guest, and make the image again."
_READ_ONLY = (
    "Shut the guest down in an orderly way (Windows: shutdown /s /t 0, not hibernated, without Fast Startup), or check "
    "its file systems, and make the image again."
)


def prepare(
    g: GuestFS, guest: Guest, wishes: Wishes, tell: Callable[[str, int, int], None]
) -> list[StepOutcome]:
    """Make a guest ready, or see what that would do.

    :param g: launched, nothing mounted
    :param guest: as :func:`ims_glance.guests.inside.inspection.inspect` found it
    :param wishes: if they are not for it, nothing is written
    :param tell: told of each step before it begins, and before each program that it runs: its name, its number from 1,
        how many there are
    :returns: what became of each step; none if no system was found
    """
    steps = [step for step in TABLE if step.is_for(guest)]
    steps = [step for step in steps if wishes.delete_owners_data or not step.deletes]
    if not steps:
        return []
    is_dry = not wishes.is_config
    # A file system that cannot be mounted is on a disk that is not in the image, or was noted as broken.
    mounted = [pair for pair in guest.mountpoints if _mount(g, pair[1], pair[0], is_dry)]
    try:
        missing = _missing(g, [path for path, _ in mounted], is_dry)
        if missing is not None:
            return [missing, *(_not_tried(step) for step in steps)]
        tree = Tree(g, is_dry=is_dry)
        outcomes = []
        for number, step in enumerate(steps, 1):
            # Told again before each program of a step: nobody is to believe that it hangs.
            tree.on_run = functools.partial(tell, step.name, number, len(steps))
            tree.on_run()
            outcomes.append(_done(step, Work(tree, guest, wishes)))
        if not is_dry:
            _trim(g, mounted)
    finally:
        g.umount_all()
    return outcomes if is_dry else [*outcomes, _checked(g, mounted)]


def _mount(g: GuestFS, device: str, mountpoint: str, is_dry: bool) -> bool:
    try:
        (g.mount_ro if is_dry else g.mount)(device, mountpoint)
    except RuntimeError:
        return False
    return True


def _missing(g: GuestFS, mounted: Sequence[str], is_dry: bool) -> StepOutcome | None:
    """What is missing to begin at all."""
    if "/" not in mounted:
        what = "The file system of / cannot be mounted."
        return StepOutcome("room", StepState.LEFT, what, _READ_ONLY)
    for mountpoint in mounted:
        if lacking := _lacking(g, mountpoint):
            advice = "Free it in the guest, and make the image again: nothing was changed."
            return StepOutcome("room", StepState.LEFT, lacking, advice)
    if not is_dry:
        try:
            g.write(_PROBE, b"")
            g.rm(_PROBE)
        except RuntimeError:
            what = "The file system of / cannot be written to."
            return StepOutcome("room", StepState.LEFT, what, _READ_ONLY)
    return None


def _lacking(g: GuestFS, mountpoint: str) -> str | None:
    """What a file system has too little of."""
    has = g.statvfs(mountpoint)
    free, wanted = has["bavail"] * has["frsize"], _ROOM.get(mountpoint, _ROOM_ELSEWHERE)
    if free < wanted:
        return (
            f"{printable(mountpoint)} has {free // MIB} MiB free, and {wanted // MIB} are needed."
        )
    # A file system without a number of inodes makes them as it goes.
    if has["files"] and has["favail"] < _INODES:
        return f"{printable(mountpoint)} has {has['favail']} inodes free, and {_INODES} are needed."
    return None


def _not_tried(step: Step) -> StepOutcome:
    return StepOutcome(step.name, StepState.LEFT, "Not tried.", _BY_HAND)


def _done(step: Step, work: Work) -> StepOutcome:
    """What became of a step, whatever the guest made of it."""
    try:
        step.run(work)
    except GuestFileTooLarge as error:
        work.deeds.leave(f"{error}.", _BY_HAND)
    except (GuestProgramFailed, RuntimeError) as error:
        said = " ".join([*work.deeds.done, printable(str(error)[-300:], 300)])
        return StepOutcome(step.name, StepState.FAILED, said, _BY_HAND)
    return work.deeds.outcome(step.name, is_dry=work.is_dry, fine=step.fine)


def _trim(g: GuestFS, mounted: Sequence[tuple[str, str]]) -> None:
    """Give back what the file systems do not use, so that the image does not carry it."""
    for mountpoint, _ in mounted:
        try:
            g.fstrim(mountpoint)
        except RuntimeError:
            continue
    g.sync()


def _checked(g: GuestFS, mounted: Sequence[tuple[str, str]]) -> StepOutcome:
    """Whether the file systems are in order afterwards."""
    damaged, seen = [], []
    for mountpoint, device in mounted:
        try:
            kind = g.vfs_type(device)
            if kind.startswith("ext"):
                g.e2fsck(device, correct=True)
            elif kind == "xfs" and g.xfs_repair(device, nomodify=True):
                damaged.append(mountpoint)
            seen += [mountpoint] if kind.startswith("ext") or kind == "xfs" else []
        except RuntimeError:
            damaged.append(mountpoint)
    if damaged:
        what = f"The file system of {', '.join(damaged)} is not in order."
        return StepOutcome("check", StepState.FAILED, what, "Check it in the guest (fsck).")
    return StepOutcome(
        "check", StepState.DONE, f"In order: {', '.join(seen) or 'nothing to check'}."
    )
