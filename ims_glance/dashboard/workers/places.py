# SPDX-License-Identifier: Apache-2.0
"""The pages of the panel."""

from django.utils.translation import gettext_lazy as _

from ims_glance.dashboard import pages

TABS = (
    pages.Tab("workers", _("Workers and Queue"), "horizon:admin:ims_workers:index", "list_workers"),
    pages.Tab("orphans", _("Orphans"), "horizon:admin:ims_workers:orphans", "list_orphans"),
)
