# SPDX-License-Identifier: Apache-2.0
"""Project > Compute > Image Management, below Horizon's own images."""

PANEL = "ims"
PANEL_DASHBOARD = "project"
PANEL_GROUP = "compute"
ADD_PANEL = "ims_glance.dashboard.images.panel.ImageManagement"
ADD_INSTALLED_APPS = ["ims_glance.dashboard"]
