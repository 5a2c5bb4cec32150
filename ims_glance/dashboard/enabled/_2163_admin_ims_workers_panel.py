# SPDX-License-Identifier: Apache-2.0
"""Admin > Compute > Image Workers and Queue."""

PANEL = "ims_workers"
PANEL_DASHBOARD = "admin"
PANEL_GROUP = "compute"
ADD_PANEL = "ims_glance.dashboard.workers.panel.WorkersAndQueue"
