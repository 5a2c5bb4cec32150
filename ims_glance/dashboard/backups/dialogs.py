# SPDX-License-Identifier: Apache-2.0
"""Back up a server; make an image of a backup."""

from typing import Any

from django import forms
from django.urls import reverse, reverse_lazy
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from horizon import forms as horizon_forms

from ims_glance.client.proxy import Proxy
from ims_glance.client.resources.backup import Backup
from ims_glance.dashboard import connection, refusals
from ims_glance.dashboard.backups import servers, terms
from ims_glance.dashboard.dialogs import base

_DEFAULT_KEY = "ims/default"
# As much as Cinder takes.
_MAX_DESCRIPTION = 255
_LIST = "horizon:project:ims:backups"


class BackUpForm(base.AskingForm):
    """Which server, and how."""

    server = forms.ChoiceField(label=gettext_lazy("Server"))
    name = forms.CharField(label=gettext_lazy("Name"), max_length=128)
    description = forms.CharField(
        label=gettext_lazy("Description"), required=False, max_length=_MAX_DESCRIPTION
    )
    no_pause = forms.BooleanField(
        label=gettext_lazy("Let the server run"),
        required=False,
        help_text=gettext_lazy("Its disks are then not of one instant."),
    )

    def __init__(self, request: Any, *args: Any, **kwargs: Any) -> None:
        super().__init__(request, *args, **kwargs)
        self.fields["server"].choices = servers.choices(request)

    def act(self, ims: Proxy, data: dict[str, Any]) -> str:
        """Begin."""
        wishes: dict[str, Any] = {"no_pause": True} if data["no_pause"] else {}
        if data["description"]:
            wishes["description"] = data["description"]
        ims.create_backup(data["name"], data["server"], **wishes)
        return str(_("Backup %s is being created.") % data["name"])


class BackUpView(horizon_forms.ModalFormView):
    """Back up a server."""

    form_class = BackUpForm
    template_name = "ims/dialog.html"
    page_title = modal_header = gettext_lazy("Create Server Backup")
    submit_label = gettext_lazy("Create")
    submit_url = reverse_lazy("horizon:project:ims:create_backup")
    success_url = reverse_lazy(_LIST)

    def get_context_data(self, **kwargs: Any) -> Any:
        """For the page."""
        context = super().get_context_data(**kwargs)
        context["explanation"] = _(
            "All disks of the server are backed up as they were at one instant. A server that runs stands still "
            "for about a second. One backup makes one whole-machine image."
        )
        return context


class ImageOfBackupForm(base.AskingForm):
    """What the image is called, and its key."""

    name = forms.CharField(label=gettext_lazy("Name"), max_length=128)
    encrypt = forms.BooleanField(label=gettext_lazy("KMS Encryption"), required=False)
    key = forms.CharField(
        label=gettext_lazy("Key"),
        required=False,
        initial=_DEFAULT_KEY,
        help_text=gettext_lazy("ID of a key; ims/default is the project's own."),
    )
    description = forms.CharField(
        label=gettext_lazy("Description"), required=False, max_length=base.MAX_DESCRIPTION
    )

    def __init__(self, request: Any, *args: Any, backup: Backup, **kwargs: Any) -> None:
        self.backup = backup
        super().__init__(request, *args, **kwargs)

    def act(self, ims: Proxy, data: dict[str, Any]) -> str:
        """Begin."""
        given: dict[str, Any] = {"backup_id": self.backup.id}
        if data["encrypt"]:
            given["cmk_id"] = data["key"] or _DEFAULT_KEY
        if data["description"]:
            given["description"] = data["description"]
        ims.create_whole_image(data["name"], **given)
        return str(_("Image %s is being created.") % data["name"])


class ImageOfBackupView(horizon_forms.ModalFormView):
    """Make a whole-machine image of a backup."""

    form_class = ImageOfBackupForm
    template_name = "ims/dialog.html"
    page_title = modal_header = gettext_lazy("Create Image of Backup")
    submit_label = gettext_lazy("Create")
    success_url = reverse_lazy("horizon:project:ims:private")

    def dispatch(self, request: Any, *args: Any, **kwargs: Any) -> Any:
        """Any method: there must be such a backup.

        :raises Http404: if there is none in the project
        :raises Http302: to the list, if the service does not show it now
        """
        with refusals.needed(request):
            self.backup = connection.ims(request).get_backup(str(kwargs["backup_id"]))
        return super().dispatch(request, *args, **kwargs)

    def get_form_kwargs(self) -> Any:
        """For the form."""
        return super().get_form_kwargs() | {"backup": self.backup}

    def get_context_data(self, **kwargs: Any) -> Any:
        """For the page."""
        self.submit_url = reverse("horizon:project:ims:image_of_backup", args=[self.backup.id])
        context = super().get_context_data(**kwargs)
        context["facts"] = terms.facts(self.backup)[:8]
        context["explanation"] = _(
            "It is a whole-machine image of all disks of the backup. They are restored to volumes for it, which "
            "takes room in your quota until the image is there. The backup stays."
        )
        return context
