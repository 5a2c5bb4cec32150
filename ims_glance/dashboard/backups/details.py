# SPDX-License-Identifier: Apache-2.0
"""One backup with its disks."""

from typing import Any

from django.urls import reverse
from horizon import views

from ims_glance.dashboard import connection, pages, refusals
from ims_glance.dashboard.backups import terms


class BackupView(views.HorizonTemplateView):
    """The page of a backup."""

    template_name = "ims/backup.html"
    page_title = "{{ name }}"

    def get_context_data(self, **kwargs: Any) -> Any:
        """For the page.

        :raises Http404: if there is no such backup in the project
        :raises Http302: to the list, if the service does not show it now
        """
        pages.required(self.request, "show_server_backup")
        context = super().get_context_data(**kwargs)
        with refusals.needed(self.request):
            backup = connection.ims(self.request).get_backup(str(self.kwargs["backup_id"]))
        return context | {
            "name": terms.name(backup),
            "facts": terms.facts(backup),
            "disks": terms.disks(backup),
            "list": reverse("horizon:project:ims:backups"),
        }
