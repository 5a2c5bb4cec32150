# SPDX-License-Identifier: Apache-2.0
import horizon

from ims_glance.dashboard.reviews.panel import MarketReviews


def test_only_reviewers_see_it_in_the_administrators_dashboard():
    panels = horizon.get_dashboard("admin").get_panel_group("compute")
    assert MarketReviews.slug in [each.slug for each in panels]
    assert MarketReviews.policy_rules == (("ims", "ims:list_reviews"),)
