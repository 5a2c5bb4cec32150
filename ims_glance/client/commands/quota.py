# SPDX-License-Identifier: Apache-2.0
"""``openstack ims quota show``."""

import argparse

from ims_glance.client.shell import base, views

_NAMES = {
    "image": "private images",
    "image_shared": "images shared",
    "image_member": "receivers of an image",
}


class ShowQuota(base.Lister):
    """Show how many images the project may have, has, and can still make."""

    def take_action(self, _parsed_args: argparse.Namespace) -> views.Shown:
        """Show."""
        rows = (
            (
                quota.type,
                _NAMES.get(quota.type, ""),
                quota.used,
                quota.quota,
                quota.remaining,
                quota.min,
                quota.max,
            )
            for quota in self.ims.quotas()
        )
        return ("Resource", "Of", "Used", "Quota", "Remaining", "Least", "Most"), rows
