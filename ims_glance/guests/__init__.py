# SPDX-License-Identifier: Apache-2.0
"""Systems on disks in files: looked at, and made ready, where no byte of them can do harm."""

from ims_glance.guests.appliance import check_there, examine, scan
from ims_glance.guests.layers import GuestDisk, is_random, opened
from ims_glance.guests.refusals import GuestHung, GuestRefused, GuestsUnavailable, ScratchFull

__all__ = [
    "GuestDisk",
    "GuestHung",
    "GuestRefused",
    "GuestsUnavailable",
    "ScratchFull",
    "check_there",
    "examine",
    "is_random",
    "opened",
    "scan",
]
