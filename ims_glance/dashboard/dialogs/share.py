# SPDX-License-Identifier: Apache-2.0
"""Have other projects use an image, or no longer."""

import re
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from ims_glance.client.proxy import Proxy
from ims_glance.dashboard.dialogs import base

_BETWEEN = re.compile(r"[\s,;]+")


class ShareForm(base.DialogForm):
    """Who gets it."""

    projects = forms.CharField(
        label=gettext_lazy("Project IDs"),
        widget=forms.Textarea(attrs={"rows": 4}),
        help_text=gettext_lazy("One or several, on lines of their own."),
    )
    action = forms.ChoiceField(
        label=gettext_lazy("Action"),
        choices=[("share", gettext_lazy("Share")), ("stop", gettext_lazy("Stop sharing"))],
    )

    def act(self, ims: Proxy, data: dict[str, Any]) -> str:
        """Begin; it is one job for all of them."""
        projects = [each for each in _BETWEEN.split(data["projects"]) if each]
        if data["action"] == "stop":
            ims.unshare_images([self.image], projects)
            return str(_("The image is being taken back."))
        ims.share_images([self.image], projects)
        return str(_("The image is being shared. The others see it once they have accepted it."))


class ShareView(base.DialogView):
    """Share an image."""

    form_class = ShareForm
    address = "share"
    page_title = modal_header = gettext_lazy("Share Image")
    submit_label = gettext_lazy("OK")
    explanation = gettext_lazy(
        "A project that an image is shared with can start servers of it and copy it. All of it is done, or "
        "nothing."
    )
