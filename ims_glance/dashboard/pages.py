# SPDX-License-Identifier: Apache-2.0
"""What the console's pages have in common: their tabs, forms above lists, and pages of lists."""

import itertools
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple
from urllib.parse import urlencode

from django import forms, http
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from horizon import exceptions as horizon_exceptions
from horizon import tables
from horizon.utils import functions
from openstack_dashboard import policy
from openstack_dashboard.api import cinder

from ims_glance.client.resources.job import Job
from ims_glance.dashboard import connection, refusals

ALL = ("", _("All"))
# Of the newest jobs, so many are looked at for those that are under way.
_JOBS = 50


class Tab(NamedTuple):
    """A page beside others.

    :ivar address: as Django's ``reverse`` takes it
    :ivar rule: of the service: who may not, does not see it
    :ivar is_there: whether the cloud has what it is about
    """

    name: str
    title: Any
    address: str
    rule: str
    is_there: Callable[[Any], bool] = bool


def _has_backups(request: Any) -> bool:
    return bool(cinder.is_volume_service_enabled(request))


def _has_regions(request: Any) -> bool:
    return len(request.user.available_services_regions) > 1


IMAGES = (
    Tab("private", _("Private Images"), "horizon:project:ims:private", "list_images"),
    Tab("public", _("Public Images"), "horizon:project:ims:public", "list_images"),
    Tab("shared", _("Images Shared with Me"), "horizon:project:ims:shared", "list_images"),
    Tab("market", _("Market Images"), "horizon:project:ims:market", "list_images"),
    Tab(
        "backups",
        _("Server Backups"),
        "horizon:project:ims:backups",
        "list_server_backups",
        _has_backups,
    ),
    Tab(
        "replications",
        _("Replications"),
        "horizon:project:ims:replications",
        "list_replications",
        _has_regions,
    ),
    Tab("jobs", _("Jobs"), "horizon:project:ims:jobs", "list_jobs"),
)
MARKET = (
    Tab("catalogue", _("Products"), "horizon:project:ims_market:index", "list_products"),
    Tab(
        "subscriptions",
        _("My Subscriptions"),
        "horizon:project:ims_market:subscriptions",
        "list_subscriptions",
    ),
    Tab("selling", _("My Products"), "horizon:project:ims_market:selling", "list_own_products"),
    Tab("reviews", _("Reviews"), "horizon:project:ims_market:reviews", "list_reviews"),
)


def may(request: Any, operation: str) -> bool:
    """Whether the user's roles allow an operation of the service; who may not, need not see it."""
    return bool(policy.check((("ims", f"ims:{operation}"),), request))


def tabs(request: Any, known: Iterable[Tab]) -> list[dict[str, Any]]:
    """Those that the user may see."""
    return [
        {"name": each.name, "title": each.title, "address": reverse(each.address)}
        for each in known
        if may(request, each.rule) and each.is_there(request)
    ]


def required(request: Any, operation: str) -> None:
    """A page is nobody's whose roles do not allow it.

    :raises NotAuthorized: Horizon says that then
    """
    if not may(request, operation):
        raise horizon_exceptions.NotAuthorized


def running_jobs(request: Any) -> list[Job]:
    """What is under way; nothing, if that cannot be known now."""
    with refusals.shown(request):
        newest = connection.ims(request).jobs(max_items=_JOBS)
        return [job for job in newest if not job.is_finished]
    return []


class KeptForm(forms.Form):
    """A form above a list; what it asks for is in the page's address, which can be kept."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for field in self.fields.values():
            field.widget.attrs["class"] = "form-control"

    @property
    def given(self) -> dict[str, str]:
        """What is filled in, and understood."""
        self.is_valid()
        found: Mapping[str, Any] = getattr(self, "cleaned_data", {})
        return {name: str(value) for name, value in found.items() if value}

    @property
    def address(self) -> str:
        """For a link that keeps it."""
        return urlencode(self.given)


class KeptTable(tables.DataTable):
    """A table whose next page is of the same list."""

    # What the address of another page of the list keeps; the view says it.
    kept = ""

    def get_pagination_string(self) -> str:
        """The next page, of what is filtered."""
        following = urlencode({self._meta.pagination_param: self.get_marker()})
        return "&".join(filter(None, (self.kept, following)))


class ListPage(tables.MultiTableView):
    """A tab with a table, and a form above it."""

    template_name = "ims/list.html"
    known_tabs: tuple[Tab, ...] = ()
    tab = ""
    form_class = KeptForm
    explanation: Any = ""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._has_more = False
        self.filter = self.form_class()

    def dispatch(self, request: http.HttpRequest, *args: Any, **kwargs: Any) -> Any:
        """Any method: what is filtered is in the address.

        :raises NotAuthorized: if the user may not see the list
        """
        required(request, self._rule())
        self.filter = self.form_class(request.GET)
        return super().dispatch(request, *args, **kwargs)

    def _rule(self) -> str:
        return next(each.rule for each in self.known_tabs if each.name == self.tab)

    def get_tables(self) -> Any:
        """The tables; that of the list keeps what is filtered in the addresses that it makes."""
        found = super().get_tables()
        found[self.tab].kept = self.filter.address
        return found

    def get_running_jobs_data(self) -> list[Job]:
        """What is under way."""
        return running_jobs(self.request)

    def has_more_data(self, table: Any) -> bool:
        """Whether there is a next page."""
        return self._has_more and table.name == self.tab

    def page(self, ask: Callable[..., Iterable[Any]], **query: Any) -> Sequence[Any]:
        """A page of the list; nothing, if it is refused, and that is shown.

        :param ask: takes ``max_items``, ``marker`` and *query*
        """
        size = functions.get_page_size(self.request)
        marker = self.request.GET.get(KeptTable._meta.pagination_param)
        query |= {"marker": marker} if marker else {}
        with refusals.shown(self.request):
            found = list(itertools.islice(ask(max_items=size + 1, **query), size + 1))
            self._has_more = len(found) > size
            return found[:size]
        return []

    def get_context_data(self, **kwargs: Any) -> Any:
        """For the page."""
        context = super().get_context_data(**kwargs)
        return context | {
            "tabs": tabs(self.request, self.known_tabs),
            "tab": self.tab,
            "filter": self.filter,
            "list": self.get_tables()[self.tab],
            "address": self.request.path,
            "is_later": KeptTable._meta.pagination_param in self.request.GET,
            "explanation": self.explanation,
        }
