# SPDX-License-Identifier: Apache-2.0
"""Where Horizon has the panel."""

import horizon
from django.utils.translation import gettext_lazy as _


class ImageManagement(horizon.Panel):
    """Images as a tenant works with them."""

    name = _("Image Management")
    slug = "ims"
    permissions = ("openstack.services.image",)
    policy_rules = (("ims", "ims:list_images"),)
