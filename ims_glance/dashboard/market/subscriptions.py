# SPDX-License-Identifier: Apache-2.0
"""What a project has, and had, of the marketplace."""

from typing import Any

from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext_lazy
from horizon import tables
from openstack import exceptions

from ims_glance.client.resources.market import Subscription
from ims_glance.dashboard import connection, pages, refusals, words
from ims_glance.dashboard.images import batch
from ims_glance.dashboard.market import terms

# Of so many products that are in no list any more, the name is asked for.
_MOST_ASKED = 20


def images(subscription: Subscription) -> Any:
    """What may be booted, and where; those of other regions have their page there."""
    found = [each for each in subscription.images or () if each.get("image_id")]
    if not found:
        return words.NOTHING
    shown = [_image(subscription, each["image_id"], each.get("region")) for each in found]
    return format_html_join(", ", "{}", ((each,) for each in shown))


def _image(subscription: Subscription, image_id: str, region: str | None) -> Any:
    if region != subscription.this_region:
        return region
    place = reverse("horizon:project:ims:image", args=[image_id])
    return format_html('<a href="{}">{}</a>', place, region)


class UnsubscribeChosen(tables.DeleteAction):
    """Have a product no more."""

    name = "unsubscribe"
    policy_rules = (("ims", "ims:unsubscribe_product"),)
    help_text = _(
        "The product's image leaves your list. Servers, volumes and images that were made of it stay."
    )

    @staticmethod
    def action_present(count: int) -> Any:
        """What it is called before."""
        return ngettext_lazy("Unsubscribe", "Unsubscribe", count)

    @staticmethod
    def action_past(count: int) -> Any:
        """What it is called afterwards."""
        return ngettext_lazy("Unsubscribed", "Unsubscribed", count)

    def allowed(self, request: Any, subscription: Subscription | None = None) -> bool:
        """Of what the project has."""
        return subscription is None or subscription.state == "active"

    def handle(self, table: Any, request: Any, chosen: list[str]) -> Any:
        """End those that are chosen."""
        return batch.each(self, table, request, chosen, connection.ims(request).unsubscribe)


class Subscriptions(pages.KeptTable):
    """Subscriptions, the newest first."""

    product = tables.WrappingColumn(
        lambda each: each.product_name,
        verbose_name=_("Product"),
        link=lambda each: (
            reverse("horizon:project:ims_market:product", args=[each.product_id])
            if each.is_shown
            else None
        ),
    )
    sku = tables.Column(lambda each: each.sku or words.NOTHING, verbose_name=_("Specification"))
    state = tables.Column(
        lambda each: terms.SUBSCRIPTIONS.get(each.state, each.state), verbose_name=_("Status")
    )
    images = tables.Column(images, verbose_name=_("Images"))
    since = tables.Column(lambda each: words.time(each.since), verbose_name=_("Since"))
    until = tables.Column(
        lambda each: words.time(each.ended_at or each.until), verbose_name=_("Until")
    )

    class Meta:
        name = "subscriptions"
        verbose_name = _("My Subscriptions")
        table_actions = (UnsubscribeChosen,)
        row_actions = (UnsubscribeChosen,)
        hidden_title = True

    def get_object_display(self, subscription: Subscription) -> str:
        """What it is called in messages."""
        return str(subscription.product_name)


def _name(found: list[Subscription], names: dict[str, str], region: str | None) -> None:
    """Note the names of their products, and where we are, beside what the service says; ids, where there are none."""
    for each in found:
        vars(each)["this_region"] = region
        vars(each)["is_shown"] = each.product_id in names
        vars(each)["product_name"] = names.get(each.product_id) or each.product_id


class SubscriptionsView(pages.ListPage):
    """The tab."""

    known_tabs = pages.MARKET
    tab = "subscriptions"
    page_title = _("Image Marketplace")
    table_classes = (Subscriptions,)

    def get_subscriptions_data(self) -> list[Subscription]:
        """All of them, with the names of their products."""
        found: list[Subscription] = []
        with refusals.shown(self.request):
            found = connection.ims(self.request).subscriptions()[::-1]
            region = self.request.user.services_region
            _name(found, {}, region)
            _name(found, self._names(found), region)
        return found

    def _names(self, found: list[Subscription]) -> dict[str, str]:
        """Names of products by their ids; of what nobody may see any more there is none."""
        if not found:
            return {}
        ims = connection.ims(self.request)
        names = {each.id: words.plain(each.name) for each in ims.products()}
        held = {each.product_id for each in found if each.state == "active"}
        for product_id in sorted(held - set(names))[:_MOST_ASKED]:
            try:
                names[product_id] = words.plain(ims.get_product(product_id).name)
            except exceptions.NotFoundException:
                continue
        return names
