# SPDX-License-Identifier: Apache-2.0
"""Where Horizon has the panel."""

import horizon
from django.utils.translation import gettext_lazy as _


class WorkersAndQueue(horizon.Panel):
    """What the service does for all projects."""

    name = _("Image Workers and Queue")
    slug = "ims_workers"
    permissions = ("openstack.services.image",)
    policy_rules = (("ims", "ims:list_workers"),)
