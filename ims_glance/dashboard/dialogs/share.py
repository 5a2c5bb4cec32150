# SPDX-License-Identifier: Apache-2.0
"""Have other projects use images, or no longer."""

import re
from typing import Any

from django import forms, http
from django.urls import reverse, reverse_lazy
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from horizon import forms as horizon_forms

from ims_glance.client.proxy import Proxy
from ims_glance.client.resources.image import Image
from ims_glance.client.resources.quota import Quota
from ims_glance.dashboard import connection, refusals, words
from ims_glance.dashboard.dialogs import base

_BETWEEN = re.compile(r"[,;\r\n]+")
_ID = re.compile(r"[0-9a-f]{32}")
_EXPLANATION = gettext_lazy(
    "A project that an image is shared with can start servers of it and copy it. All of it is done, or "
    "nothing."
)


def named(text: str) -> list[str]:
    """The projects that are written in a text: ids with anything between them, names on lines of their own."""
    found: list[str] = []
    for part in _BETWEEN.split(text):
        words_of = part.split()
        is_ids = all(_ID.fullmatch(word) for word in words_of)
        found += words_of if is_ids else [part.strip()]
    return list(dict.fromkeys(found))


class _ShareForm(base.AskingForm):
    """Who gets them."""

    projects = forms.CharField(
        label=gettext_lazy("Projects"),
        widget=forms.Textarea(attrs={"rows": 4}),
        help_text=gettext_lazy("IDs or exact names, on lines of their own."),
    )
    action = forms.ChoiceField(
        label=gettext_lazy("Action"),
        choices=[("share", gettext_lazy("Share")), ("stop", gettext_lazy("Stop sharing"))],
    )
    images: list[Any]

    def act(self, ims: Proxy, data: dict[str, Any]) -> str:
        """Begin; it is one job for all of them."""
        receivers = (
            each if _ID.fullmatch(each) else ims.find_receiver(each)
            for each in named(data["projects"])
        )
        # Who is named by an id and by a name is one receiver.
        projects = list(dict.fromkeys(receivers))
        count = len(self.images)
        if data["action"] == "stop":
            ims.unshare_images(self.images, projects)
            said = ngettext(
                "The image is being taken back.", "The images are being taken back.", count
            )
            return str(said)
        ims.share_images(self.images, projects)
        said = ngettext(
            "The image is being shared. The others see it once they have accepted it.",
            "The images are being shared. The others see them once they have accepted them.",
            count,
        )
        return str(said)


class ShareForm(_ShareForm, base.DialogForm):
    """Who gets one."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.images = [self.image]


class ShareView(base.DialogView):
    """Share an image."""

    form_class = ShareForm
    address = "share"
    page_title = modal_header = gettext_lazy("Share Image")
    submit_label = gettext_lazy("OK")
    explanation = _EXPLANATION

    def get_context_data(self, **kwargs: Any) -> Any:
        """With how many more can get it."""
        context = super().get_context_data(**kwargs)
        with refusals.ignored():
            ims = connection.ims(self.request)
            quotas: list[Quota] = list(ims.quotas())
            limit = next((each.quota for each in quotas if each.type == "image_member"), None)
            if limit is not None:
                left = max(0, limit - sum(1 for _each in ims.members(self.image)))
                context["facts"].append((_("Can still be shared with"), left))
        return context


class ShareManyForm(_ShareForm):
    """Who gets several."""

    def __init__(self, request: Any, *args: Any, images: list[Image], **kwargs: Any) -> None:
        self.images = images
        super().__init__(request, *args, **kwargs)


class ShareManyView(horizon_forms.ModalFormView):
    """Share several images, which the address names."""

    form_class = ShareManyForm
    template_name = "ims/dialog.html"
    page_title = modal_header = gettext_lazy("Share Images")
    submit_label = gettext_lazy("OK")
    success_url = reverse_lazy("horizon:project:ims:index")

    def dispatch(self, request: http.HttpRequest, *args: Any, **kwargs: Any) -> Any:
        """Any method: there must be such images.

        :raises Http404: if one is not there for the user, or none is named
        :raises Http302: to the list, if the service does not show them now
        """
        ids = request.GET.getlist("image")
        if not ids:
            raise http.Http404
        with refusals.needed(request):
            found = connection.ims(request).images_of(ids)
        if found.keys() != set(ids):
            raise http.Http404
        self.images = list(found.values())
        self.submit_url = f"{reverse('horizon:project:ims:share_many')}?{request.GET.urlencode()}"
        return super().dispatch(request, *args, **kwargs)

    def get_form_kwargs(self) -> Any:
        """For the form."""
        return super().get_form_kwargs() | {"images": self.images}

    def get_context_data(self, **kwargs: Any) -> Any:
        """For the page."""
        context = super().get_context_data(**kwargs)
        context["explanation"] = _EXPLANATION
        context["facts"] = [(_("Image"), words.name(image)) for image in self.images]
        return context
