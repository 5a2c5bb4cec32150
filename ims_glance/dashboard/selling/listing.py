# SPDX-License-Identifier: Apache-2.0
"""The products that a project sells."""

from collections.abc import Sequence
from typing import Any

from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext_lazy
from horizon import tables

from ims_glance.client.resources.market import SellersProduct
from ims_glance.dashboard import connection, pages, refusals, words
from ims_glance.dashboard.images import batch
from ims_glance.dashboard.market import terms


class BeginProduct(tables.LinkAction):
    """Begin one."""

    name = "create"
    verbose_name = _("Create Product")
    url = "horizon:project:ims_market:begin"
    icon = "plus"
    policy_rules = (("ims", "ims:create_product"),)


class EditProduct(tables.LinkAction):
    """Go to its first step."""

    name = "edit"
    verbose_name = _("Edit")
    url = "horizon:project:ims_market:access"
    icon = "pencil"
    policy_rules = (("ims", "ims:update_product"),)

    def allowed(self, request: Any, product: SellersProduct | None = None) -> bool:
        """Of what is not under review, and not withdrawn."""
        return product is None or product.state not in ("submitted", "withdrawn")


class DeleteProduct(tables.DeleteAction):
    """Delete drafts, each by itself."""

    policy_rules = (("ims", "ims:delete_product"),)

    @staticmethod
    def action_present(count: int) -> Any:
        """What it is called before."""
        return ngettext_lazy("Delete Draft", "Delete Drafts", count)

    @staticmethod
    def action_past(count: int) -> Any:
        """What it is called afterwards."""
        return ngettext_lazy("Deleted Draft", "Deleted Drafts", count)

    def allowed(self, request: Any, product: SellersProduct | None = None) -> bool:
        """Of what nobody but the seller has."""
        return product is None or product.state in ("draft", "rejected")

    def handle(self, table: Any, request: Any, chosen: list[str]) -> Any:
        """Delete those that are chosen."""
        return batch.each(self, table, request, chosen, connection.ims(request).delete_product)


class OwnProducts(pages.KeptTable):
    """Products, the newest first."""

    name = tables.WrappingColumn(
        lambda each: words.plain(each.name) or each.id,
        verbose_name=_("Name"),
        link=lambda each: reverse("horizon:project:ims_market:own", args=[each.id]),
    )
    state = tables.Column(
        lambda each: terms.STATES.get(each.state, each.state), verbose_name=_("Status")
    )
    pending = tables.Column(
        lambda each: _("Yes") if each.submission_id else words.NOTHING,
        verbose_name=_("A Version Is Copied or Reviewed"),
    )
    listed = tables.Column(lambda each: words.time(each.listed_at), verbose_name=_("Listed"))
    updated = tables.Column(lambda each: words.time(each.updated_at), verbose_name=_("Changed"))

    class Meta:
        name = "selling"
        verbose_name = _("My Products")
        table_actions = (BeginProduct, DeleteProduct)
        row_actions = (EditProduct, DeleteProduct)
        hidden_title = True

    def get_object_display(self, product: SellersProduct) -> str:
        """What it is called in messages."""
        return words.plain(product.name) or str(product.id)


class SellingView(pages.ListPage):
    """The tab."""

    known_tabs = pages.MARKET
    tab = "selling"
    page_title = _("Image Marketplace")
    table_classes = (OwnProducts,)

    def get_selling_data(self) -> Sequence[SellersProduct]:
        """All of them."""
        with refusals.shown(self.request):
            return list(connection.ims(self.request).own_products())
        return []
