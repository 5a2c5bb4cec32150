# SPDX-License-Identifier: Apache-2.0
"""Write an image into a bucket."""

from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from ims_glance.client import exporting
from ims_glance.client.proxy import Proxy
from ims_glance.client.resources.image import Image
from ims_glance.dashboard.dialogs import base

_TITLES = {
    exporting.OVA: gettext_lazy("ova: one file with all disks"),
    exporting.SEALED: gettext_lazy("Sealed: as it lies in its store, encrypted"),
}


class ExportForm(base.DialogForm):
    """Where to, and as what."""

    bucket = forms.CharField(label=gettext_lazy("Bucket"))
    file = forms.CharField(label=gettext_lazy("File"))
    file_format = forms.ChoiceField(label=gettext_lazy("Format"))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["file_format"].choices = choices(self.image)
        if self.image.kind == "whole":
            self.fields["file"].help_text = _(
                "If it is no ova: what the names of all files begin with, one of each disk and a manifest (.json)."
            )

    def act(self, ims: Proxy, data: dict[str, Any]) -> str:
        """Begin."""
        file_format = exporting.asked(data["file_format"])
        ims.export_image(self.image, f"{data['bucket']}:{data['file']}", file_format)
        return str(_("The image is being exported to %s.") % data["bucket"])


def choices(image: Image) -> list[tuple[str, Any]]:
    """The formats that there are for an image, as they are chosen from."""
    return [(each, _TITLES.get(each, each)) for each in exporting.formats(image)]


class ExportView(base.DialogView):
    """Export an image."""

    form_class = ExportForm
    address = "export"
    page_title = modal_header = gettext_lazy("Export Image")
    submit_label = gettext_lazy("Export")
    explanation = gettext_lazy(
        "The file is not encrypted, whatever the image is, unless it is sealed: then the image's key opens it. Its "
        "size depends on the format, and it is charged as what lies in the bucket."
    )
