# SPDX-License-Identifier: Apache-2.0
"""Admin > Compute > Images of All Projects."""

PANEL = "ims_all"
PANEL_DASHBOARD = "admin"
PANEL_GROUP = "compute"
ADD_PANEL = "ims_glance.dashboard.everywhere.panel.AllImages"
