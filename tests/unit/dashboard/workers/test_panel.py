# SPDX-License-Identifier: Apache-2.0
import horizon

from ims_glance.dashboard.workers.panel import WorkersAndQueue


def test_it_is_in_the_administrators_dashboard_for_those_who_may_see_workers():
    panels = horizon.get_dashboard("admin").get_panel_group("compute")
    assert WorkersAndQueue.slug in [each.slug for each in panels]
    assert WorkersAndQueue.policy_rules == (("ims", "ims:list_workers"),)
