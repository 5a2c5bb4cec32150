# SPDX-License-Identifier: Apache-2.0
"""What crashes left behind, as it was found last. Looking for it takes long, and needs the stores: a command does that."""

from typing import Any

from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext
from horizon import tables
from horizon.utils import memoized

from ims_glance.client.resources.orphan import LeftBehind, OrphanList
from ims_glance.dashboard import connection, pages, refusals, words
from ims_glance.dashboard.workers import places

COMMANDS = (
    (_("Lists what is left, and deletes nothing"), "ims-manage orphans"),
    (_("Deletes it"), "ims-manage orphans --delete"),
)
# What the service says in place of a store.
_IMAGE = "image"


def place(each: LeftBehind) -> Any:
    """Where it lies."""
    return _("Hidden image") if each.place == _IMAGE else words.plain(each.place)


class OrphansTable(tables.DataTable):
    """What belongs to nothing."""

    place = tables.Column(place, verbose_name=_("Store"))
    names = tables.WrappingColumn(
        lambda each: words.plain(", ".join(each.names)), verbose_name=_("Objects or ID")
    )
    written = tables.Column(lambda each: words.time(each.written_at), verbose_name=_("Written"))
    reason = tables.WrappingColumn(lambda each: words.plain(each.reason), verbose_name=_("Reason"))

    class Meta:
        name = "orphans"
        verbose_name = _("Orphans")
        multi_select = False
        footer = False

    def get_object_id(self, left: LeftBehind) -> str:
        """What tells it from the others."""
        return words.plain("-".join((left.place, *left.names)))


class OrphansView(tables.DataTableView):
    """What is left, and what to run where ims-worker runs."""

    template_name = "ims/orphans.html"
    page_title = _("Image Workers and Queue")
    table_class = OrphansTable

    def dispatch(self, request: Any, *args: Any, **kwargs: Any) -> Any:
        """Any method.

        :raises NotAuthorized: if the user may not see it
        """
        pages.required(request, "list_orphans")
        return super().dispatch(request, *args, **kwargs)

    def get_data(self) -> list[LeftBehind]:
        """Those that were found last."""
        found: OrphanList | None = self._found()
        return [] if found is None else found.orphans

    @memoized.memoized_method
    def _found(self) -> OrphanList | None:
        with refusals.shown(self.request):
            found: OrphanList = connection.ims(self.request).orphans()
            return found
        return None

    def get_context_data(self, **kwargs: Any) -> Any:
        """For the page."""
        context = super().get_context_data(**kwargs)
        return context | {
            "tabs": pages.tabs(self.request, places.TABS),
            "tab": "orphans",
            "commands": COMMANDS,
            **_told(self._found()),
        }


def _told(found: OrphanList | None) -> dict[str, Any]:
    """What is said of the look; nothing, if the service does not tell it now."""
    if found is None:
        return {}
    if not found.looked_at:
        return {"is_unknown": True}
    said = ngettext("%(count)d more is not listed.", "%(count)d more are not listed.", found.more)
    return {
        "looked_at": words.time(found.looked_at),
        "hours": f"{found.min_age_hours:g}",
        "more": said % {"count": found.more} if found.more else "",
    }
