# SPDX-License-Identifier: Apache-2.0
"""Where Horizon has the panel."""

import horizon
from django.utils.translation import gettext_lazy as _


class AllImages(horizon.Panel):
    """Images of all projects; the service shows them to its administrators alone."""

    name = _("Images of All Projects")
    slug = "ims_all"
    permissions = ("openstack.services.image",)
    policy_rules = (("ims", "ims:list_images"),)
