# SPDX-License-Identifier: Apache-2.0
"""What the dialogs have in common."""

from typing import Any

from django import http
from django.urls import reverse, reverse_lazy
from django.utils.translation import gettext as _
from horizon import forms, messages

from ims_glance.client.proxy import Proxy
from ims_glance.client.resources.image import Image
from ims_glance.dashboard import connection, refusals, words

_MAX_NAME = 128
MAX_DESCRIPTION = 1024


class AskingForm(forms.SelfHandlingForm):
    """A form that does what it says when it is sent; what the service refuses stands above its fields."""

    def handle(self, request: Any, data: dict[str, Any]) -> bool:
        """Do it.

        :return: whether it was done; if not, what was typed stays
        """
        try:
            said = self.act(connection.ims(request), data)
        except refusals.FAILURES as error:
            self.api_error(refusals.sentence(error))
            return False
        messages.success(request, said)
        return True

    def act(self, ims: Proxy, data: dict[str, Any]) -> str:
        """Ask the service.

        :return: what the user is told then
        """
        raise NotImplementedError


class DialogForm(AskingForm):
    """One about an image."""

    def __init__(self, request: Any, *args: Any, image: Image, **kwargs: Any) -> None:
        self.image = image
        super().__init__(request, *args, **kwargs)


class DialogView(forms.ModalFormView):
    """A dialog about one image; a page of its own where there is no JavaScript."""

    template_name = "ims/dialog.html"
    success_url = reverse_lazy("horizon:project:ims:index")
    address = ""
    explanation: Any = ""

    def dispatch(self, request: http.HttpRequest, *args: Any, **kwargs: Any) -> Any:
        """Any method: there must be such an image.

        :raises Http404: if there is none for the user
        :raises Http302: to the list, if the service does not show it now
        """
        with refusals.needed(request):
            self.image = connection.ims(request).get_image(str(kwargs["image_id"]))
        return super().dispatch(request, *args, **kwargs)

    def get_form_kwargs(self) -> Any:
        """For the form."""
        return super().get_form_kwargs() | {"image": self.image}

    def get_context_data(self, **kwargs: Any) -> Any:
        """For the page."""
        self.submit_url = reverse(f"horizon:project:ims:{self.address}", args=[self.image.id])
        context = super().get_context_data(**kwargs)
        context["explanation"] = self.explanation
        context["facts"] = [
            (_("Name"), words.name(self.image)),
            (_("Image Type"), words.kind(self.image)),
            (_("OS"), self.image.os_version or words.NOTHING),
            (_("Disk (GB)"), words.disk(self.image)),
            (_("Encrypted"), words.encrypted(self.image)),
        ]
        return context


def copy_name(image: Image, region: str = "") -> str:
    """What a copy is called, unless the user says otherwise."""
    parts = filter(None, ("copy", region, image.name))
    return "_".join(parts)[:_MAX_NAME].rstrip()
