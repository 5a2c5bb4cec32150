# SPDX-License-Identifier: Apache-2.0
"""The servers of a project, to choose one of."""

from typing import Any

from django.utils.translation import gettext as _
from horizon import exceptions as horizon_exceptions
from openstack_dashboard.api import nova

from ims_glance.dashboard import words
from ims_glance.dashboard.wizard.picking import STATES

# Nobody finds one among more; whoever has them knows the command line.
_MOST_SERVERS = 5000


def choices(request: Any) -> list[tuple[str, str]]:
    """Id, and name with status; none, if Nova does not say.

    Nova shows so many at once as its operator likes.
    """
    found: list[Any] = []
    try:
        while len(found) < _MOST_SERVERS:
            after = {"marker": found[-1].id} if found else {}
            page, _more = nova.server_list(request, search_opts=after, detailed=True)
            if not page:
                break
            found += page
    except Exception:  # boundary: Horizon shows what Nova says
        horizon_exceptions.handle(request, _("The servers cannot be listed."))
        return []
    return [
        (each.id, f"{words.plain(each.name)} ({STATES.get(each.status, each.status)})")
        for each in found
    ]
