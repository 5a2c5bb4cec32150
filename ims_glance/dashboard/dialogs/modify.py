# SPDX-License-Identifier: Apache-2.0
"""Change what an image is called and what servers of it need."""

from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from ims_glance.client.proxy import Proxy
from ims_glance.dashboard import words
from ims_glance.dashboard.dialogs import base

_GIB = 1024
_NO_LIMIT = ("0", gettext_lazy("No limit"))
MIN_RAM = (0, 1, 2, 4, 8, 16, 32, 64, 128)
MAX_RAM = (0, 4, 32, 64, 128)
"""GiB; 0 for no limit."""


def steps(sizes: tuple[int, ...], present: Any) -> list[tuple[str, Any]]:
    """What can be chosen: the steps, and what the image has now, if that is none of them."""
    known = {size * _GIB: f"{size} GB" for size in sizes if size}
    now = words.number(present)
    if now and now not in known:
        known[now] = f"{now} MB"
    return [_NO_LIMIT, *((str(size), known[size]) for size in sorted(known))]


class ModifyForm(base.DialogForm):
    """The fields of the deck."""

    name = forms.CharField(label=gettext_lazy("Name"), max_length=128)
    description = forms.CharField(
        label=gettext_lazy("Description"),
        required=False,
        max_length=base.MAX_DESCRIPTION,
    )
    min_ram = forms.ChoiceField(label=gettext_lazy("Minimum Memory"))
    max_ram = forms.ChoiceField(label=gettext_lazy("Maximum Memory"))
    multiqueue = forms.BooleanField(label=gettext_lazy("NIC Multi-Queue"), required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        image = self.image
        is_on = str(image.hw_vif_multiqueue_enabled).lower() == "true"
        self.fields["min_ram"].choices = steps(MIN_RAM, image.min_ram)
        self.fields["max_ram"].choices = steps(MAX_RAM, image.max_ram)
        self._before = {
            "name": image.name or "",
            "description": image.description or "",
            "min_ram": str(words.number(image.min_ram)),
            "max_ram": str(words.number(image.max_ram)),
            "multiqueue": is_on,
        }
        for field, value in self._before.items():
            self.fields[field].initial = value

    def act(self, ims: Proxy, data: dict[str, Any]) -> str:
        """Send what was changed, and nothing else."""
        changed = {key: value for key, value in data.items() if value != self._before.get(key)}
        if "min_ram" in changed:
            changed["min_ram"] = int(changed["min_ram"])
        if "multiqueue" in changed:
            changed["hw_vif_multiqueue_enabled"] = str(changed.pop("multiqueue")).lower()
        removed = ["__description"] if changed.get("description") == "" else []
        if removed:
            del changed["description"]
        if changed or removed:
            ims.update_image(self.image, remove=removed, **changed)
        return str(_("Image %s was changed.") % data["name"])


class ModifyView(base.DialogView):
    """Change an image."""

    form_class = ModifyForm
    address = "modify"
    page_title = modal_header = gettext_lazy("Modify Image")
    submit_label = gettext_lazy("Modify")
    explanation = gettext_lazy(
        "Servers that were made of the image stay as they are. After the minimum of memory was raised, the system "
        "of smaller servers cannot be installed anew until it is lowered again."
    )
