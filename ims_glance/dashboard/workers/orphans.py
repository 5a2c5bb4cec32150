# SPDX-License-Identifier: Apache-2.0
"""What a crash may have left behind. Looking for it takes long, and needs the stores: a command does that."""

from typing import Any

from django.utils.translation import gettext_lazy as _
from horizon import views

from ims_glance.dashboard import pages
from ims_glance.dashboard.workers import places

COMMANDS = (
    (_("Lists what is left, and deletes nothing"), "ims-manage orphans"),
    (_("Deletes it"), "ims-manage orphans --delete"),
)


class OrphansView(views.HorizonTemplateView):
    """What to run where ims-worker runs."""

    template_name = "ims/orphans.html"
    page_title = _("Image Workers and Queue")

    def dispatch(self, request: Any, *args: Any, **kwargs: Any) -> Any:
        """Any method.

        :raises NotAuthorized: if the user may not see the panel
        """
        pages.required(request, "list_workers")
        return super().dispatch(request, *args, **kwargs)

    def get_context_data(self, **kwargs: Any) -> Any:
        """For the page."""
        context = super().get_context_data(**kwargs)
        return context | {
            "tabs": pages.tabs(self.request, places.TABS),
            "tab": "orphans",
            "commands": COMMANDS,
        }
