# SPDX-License-Identifier: Apache-2.0
"""Delete an image, from its own page; in a list several are deleted at once."""

from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from ims_glance.client.proxy import Proxy
from ims_glance.dashboard import words
from ims_glance.dashboard.dialogs import base

_BACKUP = "__backup_id"


class DeleteForm(base.DialogForm):
    """Whether it is meant."""

    delete_backup = forms.BooleanField(
        label=gettext_lazy("Delete the backup that is kept with it, too"), required=False
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not (self.image.properties or {}).get(_BACKUP):
            del self.fields["delete_backup"]

    def act(self, ims: Proxy, data: dict[str, Any]) -> str:
        """Delete it."""
        ims.delete_image(self.image, delete_backup=bool(data.get("delete_backup")))
        return str(_("Image %s was deleted.") % words.name(self.image))


class DeleteView(base.DialogView):
    """Delete an image."""

    form_class = DeleteForm
    address = "delete"
    page_title = modal_header = gettext_lazy("Delete Image")
    submit_label = gettext_lazy("Delete")
    explanation = gettext_lazy(
        "A deleted image cannot be restored. Servers that were made of it go on."
    )
