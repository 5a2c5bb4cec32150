# SPDX-License-Identifier: Apache-2.0
"""Have an image looked into, of which nothing is changed."""

from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from ims_glance.client.proxy import Proxy
from ims_glance.dashboard.dialogs import base


class CheckForm(base.DialogForm):
    """Whether it is meant."""

    def act(self, ims: Proxy, data: dict[str, Any]) -> str:
        """Begin."""
        ims.check_image(self.image)
        return str(_("The image is being checked. Its page shows the report afterwards."))


class CheckView(base.DialogView):
    """Check an image."""

    form_class = CheckForm
    address = "check"
    page_title = modal_header = gettext_lazy("Check Image")
    submit_label = gettext_lazy("Check")
    explanation = gettext_lazy(
        "The service looks which system is in the image and what that lacks for servers of this cloud. Nothing is "
        "changed."
    )
