# SPDX-License-Identifier: Apache-2.0
"""``openstack ims orphan list``."""

import argparse

from ims_glance.client.resources.orphan import OrphanList
from ims_glance.client.shell import base, views
from ims_glance.client.shell.columns import TextLines


class ListOrphans(base.Lister):
    """List what crashes left behind, as 'ims-manage orphans' found it last (for operators)."""

    def take_action(self, _parsed_args: argparse.Namespace) -> views.Shown:
        """List."""
        found = self.ims.orphans()
        self.tell(_said(found))
        rows = (
            (each.place, TextLines(each.names), each.written_at, each.reason)
            for each in found.orphans
        )
        return ("Place", "Names", "Written", "Reason"), rows


def _said(found: OrphanList) -> str:
    """When that was, and what is not listed."""
    if not found.looked_at:
        return "Nobody has looked for orphans yet: 'ims-manage orphans' does, on a host where ims-worker runs."
    more = f" {found.more} more are not listed." if found.more else ""
    return f"As of {found.looked_at}, older than {found.min_age_hours:g} hours.{more}"
