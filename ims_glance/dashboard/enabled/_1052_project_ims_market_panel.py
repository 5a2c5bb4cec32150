# SPDX-License-Identifier: Apache-2.0
"""Project > Compute > Image Marketplace."""

PANEL = "ims_market"
PANEL_DASHBOARD = "project"
PANEL_GROUP = "compute"
ADD_PANEL = "ims_glance.dashboard.market.panel.ImageMarketplace"
