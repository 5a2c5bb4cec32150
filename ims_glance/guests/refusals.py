# SPDX-License-Identifier: Apache-2.0
"""Why a system in an image cannot be looked at, or made ready, and what to do."""

from typing import ClassVar

from ims_glance import exceptions

PACKAGES = (
    "qemu-utils", "qemu-system-x86", "qemu-block-extra", "bubblewrap", "python3-libnbd", "python3-guestfs",
    "libguestfs-xfs",
)  # fmt: skip
"""Debian's packages that a worker needs."""


class GuestsUnavailable(exceptions.Conflict):
    """A worker has not what systems are looked at with, or may not use it.

    :param reason: what is missing; the rest of a sentence
    """

    code = "IMG.0105"
    template: ClassVar[str] = (
        "Systems in images cannot be looked at, nor made ready, by this service: {reason}. Leave "
        "'is_config' away, or ask the operator ({advice})."
    )

    def __init__(self, reason: str, advice: str = f"packages: {' '.join(PACKAGES)}") -> None:
        super().__init__(reason=reason, advice=advice)


class GuestRefused(exceptions.Conflict):
    """The system on a disk could not be looked at, or made ready.

    :param reason: what happened; the rest of a sentence
    """

    code = "IMG.0057"
    template: ClassVar[str] = (
        "The system on the disk could not be looked at or made ready: {reason}. Leave 'is_config' away, and "
        "make it ready before."
    )

    def __init__(self, reason: str) -> None:
        super().__init__(reason=reason)


class GuestHung(GuestRefused):
    """What looks at a system did not end in time."""

    code = "IMG.0061"


class NoMachineFree(GuestRefused):
    """All machines look into other disks.

    :param seconds: that it was waited for
    """

    code = "IMG.0061"
    template: ClassVar[str] = (
        "The system on the disk could not be looked at or made ready: {reason}. Try again later, leave 'is_config' "
        "away, or ask the operator ([ims_guests] appliances, project_appliances)."
    )

    def __init__(self, seconds: float) -> None:
        super().__init__(f"no virtual machine was free for {seconds:.0f} seconds")


class ScratchFull(exceptions.Conflict):
    """What is written to a disk has no room any more ([ims_guests] scratch_dir).

    :param reason: of which size; the rest of a sentence
    """

    code = "IMG.0061"
    template: ClassVar[str] = (
        "The disk takes more room on the worker than there is: {reason}. Make the system ready before, and "
        "leave 'is_config' away; or ask the operator ([ims_guests] scratch_dir, scratch_gib)."
    )

    def __init__(self, reason: str) -> None:
        super().__init__(reason=reason)
