# SPDX-License-Identifier: Apache-2.0
"""What is said when a system cannot be looked at: why, and what to do."""

import pytest

from ims_glance import exceptions, guests
from ims_glance.guests.refusals import NoMachineFree

SAID = [
    (guests.GuestsUnavailable("the program 'bwrap' is not installed"), "IMG.0105", "bubblewrap"),
    (guests.GuestRefused("it does not start"), "IMG.0057", "'is_config'"),
    (guests.GuestHung("it said nothing for 900 seconds"), "IMG.0061", "'is_config'"),
    (NoMachineFree(60.0), "IMG.0061", "project_appliances"),
    (guests.ScratchFull("it has 20 MiB of 20"), "IMG.0061", "scratch_gib"),
]


@pytest.mark.parametrize(("error", "code", "advice"), SAID)
def test_each_refusal_has_its_code_its_reason_and_what_to_do(error, code, advice):
    assert isinstance(error, exceptions.Conflict)
    assert error.code == code
    assert error.details["reason"] in str(error)
    assert advice in str(error)
    assert str(error).endswith((".", ")."))
