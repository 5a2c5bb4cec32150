# SPDX-License-Identifier: Apache-2.0
"""The three steps of a product, a page each.

Each can be left as it is, and gone back to; the service says what a product lacks before it can be submitted.
"""

from typing import Any

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from horizon import forms as horizon_forms

from ims_glance.dashboard import connection, pages, refusals, words
from ims_glance.dashboard.market import terms
from ims_glance.dashboard.selling import forms

STEPS = (
    ("access", gettext_lazy("1. Access")),
    ("basic", gettext_lazy("2. Basic Information")),
    ("business", gettext_lazy("3. Business Information")),
)


class _StepView(horizon_forms.ModalFormView):
    """A page with one step; the tabs above it lead to the others."""

    template_name = "ims/step.html"
    page_title = "{{ name }}"
    submit_label = gettext_lazy("Save and Continue")
    step = ""
    following = ""

    def dispatch(self, request: Any, *args: Any, **kwargs: Any) -> Any:
        """Any method: there must be such a product, unless it is begun.

        :raises Http404: if the project has none of that id
        :raises Http302: to the list, if the service does not show it now
        """
        pages.required(request, "update_product" if "product_id" in kwargs else "create_product")
        self.product = None
        if "product_id" in kwargs:
            with refusals.needed(request, "horizon:project:ims_market:selling"):
                found = connection.ims(request).get_own_product(str(kwargs["product_id"]))
            self.product = found
        return super().dispatch(request, *args, **kwargs)

    def get_template_names(self) -> list[str]:
        """It is never a dialog."""
        return [self.template_name]

    def get_form_kwargs(self) -> Any:
        """For the form."""
        return super().get_form_kwargs() | {"product": self.product}

    def get_form(self, form_class: Any = None) -> Any:
        """The form, which knows later which product it made."""
        self.form = super().get_form(form_class)
        return self.form

    def get_success_url(self) -> Any:
        """The next step, or the product."""
        made = self.form.product
        return reverse(f"horizon:project:ims_market:{self.following}", args=[made.id])

    def get_context_data(self, **kwargs: Any) -> Any:
        """For the page."""
        self.submit_url = self.request.path
        context = super().get_context_data(**kwargs)
        product = self.product
        lacking = [
            each for each in (product and product.missing) or () if each.get("step") == self.step
        ]
        return context | {
            "name": words.plain(product.name) if product else _("Create Product"),
            "tabs": [
                {"name": name, "title": title, "address": self._address(name)}
                for name, title in STEPS
            ],
            "tab": self.step,
            "missing": [terms.missing(each) for each in lacking],
            "back": self._address("own") or reverse("horizon:project:ims_market:selling"),
        }

    def _address(self, name: str) -> str | None:
        """That of a page of the product, if there is one already."""
        if self.product is None:
            return None
        return str(reverse(f"horizon:project:ims_market:{name}", args=[self.product.id]))


class AccessView(_StepView):
    """The first step."""

    form_class = forms.AccessForm
    step = "access"
    following = "basic"


class BasicView(_StepView):
    """The second step."""

    form_class = forms.BasicForm
    step = "basic"
    following = "business"


class BusinessView(_StepView):
    """The third step."""

    form_class = forms.BusinessForm
    step = "business"
    following = "own"
    submit_label = gettext_lazy("Save")
