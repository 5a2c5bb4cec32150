# SPDX-License-Identifier: Apache-2.0
"""The lists of images, a page a tab; with what is under way above them."""

import codecs
import itertools
from collections.abc import Iterable
from typing import Any

from django import http
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from horizon import tables
from horizon.utils import functions

from ims_glance.client.resources.image import TYPES, Image
from ims_glance.client.resources.job import Job
from ims_glance.client.resources.quota import Quota
from ims_glance.dashboard import connection, pages, refusals
from ims_glance.dashboard.images import tables as image_tables
from ims_glance.dashboard.images.filters import FilterForm
from ims_glance.dashboard.images.jobs_table import RunningJobs


class _ImagesPage(tables.MultiTableView):
    """What the tabs have in common; each says its table, and which images are in it."""

    template_name = "ims/index.html"
    page_title = _("Image Management")
    tab = ""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._has_more = self._has_previous = False
        self._filter = FilterForm()

    def dispatch(self, request: http.HttpRequest, *args: Any, **kwargs: Any) -> Any:
        """Any method: what is filtered is in the address."""
        self._filter = FilterForm(request.GET)
        return super().dispatch(request, *args, **kwargs)

    def get_tables(self) -> Any:
        """The tables; the one of images keeps what is filtered in the addresses that it makes."""
        found = super().get_tables()
        found[self.tab].kept = self._filter.address
        return found

    def get_running_jobs_data(self) -> list[Job]:
        """What is under way; nothing, if that cannot be known now."""
        return pages.running_jobs(self.request)

    def has_more_data(self, table: Any) -> bool:
        """Whether there is a next page."""
        return self._has_more and table.name == self.tab

    def has_prev_data(self, table: Any) -> bool:
        """Whether there is one before."""
        return self._has_previous and table.name == self.tab

    def get_context_data(self, **kwargs: Any) -> Any:
        """For the page."""
        context = super().get_context_data(**kwargs)
        context["tabs"] = pages.tabs(self.request, pages.IMAGES)
        context["tab"] = self.tab
        context["filter"] = self._filter
        context["images"] = self.get_tables()[self.tab]
        context["address"] = reverse(f"horizon:project:ims:{self.tab}")
        # No action of the table: that would be bound to the newest one, which may be another user's.
        file = reverse("horizon:project:ims:csv", args=[self.tab])
        context["file"] = "?".join(filter(None, (file, self._filter.address)))
        return context

    def _page(self, **query: Any) -> list[Image]:
        """A page of the list, in the direction that the user turns it."""
        size = functions.get_page_size(self.request)
        back, forth = (self.request.GET.get(name) for name in ("prev_marker", "marker"))
        query |= self._filter.query
        query |= {"marker": back or forth} if back or forth else {}
        query |= {"sort_key": "created_at", "sort_dir": "asc"} if back else {}
        with refusals.shown(self.request):
            images = connection.ims(self.request).images(max_items=size + 1, **query)
            return self._turned(list(itertools.islice(images, size + 1)), size, back, forth)
        return []

    def _turned(self, found: list[Image], size: int, back: Any, forth: Any) -> list[Image]:
        is_cut, page = len(found) > size, found[:size]
        self._has_more = bool(back) or is_cut
        self._has_previous = is_cut if back else bool(forth)
        return page[::-1] if back else page


class PrivateView(_ImagesPage):
    """What the project has made."""

    tab = "private"
    table_classes = (RunningJobs, image_tables.PrivateImages)

    def get_private_data(self) -> list[Image]:
        """A page of them."""
        return self._page(image_type=TYPES["private"])

    def get_context_data(self, **kwargs: Any) -> Any:
        """With how many more there can be."""
        return super().get_context_data(**kwargs) | {"quota": self._quota()}

    def _quota(self) -> Quota | None:
        with refusals.shown(self.request):
            quotas: Iterable[Quota] = connection.ims(self.request).quotas()
            return next((each for each in quotas if each.type == "image"), None)
        return None


class PublicView(_ImagesPage):
    """What the operator offers to all."""

    tab = "public"
    table_classes = (RunningJobs, image_tables.PublicImages)

    def get_public_data(self) -> list[Image]:
        """A page of them."""
        return self._page(image_type=TYPES["public"])


class SharedView(_ImagesPage):
    """What others share: what is to be answered, and what was accepted."""

    tab = "shared"
    table_classes = (RunningJobs, image_tables.OfferedImages, image_tables.SharedImages)

    def get_offered_data(self) -> list[Image]:
        """What is to be answered: a page at most; what is answered makes room for more."""
        with refusals.shown(self.request):
            offers = connection.ims(self.request).images(
                max_items=functions.get_page_size(self.request),
                visibility="shared",
                member_status="pending",
                image_type=TYPES["shared"],
            )
            return list(offers)
        return []

    def get_shared_data(self) -> list[Image]:
        """A page of what was accepted."""
        return self._page(image_type=TYPES["shared"])


class MarketView(_ImagesPage):
    """What the project has of the marketplace."""

    tab = "market"
    table_classes = (RunningJobs, image_tables.BoughtImages)

    def get_market_data(self) -> list[Image]:
        """A page of them."""
        return self._page(image_type=TYPES["market"])


def csv(request: http.HttpRequest, tab: str) -> http.HttpResponseBase:
    """The list as it is filtered, as a file.

    :raises Http404: if there is no such list
    """
    if tab not in TYPES:
        raise http.Http404
    query = FilterForm(request.GET).query | {"image_type": TYPES[tab]}
    try:
        pieces = connection.ims(request).images_csv(**query)
    except refusals.FAILURES as error:
        refusals.told(request, error)
        return http.HttpResponseRedirect(reverse(f"horizon:project:ims:{tab}"))
    # By its first bytes a spreadsheet knows that the text is UTF-8.
    content = itertools.chain([codecs.BOM_UTF8], pieces)
    response = http.StreamingHttpResponse(content, content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="images-{tab}.csv"'
    return response
