# SPDX-License-Identifier: Apache-2.0
"""All that was handed in of a version, and what was decided before."""

from typing import Any

from django import http
from horizon import views

from ims_glance.client.resources.market import SubmittedVersion
from ims_glance.dashboard import connection, pages, refusals, words
from ims_glance.dashboard.market import files, scans, terms
from ims_glance.dashboard.reviews.listing import place
from ims_glance.dashboard.selling.details import certificates


def read(request: Any, version_id: str, **how: Any) -> SubmittedVersion:
    """A version.

    :raises NotAuthorized: if the user does not review
    :raises Http404: if there is none, or the service does not show it now
    """
    pages.required(request, "show_review")
    try:
        found: SubmittedVersion = connection.ims(request).get_submitted_version(version_id, **how)
    except refusals.FAILURES as error:
        raise http.Http404(refusals.sentence(error)) from error
    return found


class ReviewView(views.HorizonTemplateView):
    """The page of a version."""

    template_name = "ims/review.html"
    page_title = "{{ name }}"

    def get_context_data(self, **kwargs: Any) -> Any:
        """For the page.

        :raises Http404: if there is none, or the service does not show it now
        """
        context = super().get_context_data(**kwargs)
        request = self.request
        found = read(request, str(self.kwargs["version_id"]))
        document = found.document or {}
        basic = document.get("basic") or {}
        version = {**(document.get("version") or {}), **(found.source or {})}
        waits = found.state == "in review"
        return context | {
            "name": f"{words.plain(found.product_name)} {words.plain(found.version)}",
            "state": terms.VERSION_STATES.get(found.state, found.state),
            "seller": found.seller_project_id,
            "since": words.time(found.submitted_at),
            "product": terms.shown(version, basic, document.get("business")),
            "logo": place(request, "review_logo", found.id),
            "image": found.source_image_id,
            "copies": terms.copies(found.copies),
            "scan": scans.shown(found.scan),
            "note": terms.lines(found.note),
            "certificates": [
                {**each, "address": place(request, "certificate", found.id, each["number"])}
                for each in certificates(basic)
            ],
            "reviews": terms.reviews(found.reviews),
            "history": terms.history(found.history),
            "approve": place(request, "approve", found.id)
            if waits and pages.may(request, "approve_version")
            else None,
            "reject": place(request, "reject", found.id)
            if waits and pages.may(request, "reject_version")
            else None,
            "list": place(request, "reviews"),
        }


def logo(request: http.HttpRequest, version_id: str) -> http.HttpResponse:
    """Its logo.

    :raises Http404: if it has none
    """
    basic = (read(request, version_id, files=True).document or {}).get("basic") or {}
    return files.logo(basic.get("logo"))


def certificate(request: http.HttpRequest, version_id: str, number: int) -> http.HttpResponse:
    """One of its certificates, to be saved.

    :param number: from 1
    :raises Http404: if it has not so many
    """
    basic = (read(request, version_id, files=True).document or {}).get("basic") or {}
    known = basic.get("certificates") or ()
    if not 1 <= number <= len(known):
        raise http.Http404
    return files.certificate(known[number - 1], number)
