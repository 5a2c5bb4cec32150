# SPDX-License-Identifier: Apache-2.0
"""Where Horizon has the panel."""

import horizon
from django.utils.translation import gettext_lazy as _


class MarketReviews(horizon.Panel):
    """The queue of reviewers."""

    name = _("Marketplace Reviews")
    slug = "ims_reviews"
    permissions = ("openstack.services.image",)
    policy_rules = (("ims", "ims:list_reviews"),)
