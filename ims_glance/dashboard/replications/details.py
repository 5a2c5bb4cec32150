# SPDX-License-Identifier: Apache-2.0
"""One replication, and what became of each image."""

from typing import Any

from django.urls import reverse
from horizon import views

from ims_glance.dashboard import connection, pages, refusals, words
from ims_glance.dashboard.replications import terms


class ReplicationView(views.HorizonTemplateView):
    """The page of a replication."""

    template_name = "ims/replication.html"
    page_title = "{{ name }}"

    def get_context_data(self, **kwargs: Any) -> Any:
        """For the page.

        :raises Http404: if there is no such replication in the project
        :raises Http302: to the list, if the service does not show it now
        """
        pages.required(self.request, "show_replication")
        context = super().get_context_data(**kwargs)
        with refusals.needed(self.request):
            found = connection.ims(self.request).get_replication(str(self.kwargs["replication_id"]))
        return context | {
            "name": words.plain(found.name) or found.id,
            "facts": terms.facts(found),
            "images": terms.images(found),
            "list": reverse("horizon:project:ims:replications"),
        }
