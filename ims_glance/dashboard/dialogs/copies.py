# SPDX-License-Identifier: Apache-2.0
"""Copy an image: here, with another key or none; or to another region."""

from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from ims_glance.client.proxy import Proxy
from ims_glance.dashboard import words
from ims_glance.dashboard.dialogs import base

_DEFAULT_KEY = "ims/default"


class _CopyForm(base.DialogForm):
    name = forms.CharField(label=gettext_lazy("Name"), max_length=128)
    description = forms.CharField(
        label=gettext_lazy("Description"),
        required=False,
        max_length=base.MAX_DESCRIPTION,
    )

    def given(self, data: dict[str, Any], *names: str) -> dict[str, Any]:
        """Those of the fields that are filled in."""
        return {name: data[name] for name in ("description", *names) if data.get(name)}


class CopyHereForm(_CopyForm):
    """A copy within the region."""

    encrypt = forms.BooleanField(label=gettext_lazy("KMS Encryption"), required=False)
    key = forms.CharField(
        label=gettext_lazy("Key"),
        required=False,
        initial=_DEFAULT_KEY,
        help_text=gettext_lazy("ID of a key; ims/default is the project's own."),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["name"].initial = base.copy_name(self.image)
        self.fields["encrypt"].initial = self.image.is_encrypted

    def act(self, ims: Proxy, data: dict[str, Any]) -> str:
        """Begin."""
        key = (data["key"] or _DEFAULT_KEY) if data["encrypt"] else None
        ims.copy_image(self.image, data["name"], cmk_id=key, **self.given(data))
        return str(_("The image is being copied."))


class CopyHereView(base.DialogView):
    """Copy an image within the region."""

    form_class = CopyHereForm
    address = "copy"
    page_title = modal_header = gettext_lazy("Copy Image")
    submit_label = gettext_lazy("Copy")
    explanation = gettext_lazy(
        "The copy is encrypted with the key that you name, or not at all, whatever the image is. It takes up "
        "storage of its own."
    )


class CopyToRegionForm(_CopyForm):
    """A copy in another region."""

    region = forms.ChoiceField(label=gettext_lazy("Target Region"))
    project = forms.CharField(
        label=gettext_lazy("Target Project"),
        required=False,
        help_text=gettext_lazy("Name or ID; the project that you work in, if it is empty."),
    )
    agency_name = forms.CharField(
        label=gettext_lazy("IAM Agency"),
        required=False,
        help_text=gettext_lazy("An application credential of yours in that project."),
    )
    only_foresee = forms.BooleanField(
        label=gettext_lazy("Only say what it would come to"), required=False
    )

    def __init__(self, request: Any, *args: Any, **kwargs: Any) -> None:
        super().__init__(request, *args, **kwargs)
        here = request.user.services_region
        others = [region for region in request.user.available_services_regions if region != here]
        self.fields["region"].choices = [(region, region) for region in others]
        self.fields["name"].initial = base.copy_name(
            self.image, others[0] if len(others) == 1 else ""
        )

    def handle(self, request: Any, data: dict[str, Any]) -> bool:
        """Do it; if it was only to be foreseen, the dialog stays."""
        return super().handle(request, data) and not data["only_foresee"]

    def act(self, ims: Proxy, data: dict[str, Any]) -> str:
        """Begin, or foresee."""
        where = (data["name"], data["region"], data["project"] or None)
        wishes = self.given(data, "agency_name")
        if data["only_foresee"]:
            found = ims.foresee_copy_cross_region(self.image, *where, **wishes)
            most = int(found.get("total_bytes") or 0)
            sent = max(0, most - int(found.get("base_holds") or 0))
            amounts = {"sent": words.amount(sent), "all": words.size(most)}
            return str(_("It would send about %(sent)s of %(all)s.") % amounts)
        ims.copy_image_cross_region(self.image, *where, **wishes)
        return str(_("The image is being copied to %s.") % data["region"])


class CopyToRegionView(base.DialogView):
    """Copy an image to another region."""

    form_class = CopyToRegionForm
    address = "replicate"
    page_title = modal_header = gettext_lazy("Copy Image to Another Region")
    submit_label = gettext_lazy("Copy")
    explanation = gettext_lazy(
        "What is there already, of another copy or an older version, is not sent again. An encrypted image "
        "is encrypted there, too."
    )
