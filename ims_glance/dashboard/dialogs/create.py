# SPDX-License-Identifier: Apache-2.0
"""Make a private image of a server."""

from typing import Any

from django import forms
from django.urls import reverse_lazy
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from horizon import exceptions as horizon_exceptions
from horizon import forms as horizon_forms
from openstack_dashboard.api import nova

from ims_glance.client.proxy import Proxy
from ims_glance.dashboard import words
from ims_glance.dashboard.dialogs import base

_DEFAULT_KEY = "ims/default"
# Nobody finds one among more; whoever has them knows the command line.
_MOST_SERVERS = 5000


class CreateForm(base.AskingForm):
    """The deck's fields for a server."""

    kind = forms.ChoiceField(
        label=gettext_lazy("Image Type"),
        choices=[(kind, words.KINDS[kind]) for kind in ("system", "whole")],
    )
    server = forms.ChoiceField(label=gettext_lazy("Server"))
    name = forms.CharField(label=gettext_lazy("Name"), max_length=128)
    encrypt = forms.BooleanField(label=gettext_lazy("KMS Encryption"), required=False)
    key = forms.CharField(
        label=gettext_lazy("Key"),
        required=False,
        initial=_DEFAULT_KEY,
        help_text=gettext_lazy("ID of a key; ims/default is the project's own."),
    )
    tags = forms.CharField(
        label=gettext_lazy("Tags"),
        required=False,
        widget=forms.Textarea(attrs={"rows": 2, "placeholder": gettext_lazy("key=value")}),
        help_text=gettext_lazy("Up to 10, on lines of their own."),
    )
    description = forms.CharField(
        label=gettext_lazy("Description"),
        required=False,
        max_length=base.MAX_DESCRIPTION,
    )

    def __init__(self, request: Any, *args: Any, **kwargs: Any) -> None:
        super().__init__(request, *args, **kwargs)
        self.fields["server"].choices = servers(request)

    def act(self, ims: Proxy, data: dict[str, Any]) -> str:
        """Begin."""
        given: dict[str, Any] = {"instance_id": data["server"]}
        if data["encrypt"]:
            given["cmk_id"] = data["key"] or _DEFAULT_KEY
        if data["description"]:
            given["description"] = data["description"]
        tags = [line.strip() for line in data["tags"].splitlines() if line.strip()]
        begin = ims.create_whole_image if data["kind"] == "whole" else ims.create_image
        begin(data["name"], tags=tags, **given)
        return str(_("Image %s is being created.") % data["name"])


def servers(request: Any) -> list[tuple[str, str]]:
    """Those of the project: id, and name with status; none, if Nova does not say.

    Nova shows so many at once as its operator likes.
    """
    found: list[Any] = []
    try:
        while len(found) < _MOST_SERVERS:
            after = {"marker": found[-1].id} if found else {}
            page, _more = nova.server_list(request, search_opts=after, detailed=True)
            if not page:
                break
            found += page
    except Exception:  # boundary: Horizon shows what Nova says
        horizon_exceptions.handle(request, _("The servers cannot be listed."))
        return []
    return [(each.id, f"{words.plain(each.name)} ({each.status})") for each in found]


class CreateView(horizon_forms.ModalFormView):
    """Make a private image."""

    form_class = CreateForm
    template_name = "ims/dialog.html"
    page_title = modal_header = gettext_lazy("Create Private Image")
    submit_label = gettext_lazy("Create")
    submit_url = reverse_lazy("horizon:project:ims:create")
    success_url = reverse_lazy("horizon:project:ims:index")

    def get_context_data(self, **kwargs: Any) -> Any:
        """For the page."""
        context = super().get_context_data(**kwargs)
        context["explanation"] = _(
            "A system disk image is made of the server's system disk, a whole-machine image of all its disks. A "
            "server that runs stands still for about a second. Leave the server and its disks alone until the job "
            "has ended."
        )
        return context
