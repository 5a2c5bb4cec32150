# SPDX-License-Identifier: Apache-2.0
"""A file of the user's computer goes into a bucket; from there on it is a file in a bucket."""

from typing import Any
from urllib.parse import urlencode

from django import http, shortcuts
from django.urls import reverse
from django.utils.decorators import method_decorator
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt, csrf_protect
from horizon import exceptions as horizon_exceptions
from horizon import messages

from ims_glance.client.upload import MANIFEST, UploadRefused
from ims_glance.dashboard import refusals, uploads, words
from ims_glance.dashboard.wizard import multipart, views, ways

_ENDED = 401
_GIB = 1 << 30


# Django would check the form, for which it reads all of it, before anything here is asked: so that is
# done here, when what reads it is chosen.
@method_decorator(csrf_exempt, name="dispatch")
class UploadView(views.WizardStep):
    """Which file."""

    number = 1
    template_name = "ims/wizard_upload.html"

    def dispatch(self, request: http.HttpRequest, *args: Any, **kwargs: Any) -> Any:
        """Any method: there must be somewhere to put files.

        :raises Http404: if nothing is made of a file
        """
        found = ways.find(str(kwargs["kind"]), ways.UPLOAD)
        if found is None:
            raise http.Http404
        self.way = found
        if not found.is_there(request):
            messages.error(
                request, _("Files cannot be uploaded here: this region has no place for them.")
            )
            return shortcuts.redirect("horizon:project:ims:create")
        request.upload_handlers = [multipart.UntilFile(request)]
        return csrf_protect(super().dispatch)(request, *args, **kwargs)

    def get(self, request: http.HttpRequest, *args: Any, **kwargs: Any) -> Any:
        """The form; and what other files are not needed any more."""
        uploads.sweep(request)
        return super().get(request, *args, **kwargs)

    def post(self, request: http.HttpRequest, *args: Any, **kwargs: Any) -> Any:
        """A file arrives: it goes on as it comes."""
        file: Any = request.FILES.get("file")
        refused = _refused(file)
        if not refused:
            try:
                found = uploads.receive(request, file)
            except uploads.Empty:
                refused = _("The file is empty.")
            except multipart.BrokenOff:
                refused = _("The connection broke before all of the file was here.")
            except UploadRefused as error:
                refused = _said(error)
            except refusals.FAILURES as error:
                refused = refusals.sentence(error)
            else:
                messages.success(request, _("The file is in bucket %s.") % found["bucket"])
                address = views.address("wizard_source", self.way.kind, ways.FILE)
                return shortcuts.redirect(f"{address}?{urlencode(found)}")
        return self.render_to_response(self.get_context_data(refused=refused, **kwargs))

    def get_context_data(self, **kwargs: Any) -> Any:
        """For the page."""
        context = super().get_context_data(**kwargs)
        return context | {
            "way": self.way,
            "start": reverse("horizon:project:ims:create"),
            "most": uploads.most_bytes(),
            "most_gib": uploads.most_bytes() // _GIB,
            "days": uploads.DAYS,
            "refused": kwargs.get("refused", ""),
        }


def _refused(file: Any) -> str:
    """Why a file is not taken, as far as that is known before it comes; empty, if it is."""
    if file is None:
        return str(_("Choose a file."))
    if file.name.lower().endswith(MANIFEST):
        return str(
            _(
                "A manifest names other files, which are needed as well. Put all of them into a bucket, and choose the "
                "manifest there."
            )
        )
    if file.at_most > uploads.most_bytes():
        most = words.size(uploads.most_bytes())
        return str(_("The file is too large: %s are the most.") % most)
    return ""


def _said(error: UploadRefused) -> str:
    """What the object storage says.

    :raises NotAuthenticated: if the login has ended
    """
    if error.status == _ENDED:
        raise horizon_exceptions.NotAuthenticated from error
    return str(_("The object storage does not take the file. (%s)") % error.status)
