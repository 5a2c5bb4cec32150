# SPDX-License-Identifier: Apache-2.0
"""A product as its buyers see it, with its agreement; who agrees has it."""

from typing import Any

from django import forms
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from horizon import forms as horizon_forms

from ims_glance.client.proxy import Proxy
from ims_glance.client.resources.market import OfferedProduct
from ims_glance.dashboard import connection, pages, refusals, words
from ims_glance.dashboard.dialogs import base
from ims_glance.dashboard.market import terms


class SubscribeForm(base.AskingForm):
    """What one agrees to, and what of it one wants."""

    sku = forms.ChoiceField(label=gettext_lazy("Specification"), required=False)
    agrees = forms.BooleanField(
        label=gettext_lazy("I have read the agreement, and agree to it for my project."),
        error_messages={"required": gettext_lazy("Nobody has the product who does not agree.")},
    )
    # Of the text that was on the page: if the seller changed it meanwhile, the service says so.
    agreement = forms.CharField(widget=forms.HiddenInput())

    def __init__(self, request: Any, *args: Any, product: OfferedProduct, **kwargs: Any) -> None:
        self.product = product
        super().__init__(request, *args, **kwargs)
        known = terms.specifications(product.basic or {})
        choices = [(each["sku"], each["name"] or each["sku"]) for each in known]
        self.fields["sku"].choices = choices
        self.fields["sku"].required = len(choices) > 1
        if len(choices) < 2:
            self.fields["sku"].widget = forms.HiddenInput()
            self.fields["sku"].initial = choices[0][0] if choices else ""
        self.fields["agreement"].initial = product.agreement_digest

    def act(self, ims: Proxy, data: dict[str, Any]) -> str:
        """Subscribe."""
        ims.subscribe(self.product, data["agreement"], data["sku"] or None)
        return str(_("Your project has %s now.") % words.plain(self.product.name))


class ProductView(horizon_forms.ModalFormView):
    """The page of a product."""

    template_name = "ims/product.html"
    page_title = "{{ name }}"
    form_class = SubscribeForm
    submit_label = gettext_lazy("Subscribe")

    def dispatch(self, request: Any, *args: Any, **kwargs: Any) -> Any:
        """Any method: there must be such a product.

        :raises Http404: if there is none for the user
        :raises Http302: to the catalogue, if the service does not show it now
        """
        pages.required(request, "show_product")
        with refusals.needed(request, "horizon:project:ims_market:index"):
            self.product = connection.ims(request).get_product(str(kwargs["product_id"]))
        return super().dispatch(request, *args, **kwargs)

    def get_template_names(self) -> list[str]:
        """It is never a dialog: an agreement is read on a page."""
        return [self.template_name]

    def get_form_kwargs(self) -> Any:
        """For the form."""
        return super().get_form_kwargs() | {"product": self.product}

    def form_invalid(self, form: Any) -> Any:
        """The page again; to another agreement than the one that was read nobody has agreed."""
        if form.data.get("agreement") != self.product.agreement_digest:
            form.data = form.data.copy()
            form.data["agreement"] = self.product.agreement_digest
            form.data.pop("agrees", None)
        return super().form_invalid(form)

    def get_success_url(self) -> Any:
        """The same page, which says what the project has then."""
        return self.request.path

    def get_context_data(self, **kwargs: Any) -> Any:
        """For the page."""
        self.submit_url = self.request.path
        context = super().get_context_data(**kwargs)
        product = self.product
        held = product.subscription or {}
        is_had = held.get("state") == "active"
        return context | {
            "name": words.plain(product.name),
            "product": terms.shown(product.version, product.basic, product.business),
            "logo": reverse("horizon:project:ims_market:logo", args=[product.id]),
            "is_listed": product.state == "listed",
            "state": terms.STATES.get(product.state, product.state),
            "versions": [
                {
                    "name": words.plain(each.get("name")),
                    "notes": terms.lines(each.get("release_notes")),
                    "since": words.time(each.get("listed_at")),
                }
                for each in product.versions or ()
            ],
            "held": held if is_had else None,
            "since": _("Your project has it since %s.") % terms.moment(held.get("since")),
            "until": _("It ends at %s.") % terms.moment(held["until"])
            if held.get("until")
            else None,
            "has_other_agreement": is_had
            and held.get("agreement_digest") != product.agreement_digest,
            "may_subscribe": not is_had
            and product.state == "listed"
            and pages.may(self.request, "subscribe_product"),
            "may_unsubscribe": is_had and pages.may(self.request, "unsubscribe_product"),
            "images": reverse("horizon:project:ims:market"),
            "subscriptions": reverse("horizon:project:ims_market:subscriptions"),
            "list": reverse("horizon:project:ims_market:index"),
        }
