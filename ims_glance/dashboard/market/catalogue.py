# SPDX-License-Identifier: Apache-2.0
"""The products of the marketplace, with a form above them whose address can be kept."""

import itertools
from typing import Any
from urllib.parse import urlencode

from django import forms, http
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from horizon import views
from horizon.utils import functions

from ims_glance.client.resources.market import OfferedProduct
from ims_glance.dashboard import connection, pages, refusals, words
from ims_glance.dashboard.market import files, terms


class CatalogueFilter(pages.KeptForm):
    """What one looks for."""

    search = forms.CharField(label=_("Words"), required=False, max_length=255)
    category = forms.ChoiceField(
        label=_("Category"), required=False, choices=[pages.ALL, *terms.CATEGORIES.items()]
    )
    os = forms.CharField(
        label=_("OS"),
        required=False,
        max_length=64,
        widget=forms.TextInput(attrs={"placeholder": _("Linux, Ubuntu, ...")}),
    )
    region = forms.CharField(label=_("Region"), required=False, max_length=255)
    price = forms.ChoiceField(
        label=_("Price"),
        required=False,
        choices=[pages.ALL, ("free", terms.PRICES["free"]), ("charged", _("Charged"))],
    )


def card(product: OfferedProduct, is_had: bool) -> dict[str, Any]:
    """A product as the catalogue shows it."""
    category = product.category
    return {
        "name": words.plain(product.name),
        "address": reverse("horizon:project:ims_market:product", args=[product.id]),
        "logo": reverse("horizon:project:ims_market:logo", args=[product.id]),
        "introduction": words.plain(product.introduction),
        "version": words.plain(product.version),
        "os": words.plain(product.platform or product.os_type) or words.NOTHING,
        "category": terms.CATEGORIES.get(category, category) or words.NOTHING,
        "regions": words.plain(", ".join(product.regions or ())),
        "price": terms.price(product.price_model, product.price),
        "is_had": is_had,
    }


class CatalogueView(views.HorizonTemplateView):
    """The tab."""

    template_name = "ims/catalogue.html"
    page_title = _("Image Marketplace")

    def get_context_data(self, **kwargs: Any) -> Any:
        """For the page.

        :raises NotAuthorized: if the user may not see it
        """
        pages.required(self.request, "list_products")
        context = super().get_context_data(**kwargs)
        sought = CatalogueFilter(self.request.GET)
        found, following = self._page(sought)
        had = self._had() if found else set()
        return context | {
            "tabs": pages.tabs(self.request, pages.MARKET),
            "tab": "catalogue",
            "filter": sought,
            "address": reverse("horizon:project:ims_market:index"),
            "products": [card(each, each.id in had) for each in found],
            "following": following,
            "is_later": "marker" in self.request.GET,
        }

    def _page(self, sought: CatalogueFilter) -> tuple[list[OfferedProduct], str]:
        """A page, and the query of the next one."""
        size, marker = functions.get_page_size(self.request), self.request.GET.get("marker")
        query = sought.given | ({"marker": marker} if marker else {})
        with refusals.shown(self.request):
            listed = connection.ims(self.request).products(max_items=size + 1, **query)
            found = list(itertools.islice(listed, size + 1))
            if len(found) <= size:
                return found, ""
            return found[:size], urlencode(sought.given | {"marker": found[size - 1].id})
        return [], ""

    def _had(self) -> set[str]:
        """The products that the project has; none, if that cannot be known now."""
        if not pages.may(self.request, "list_subscriptions"):
            return set()
        with refusals.shown(self.request):
            subscriptions = connection.ims(self.request).subscriptions()
            return {each.product_id for each in subscriptions if each.state == "active"}
        return set()


def logo(request: http.HttpRequest, product_id: str) -> http.HttpResponse:
    """The logo of a product.

    :raises Http404: if it has none, or is not to be seen
    """
    pages.required(request, "show_product")
    try:
        product = connection.ims(request).get_product(product_id)
    except refusals.FAILURES as error:
        raise http.Http404(refusals.sentence(error)) from error
    return files.logo((product.basic or {}).get("logo"))
