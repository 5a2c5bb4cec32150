# SPDX-License-Identifier: Apache-2.0
"""What is shown of a list: a form whose address can be kept, and shared by the table's file."""

from django import forms
from django.utils.translation import gettext_lazy as _

from ims_glance.client.resources.image import KINDS
from ims_glance.dashboard import pages, words

_STATUSES = ("active", "queued", "saving", "killed")


class FilterForm(pages.KeptForm):
    """Above the list of images."""

    kind = forms.ChoiceField(
        label=_("Image type"), required=False, choices=[pages.ALL, *words.KINDS.items()]
    )
    os_type = forms.ChoiceField(
        label=_("OS type"), required=False, choices=[pages.ALL, *words.OS_TYPES.items()]
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
        choices=[pages.ALL, *((each, words.STATUSES[each]) for each in _STATUSES)],
    )

    @property
    def query(self) -> dict[str, str]:
        """For the client."""
        given = self.given
        kind = given.pop("kind", None)
        return {**given, **(KINDS[kind] if kind else {})}
