# SPDX-License-Identifier: Apache-2.0
import horizon

from ims_glance.dashboard.everywhere.panel import AllImages


def test_it_is_in_the_administrators_dashboard():
    panels = horizon.get_dashboard("admin").get_panel_group("compute")
    assert AllImages.slug in [each.slug for each in panels]
