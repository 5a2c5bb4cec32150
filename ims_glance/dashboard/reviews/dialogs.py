# SPDX-License-Identifier: Apache-2.0
"""What a reviewer decides."""

from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from horizon import forms as horizon_forms

from ims_glance.client.proxy import Proxy
from ims_glance.client.resources.market import SubmittedVersion
from ims_glance.dashboard import words
from ims_glance.dashboard.dialogs import base
from ims_glance.dashboard.reviews import details
from ims_glance.dashboard.reviews.listing import place

_MAX_REASONS = 2000


class ApproveForm(base.AskingForm):
    """Reasons, if there is anything to say."""

    reasons = forms.CharField(
        label=gettext_lazy("Reason"),
        required=False,
        max_length=_MAX_REASONS,
        widget=forms.Textarea(attrs={"rows": 4}),
    )

    uninspected = forms.BooleanField(
        label=gettext_lazy(
            "Not all of it could be looked into. I know what is in it, and say why."
        ),
        required=True,
    )

    def __init__(self, request: Any, *args: Any, version: SubmittedVersion, **kwargs: Any) -> None:
        self.version = version
        super().__init__(request, *args, **kwargs)
        if (version.scan or {}).get("is_whole", True):
            del self.fields["uninspected"]
        else:
            self.fields["reasons"].required = True

    def act(self, ims: Proxy, data: dict[str, Any]) -> str:
        """List it."""
        ims.approve_version(
            self.version.id, data["reasons"] or None, uninspected=data.get("uninspected", False)
        )
        return str(_("It is listed."))


class RejectForm(ApproveForm):
    """The seller has to know why."""

    def __init__(self, request: Any, *args: Any, **kwargs: Any) -> None:
        super().__init__(request, *args, **kwargs)
        self.fields["reasons"].required = True
        self.fields.pop("uninspected", None)

    def act(self, ims: Proxy, data: dict[str, Any]) -> str:
        """Give it back."""
        ims.reject_version(self.version.id, data["reasons"])
        return str(_("It was given back to its seller."))


class _Decision(horizon_forms.ModalFormView):
    template_name = "ims/dialog.html"
    explanation: Any = ""

    def dispatch(self, request: Any, *args: Any, **kwargs: Any) -> Any:
        """Any method: there must be such a version.

        :raises Http404: if there is none, or the service does not show it now
        """
        self.version = details.read(request, str(kwargs["version_id"]))
        return super().dispatch(request, *args, **kwargs)

    def get_form_kwargs(self) -> Any:
        """For the form."""
        return super().get_form_kwargs() | {"version": self.version}

    def get_success_url(self) -> Any:
        """What waits still."""
        return place(self.request, "reviews")

    def get_context_data(self, **kwargs: Any) -> Any:
        """For the page."""
        self.submit_url = self.request.path
        context = super().get_context_data(**kwargs)
        context["explanation"] = self.explanation
        context["facts"] = [
            (_("Product"), words.plain(self.version.product_name)),
            (_("Version"), words.plain(self.version.version)),
        ]
        return context


class ApproveView(_Decision):
    """List a version."""

    form_class = ApproveForm
    page_title = modal_header = gettext_lazy("Approve Version")
    submit_label = gettext_lazy("Approve")
    explanation = gettext_lazy(
        "Everybody finds it then, and who has the product gets this version."
    )


class RejectView(_Decision):
    """Give a version back."""

    form_class = RejectForm
    page_title = modal_header = gettext_lazy("Reject Version")
    submit_label = gettext_lazy("Reject")
    explanation = gettext_lazy("The seller reads the reason, and can submit again.")
