# SPDX-License-Identifier: Apache-2.0
"""Where Horizon has the panel."""

import horizon
from django.utils.translation import gettext_lazy as _


class ImageMarketplace(horizon.Panel):
    """What others sell, what the project has of it, and what it sells itself."""

    name = _("Image Marketplace")
    slug = "ims_market"
    permissions = ("openstack.services.image",)
    policy_rules = (("ims", "ims:list_products"),)
    # Of several folders.
    urls = "ims_glance.dashboard.market_places"
