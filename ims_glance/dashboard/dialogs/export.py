# SPDX-License-Identifier: Apache-2.0
"""Write an image into a bucket."""

from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from ims_glance.client.proxy import Proxy
from ims_glance.client.resources.image import Image
from ims_glance.dashboard.dialogs import base

FORMATS = ("qcow2", "vhd", "vmdk", "zvhd", "zvhd2", "raw")
_OF_WHOLE = ("ova", "ova")
_OF_ENCRYPTED = ("sealed", gettext_lazy("Sealed: as it lies in its store, encrypted"))
# Nothing but a quick export writes it.
_QUICK = "zvhd2"


class ExportForm(base.DialogForm):
    """Where to, and as what."""

    bucket = forms.CharField(label=gettext_lazy("Bucket"))
    file = forms.CharField(label=gettext_lazy("File"))
    file_format = forms.ChoiceField(label=gettext_lazy("Format"))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["file_format"].choices = choices(self.image)

    def act(self, ims: Proxy, data: dict[str, Any]) -> str:
        """Begin."""
        file_format = None if data["file_format"] == _QUICK else data["file_format"]
        ims.export_image(self.image, f"{data['bucket']}:{data['file']}", file_format)
        return str(_("The image is being exported to %s.") % data["bucket"])


def choices(image: Image) -> list[tuple[str, Any]]:
    """The formats that there are for an image: several disks are one file in one of them alone."""
    if image.kind == "whole":
        return [_OF_WHOLE]
    return [*((each, each) for each in FORMATS), *([_OF_ENCRYPTED] if image.is_encrypted else [])]


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
