# SPDX-License-Identifier: Apache-2.0
"""What waits for a reviewer, the oldest first."""

from typing import Any

from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from horizon import tables

from ims_glance.client.resources.market import SubmittedVersion
from ims_glance.dashboard import connection, pages, refusals, words
from ims_glance.dashboard.market import terms


def place(request: Any, name: str, *arguments: Any) -> str:
    """The address of a page of the panel that the user is in: these pages are in two of them."""
    return str(reverse(f"{request.resolver_match.namespace}:{name}", args=arguments))


class ReviewColumn(tables.WrappingColumn):
    """A column that leads to the version."""

    def get_link_url(self, version: SubmittedVersion) -> str:
        """Its page."""
        return place(self.table.request, "review", version.id)


class WaitingVersions(pages.KeptTable):
    """Versions."""

    product = ReviewColumn(
        lambda each: words.plain(each.product_name),
        verbose_name=_("Product"),
        link=True,
    )
    version = tables.Column(lambda each: words.plain(each.version), verbose_name=_("Version"))
    state = tables.Column(
        lambda each: terms.VERSION_STATES.get(each.state, each.state), verbose_name=_("Status")
    )
    product_state = tables.Column(
        lambda each: terms.STATES.get(each.product_state, each.product_state),
        verbose_name=_("The Product Is"),
    )
    seller = tables.Column(lambda each: each.seller_project_id, verbose_name=_("Seller's Project"))
    since = tables.Column(lambda each: words.time(each.submitted_at), verbose_name=_("Submitted"))

    class Meta:
        name = "reviews"
        verbose_name = _("Reviews")
        hidden_title = True
        multi_select = False

    def get_object_display(self, version: SubmittedVersion) -> str:
        """What it is called in messages."""
        return words.plain(version.product_name)


class ReviewsView(pages.ListPage):
    """The tab, or the panel's only page."""

    known_tabs = pages.MARKET
    tab = "reviews"
    table_classes = (WaitingVersions,)
    page_title = _("Marketplace Reviews")

    def get_reviews_data(self) -> list[SubmittedVersion]:
        """All of them."""
        with refusals.shown(self.request):
            return list(connection.ims(self.request).submitted_versions())
        return []

    def get_context_data(self, **kwargs: Any) -> Any:
        """For the page: administrators' dashboard has no tabs of the marketplace."""
        context = super().get_context_data(**kwargs)
        if self.request.resolver_match.namespace.startswith("horizon:admin"):
            context["tabs"] = []
        return context
