# SPDX-License-Identifier: Apache-2.0
"""What is shown of a list: a form whose address can be kept, and shared by the table's file."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from django import forms
from django.utils.translation import gettext_lazy as _

from ims_glance.client.resources.image import KINDS
from ims_glance.dashboard import words

_ALL = ("", _("All"))
_STATUSES = ("active", "queued", "saving", "killed")


class FilterForm(forms.Form):
    """Above the list of images."""

    kind = forms.ChoiceField(
        label=_("Image type"), required=False, choices=[_ALL, *words.KINDS.items()]
    )
    os_type = forms.ChoiceField(
        label=_("OS type"), required=False, choices=[_ALL, *words.OS_TYPES.items()]
    )
    name = forms.CharField(label=_("Name"), required=False, max_length=255)
    tag = forms.CharField(
        label=_("Tag"),
        required=False,
        max_length=255,
        widget=forms.TextInput(attrs={"placeholder": _("key=value")}),
    )
    status = forms.ChoiceField(
        label=_("Status"),
        required=False,
        choices=[_ALL, *((each, words.STATUSES[each]) for each in _STATUSES)],
    )

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
    def query(self) -> dict[str, str]:
        """For the client."""
        given = self.given
        kind = given.pop("kind", None)
        return {**given, **(KINDS[kind] if kind else {})}

    @property
    def address(self) -> str:
        """For a link that keeps it."""
        return urlencode(self.given)
