# SPDX-License-Identifier: Apache-2.0
from doc.ext import guest_steps
from ims_glance.guests.inside.steps.table import TABLE


def test_each_step_is_a_row_of_as_many_cells_as_the_head() -> None:
    lines = list(guest_steps.lines())
    rows = [line for line in lines if line.startswith("   * - ")]
    cells = [line for line in lines if line.startswith("     - ")]
    assert len(rows) == len(TABLE) + 1
    assert len(cells) == 4 * len(rows)
    assert any("``cloud-init=disabled``" in line for line in lines)
