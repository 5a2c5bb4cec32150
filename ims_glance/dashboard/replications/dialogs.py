# SPDX-License-Identifier: Apache-2.0
"""Create a replication, or change one."""

from typing import Any

from django import forms
from django.urls import reverse, reverse_lazy
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from horizon import forms as horizon_forms

from ims_glance.client.proxy import Proxy
from ims_glance.client.resources.replication import Replication
from ims_glance.dashboard import connection, refusals
from ims_glance.dashboard.dialogs import base
from ims_glance.dashboard.replications import terms

_LIST = reverse_lazy("horizon:project:ims:replications")


class _KeepingForm(base.AskingForm):
    name = forms.CharField(label=gettext_lazy("Name"), max_length=128)
    keep = forms.IntegerField(
        label=gettext_lazy("Copies Kept"),
        required=False,
        min_value=1,
        help_text=gettext_lazy(
            "All, if it is empty; else copies of older images are deleted there."
        ),
    )


class BeginReplicationForm(_KeepingForm):
    """Which images, and where to."""

    tag = forms.CharField(
        label=gettext_lazy("Tag of the images"),
        required=False,
        widget=forms.TextInput(attrs={"placeholder": gettext_lazy("key=value")}),
    )
    image_name = forms.CharField(
        label=gettext_lazy("Name of the images"),
        required=False,
        max_length=128,
        help_text=gettext_lazy("A pattern, such as web-*; * stands for all."),
    )
    region = forms.ChoiceField(label=gettext_lazy("Target Region"))
    project_name = forms.CharField(
        label=gettext_lazy("Target Project"),
        required=False,
        help_text=gettext_lazy("Name or ID; the project that you work in, if it is empty."),
    )
    agency_name = forms.CharField(
        label=gettext_lazy("IAM Agency"),
        required=False,
        help_text=gettext_lazy("An application credential of yours in that project."),
    )
    cmk_id = forms.CharField(
        label=gettext_lazy("Key There"),
        required=False,
        help_text=gettext_lazy(
            "ID of a key of the target region, for encrypted images; the project's own, if it is empty."
        ),
    )
    existing = forms.BooleanField(
        label=gettext_lazy("Also images that are there already"), required=False
    )
    field_order = (
        "name", "tag", "image_name", "region", "project_name", "agency_name", "cmk_id", "keep",
        "existing",
    )  # fmt: skip

    def __init__(self, request: Any, *args: Any, **kwargs: Any) -> None:
        super().__init__(request, *args, **kwargs)
        here = request.user.services_region
        others = [each for each in request.user.available_services_regions if each != here]
        self.fields["region"].choices = [(each, each) for each in others]

    def act(self, ims: Proxy, data: dict[str, Any]) -> str:
        """Begin."""
        names = ("tag", "image_name", "project_name", "agency_name", "cmk_id", "keep", "existing")
        wishes = {each: data[each] for each in names if data.get(each)}
        ims.create_replication(data["name"], data["region"], **wishes)
        return str(_("Replication %s was created.") % data["name"])


class BeginReplicationView(horizon_forms.ModalFormView):
    """Create a replication."""

    form_class = BeginReplicationForm
    template_name = "ims/dialog.html"
    page_title = modal_header = gettext_lazy("Create Replication")
    submit_label = gettext_lazy("Create")
    submit_url = reverse_lazy("horizon:project:ims:create_replication")
    success_url = _LIST

    def get_context_data(self, **kwargs: Any) -> Any:
        """For the page."""
        context = super().get_context_data(**kwargs)
        context["explanation"] = _(
            "Images that have the tag, whose name fits the pattern, or to which both apply, are copied to the other "
            "region as they become active. You delegate to the service what it needs for that: to read here, and to "
            "make images there."
        )
        return context


class ChangeReplicationForm(_KeepingForm):
    """What can be changed of one."""

    def __init__(self, request: Any, *args: Any, replication: Replication, **kwargs: Any) -> None:
        self.replication = replication
        super().__init__(request, *args, **kwargs)
        self.fields["name"].initial = replication.name
        self.fields["keep"].initial = replication.keep

    def act(self, ims: Proxy, data: dict[str, Any]) -> str:
        """Send what was changed, and nothing else."""
        known = {"name": self.replication.name, "keep": self.replication.keep}
        changed = {each: data[each] for each in known if data[each] != known[each]}
        if changed:
            ims.update_replication(self.replication, **changed)
        return str(_("Replication %s was changed.") % data["name"])


class ChangeReplicationView(horizon_forms.ModalFormView):
    """Change a replication."""

    form_class = ChangeReplicationForm
    template_name = "ims/dialog.html"
    page_title = modal_header = gettext_lazy("Modify Replication")
    submit_label = gettext_lazy("Modify")
    success_url = _LIST

    def dispatch(self, request: Any, *args: Any, **kwargs: Any) -> Any:
        """Any method: there must be such a replication.

        :raises Http404: if there is none in the project
        :raises Http302: to the list, if the service does not show it now
        """
        with refusals.needed(request):
            found = connection.ims(request).get_replication(str(kwargs["replication_id"]))
        self.replication = found
        return super().dispatch(request, *args, **kwargs)

    def get_form_kwargs(self) -> Any:
        """For the form."""
        return super().get_form_kwargs() | {"replication": self.replication}

    def get_context_data(self, **kwargs: Any) -> Any:
        """For the page."""
        self.submit_url = reverse(
            "horizon:project:ims:change_replication", args=[self.replication.id]
        )
        context = super().get_context_data(**kwargs)
        context["facts"] = terms.facts(self.replication)[4:7]
        return context
