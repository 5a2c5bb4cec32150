# SPDX-License-Identifier: Apache-2.0
import horizon

from ims_glance.dashboard.market.panel import ImageMarketplace


def test_it_stands_below_the_images():
    panels = [each.slug for each in horizon.get_dashboard("project").get_panel_group("compute")]
    assert panels.index("ims_market") == panels.index("ims") + 1
    assert ImageMarketplace.policy_rules == (("ims", "ims:list_products"),)
