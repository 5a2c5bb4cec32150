# SPDX-License-Identifier: Apache-2.0
"""Admin > Compute > Marketplace Reviews."""

PANEL = "ims_reviews"
PANEL_DASHBOARD = "admin"
PANEL_GROUP = "compute"
ADD_PANEL = "ims_glance.dashboard.reviews.panel.MarketReviews"
