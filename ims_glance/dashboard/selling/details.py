# SPDX-License-Identifier: Apache-2.0
"""A product as its seller sees it: the draft, what it lacks, versions, states, what reviewers said."""

from typing import Any

from django import http, shortcuts
from django.urls import reverse
from django.utils.translation import gettext as _
from horizon import messages, views

from ims_glance.client.resources.market import SellersProduct
from ims_glance.dashboard import connection, pages, refusals, words
from ims_glance.dashboard.market import files, scans, terms
from ims_glance.dashboard.selling import steps

_LIST = "horizon:project:ims_market:selling"
# Where an action would be refused at once, there is no button for it.
_SUBMITTED_FROM = ("draft", "rejected", "listed", "restricted")
_ON_SALE = ("listed", "restricted")


def lacking(product: SellersProduct) -> list[dict[str, Any]]:
    """What it lacks, step by step."""
    found = []
    for step, title in steps.STEPS:
        wanted = [each for each in product.missing or () if each.get("step") == step]
        address = reverse(f"horizon:project:ims_market:{step}", args=[product.id])
        found.append(
            {
                "title": title,
                "address": address,
                "missing": [terms.missing(each) for each in wanted],
            }
        )
    return found


def versions(product: SellersProduct) -> list[dict[str, Any]]:
    """Those that were handed in, the newest first."""
    return [
        {
            "name": words.plain(each.get("name")),
            "state": terms.VERSION_STATES.get(str(each.get("state")), each.get("state")),
            "why": words.plain(each.get("reason")),
            "code": each.get("error_code"),
            "notes": terms.lines(each.get("release_notes")),
            "since": words.time(each.get("changed_at") or each.get("created_at")),
            "job": reverse("horizon:project:ims:job", args=[each["job_id"]])
            if each.get("job_id")
            else None,
            "copies": terms.copies(each.get("copies")),
        }
        for each in sorted(
            product.versions or (), key=lambda each: str(each.get("created_at")), reverse=True
        )
    ]


def scan(product: SellersProduct) -> dict[str, Any] | None:
    """That of the newest version that was looked into."""
    newest = sorted(product.versions or (), key=lambda each: str(each.get("created_at")))
    found = [each["scan"] for each in newest if each.get("scan")]
    return scans.shown(found[-1]) if found else None


def certificates(basic: Any) -> list[dict[str, Any]]:
    """Those that were handed in; their names are somebody's own."""
    return [
        {
            "number": number,
            "name": words.plain(each.get("name")),
            "kind": terms.CERTIFICATES.get(
                str(each.get("kind")), each.get("kind") or words.NOTHING
            ),
            "size": words.size(each.get("size")),
        }
        for number, each in enumerate((basic or {}).get("certificates") or (), 1)
    ]


class OwnProductView(views.HorizonTemplateView):
    """The page of a product; it is submitted from here."""

    template_name = "ims/own_product.html"
    page_title = "{{ name }}"

    def get_context_data(self, **kwargs: Any) -> Any:
        """For the page.

        :raises Http404: if the project has none of that id
        :raises Http302: to the list, if the service does not show it now
        """
        pages.required(self.request, "show_own_product")
        context = super().get_context_data(**kwargs)
        with refusals.needed(self.request, _LIST):
            found = connection.ims(self.request).get_own_product(str(self.kwargs["product_id"]))
        return context | self._about(found) | self._actions(found)

    def _about(self, found: SellersProduct) -> dict[str, Any]:
        return {
            "name": words.plain(found.name) or found.id,
            "state": terms.STATES.get(found.state, found.state),
            "code": found.product_code,
            "withdrawn_from": _("Those who have it lose it at %s.")
            % terms.moment(found.withdrawn_from)
            if found.withdrawn_from
            else None,
            "is_pending": bool(found.submission_id),
            "steps": lacking(found),
            "is_complete": not found.missing,
            "product": terms.shown(found.version, found.basic, found.business),
            "image": (found.version or {}).get("image_id"),
            "note": terms.lines(found.note),
            "certificates": certificates(found.basic),
            "logo": reverse("horizon:project:ims_market:own_logo", args=[found.id]),
            "versions": versions(found),
            "scan": scan(found),
            "reviews": terms.reviews(found.reviews),
            "history": terms.history(found.history),
            "list": reverse(_LIST),
        }

    def _actions(self, found: SellersProduct) -> dict[str, Any]:
        """What may be done, by roles and by state."""
        is_pending = bool(found.submission_id)
        wanted = {
            "submit": found.state in _SUBMITTED_FROM and not is_pending,
            "version": found.state in _ON_SALE and not is_pending,
            "restrict": found.state == "listed",
            "withdraw": is_pending or found.state in _ON_SALE,
        }
        rules = {
            "submit": "submit_product",
            "version": "add_product_version",
            "restrict": "restrict_product",
            "withdraw": "withdraw_product",
        }
        may = {name: wanted[name] and pages.may(self.request, rules[name]) for name in wanted}
        addresses = {
            name: reverse(f"horizon:project:ims_market:{name}", args=[found.id])
            for name in wanted
            if name != "submit"
        }
        return {"may": may, "addresses": addresses, "here": self.request.path}

    def post(self, request: Any, *args: Any, **kwargs: Any) -> Any:
        """Submit it, or only ask what would be refused."""
        product_id, only_asks = str(kwargs["product_id"]), "check" in request.POST
        with refusals.shown(request):
            found = connection.ims(request).submit_product(product_id, validate_only=only_asks)
            for each in found.problems or ():
                messages.warning(request, f"{each.get('message')} ({each.get('code')})")
            if only_asks and not found.problems:
                messages.success(request, _("It can be submitted."))
            if found.scan_job_id:
                # A job, which says in its reason what would be refused.
                messages.info(request, _("Its image is scanned: see Jobs."))
            if not only_asks:
                messages.success(
                    request, _("It was submitted. Its image is copied now, and reviewed then.")
                )
        return shortcuts.redirect(request.path)


def logo(request: http.HttpRequest, product_id: str) -> http.HttpResponse:
    """The logo of a draft.

    :raises Http404: if it has none, or is not the project's
    """
    pages.required(request, "show_own_product")
    try:
        product = connection.ims(request).get_own_product(product_id, files=True)
    except refusals.FAILURES as error:
        raise http.Http404(refusals.sentence(error)) from error
    response = files.logo((product.basic or {}).get("logo"))
    # A draft changes while one looks at it.
    response["Cache-Control"] = "no-store"
    return response
