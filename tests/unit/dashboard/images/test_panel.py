# SPDX-License-Identifier: Apache-2.0
import horizon

from ims_glance.dashboard.images.panel import ImageManagement


def test_it_stands_below_horizons_own_images():
    project = horizon.get_dashboard("project")
    group = project.get_panel_group("compute")
    slugs = [panel.slug for panel in group]
    assert slugs.index("ims") == slugs.index("images") + 1
    assert ImageManagement.permissions == ("openstack.services.image",)
