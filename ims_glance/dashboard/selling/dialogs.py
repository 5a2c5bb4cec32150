# SPDX-License-Identifier: Apache-2.0
"""Submit another version of a product; take no new buyers; take it from the market."""

from typing import Any

from django import forms
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from horizon import forms as horizon_forms

from ims_glance.client.proxy import Proxy
from ims_glance.client.resources.market import SellersProduct
from ims_glance.dashboard import connection, refusals, words
from ims_glance.dashboard.dialogs import base
from ims_glance.dashboard.market import terms
from ims_glance.dashboard.selling.forms import images

_MAX_WHY = 2000


class _ProductForm(base.AskingForm):
    def __init__(self, request: Any, *args: Any, product: SellersProduct, **kwargs: Any) -> None:
        self.product = product
        super().__init__(request, *args, **kwargs)


class VersionForm(_ProductForm):
    """A version's name, image and notes."""

    name = forms.CharField(label=gettext_lazy("Version"), max_length=32)
    image = forms.ChoiceField(label=gettext_lazy("Image"))
    release_notes = forms.CharField(
        label=gettext_lazy("Release Notes"),
        required=False,
        max_length=4096,
        widget=forms.Textarea(attrs={"rows": 4}),
    )

    def __init__(self, request: Any, *args: Any, **kwargs: Any) -> None:
        super().__init__(request, *args, **kwargs)
        self.fields["image"].choices = images(request)

    def act(self, ims: Proxy, data: dict[str, Any]) -> str:
        """Submit it."""
        given = {"name": data["name"], "image_id": data["image"]}
        if data["release_notes"]:
            given["release_notes"] = data["release_notes"]
        ims.add_product_version(self.product, **given)
        return str(_("Version %s was submitted.") % data["name"])


class WhyForm(_ProductForm):
    """Why; the product's history keeps it."""

    why = forms.CharField(
        label=gettext_lazy("Reason"),
        required=False,
        max_length=_MAX_WHY,
        widget=forms.Textarea(attrs={"rows": 4}),
    )

    def act(self, ims: Proxy, data: dict[str, Any]) -> str:
        """Restrict it."""
        ims.restrict_product(self.product, data["why"] or None)
        return str(_("It takes no new buyers."))


class WithdrawForm(WhyForm):
    """From when; at once, if that is left out."""

    after_days = forms.IntegerField(
        label=gettext_lazy("After Days"),
        required=False,
        min_value=0,
        help_text=gettext_lazy("When those who have it lose it; at once, if it is empty."),
    )

    def __init__(self, request: Any, *args: Any, **kwargs: Any) -> None:
        super().__init__(request, *args, **kwargs)
        if self.product.submission_id:
            del self.fields["after_days"]

    def act(self, ims: Proxy, data: dict[str, Any]) -> str:
        """Take back what is submitted, or withdraw the product."""
        ims.withdraw_product(self.product, data["why"] or None, data.get("after_days"))
        if self.product.submission_id:
            return str(_("The version was taken back."))
        return str(_("The product was withdrawn."))


class _ProductDialog(horizon_forms.ModalFormView):
    template_name = "ims/dialog.html"
    address = ""
    explanation: Any = ""

    def dispatch(self, request: Any, *args: Any, **kwargs: Any) -> Any:
        """Any method: there must be such a product.

        :raises Http404: if the project has none of that id
        :raises Http302: to the list, if the service does not show it now
        """
        with refusals.needed(request, "horizon:project:ims_market:selling"):
            found = connection.ims(request).get_own_product(str(kwargs["product_id"]))
        self.product = found
        return super().dispatch(request, *args, **kwargs)

    def get_form_kwargs(self) -> Any:
        """For the form."""
        return super().get_form_kwargs() | {"product": self.product}

    def get_success_url(self) -> Any:
        """The product."""
        return reverse("horizon:project:ims_market:own", args=[self.product.id])

    def get_context_data(self, **kwargs: Any) -> Any:
        """For the page."""
        self.submit_url = self.request.path
        context = super().get_context_data(**kwargs)
        context["explanation"] = self.explanation
        context["facts"] = [
            (_("Name"), words.plain(self.product.name)),
            (_("Status"), terms.STATES.get(self.product.state, self.product.state)),
        ]
        return context


class VersionView(_ProductDialog):
    """Submit another version."""

    form_class = VersionForm
    page_title = modal_header = gettext_lazy("Add Version")
    submit_label = gettext_lazy("Submit for Review")
    explanation = gettext_lazy(
        "The image is copied and reviewed, with the draft's text as it is now. The product stays as it is meanwhile; "
        "those who have it get the version when it is listed."
    )


class RestrictView(_ProductDialog):
    """Take no new buyers."""

    form_class = WhyForm
    page_title = modal_header = gettext_lazy("Restrict Product")
    submit_label = gettext_lazy("Restrict")
    explanation = gettext_lazy(
        "It is in no list any more and takes no new buyers. Those who have it keep it, and get later versions."
    )


class WithdrawView(_ProductDialog):
    """Take it back, or from the market."""

    form_class = WithdrawForm
    page_title = modal_header = gettext_lazy("Withdraw Product")
    submit_label = gettext_lazy("Withdraw")
    explanation = gettext_lazy(
        "A version that is copied or reviewed is taken back, and the product stays as it was. Else the product is "
        "taken from the market and from all who have it; servers that run it go on."
    )
