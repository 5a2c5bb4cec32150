# SPDX-License-Identifier: Apache-2.0
"""The steps: what, of what, how, and what will happen."""

from typing import Any
from urllib.parse import urlencode

from django import http, shortcuts
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from horizon import messages, views
from openstack_dashboard.api import base

from ims_glance.client.resources.os_version import OSVersion
from ims_glance.dashboard import connection, refusals, report, uploads, words
from ims_glance.dashboard.wizard import chosen, outlook, picking, ways
from ims_glance.dashboard.wizard.forms import FileForm, SearchForm, SettingsForm

_STEPS = (
    gettext_lazy("Image Type"),
    gettext_lazy("Source"),
    gettext_lazy("Settings"),
    gettext_lazy("Confirm"),
)
# Of a POST: which of its buttons was pressed.
_BACK, _CONFIRMED = "back", "confirmed"


class WizardStep(views.HorizonTemplateView):
    """What the steps have in common.

    :cvar number: of the step, from 0
    """

    page_title = gettext_lazy("Create Private Image")
    number = 0
    way: ways.Way

    def get_context_data(self, **kwargs: Any) -> Any:
        """For the page."""
        context = super().get_context_data(**kwargs)
        number = kwargs.get("number", self.number)
        context["steps"] = [
            {"title": title, "is_done": each < number, "is_now": each == number}
            for each, title in enumerate(_STEPS)
        ]
        context["home"] = refusals.home()
        return context


class KindView(WizardStep):
    """What is to be made, and of what: one choice leads on."""

    template_name = "ims/wizard_kind.html"

    def get_context_data(self, **kwargs: Any) -> Any:
        """For the page."""
        there = [way for way in ways.WAYS if way.is_there(self.request)]
        context = super().get_context_data(**kwargs)
        context["kinds"] = [
            {
                "title": words.KINDS[kind],
                "explanation": explanation,
                "ways": [
                    {
                        "title": ways.SOURCES[way.source],
                        "label": way.title,
                        "address": _address("wizard_source", way),
                    }
                    for way in there
                    if way.kind == kind
                ],
            }
            for kind, explanation in ways.KINDS.items()
        ]
        return context


class _OneWay(WizardStep):
    """A step of one way."""

    def dispatch(self, request: http.HttpRequest, *args: Any, **kwargs: Any) -> Any:
        """Any method: there must be such a way.

        :raises Http404: if there is none
        """
        found = ways.find(str(kwargs["kind"]), str(kwargs["source"]))
        if found is None:
            raise http.Http404
        self.way = found
        return super().dispatch(request, *args, **kwargs)

    def get_context_data(self, **kwargs: Any) -> Any:
        """For the page."""
        context = super().get_context_data(**kwargs)
        context["way"] = self.way
        context["start"] = reverse("horizon:project:ims:create")
        return context


class SourceView(_OneWay):
    """Of what: a list to choose from, or a file to name."""

    number = 1

    def get_template_names(self) -> list[str]:
        """By the source."""
        is_file = self.way.source == ways.FILE
        return ["ims/wizard_file.html" if is_file else "ims/wizard_pick.html"]

    def get_context_data(self, **kwargs: Any) -> Any:
        """For the page."""
        context = super().get_context_data(**kwargs)
        return context | (self._file(kwargs) if self.way.source == ways.FILE else self._list())

    def post(self, request: http.HttpRequest, *args: Any, **kwargs: Any) -> Any:
        """A file is named: look into it, or go on."""
        if self.way.source != ways.FILE:
            return http.HttpResponseNotAllowed(["GET"])
        form = FileForm(request.POST)
        if not form.is_valid():
            return self.render_to_response(self.get_context_data(form=form, **kwargs))
        named = dict(form.cleaned_data)
        if "look" not in request.POST:
            # A check of a file that is not named any more is not shown.
            checked = {"check": request.POST["check"]} if request.POST.get("check") else {}
            query = urlencode({**named, **checked})
            return shortcuts.redirect(f"{_address('wizard_settings', self.way)}?{query}")
        try:
            job = connection.ims(request).check_file(f"{named['bucket']}:{named['file']}")
        except refusals.FAILURES as error:
            form.add_error(None, refusals.sentence(error))
            return self.render_to_response(self.get_context_data(form=form, **kwargs))
        query = urlencode({**named, "check": job.id})
        return shortcuts.redirect(f"{_address('wizard_source', self.way)}?{query}")

    def _file(self, kwargs: dict[str, Any]) -> dict[str, Any]:
        given = self.request.GET
        named = {name: given.get(name, "") for name in ("bucket", "file")}
        found: dict[str, Any] = {"form": kwargs.get("form") or FileForm(initial=named)}
        if base.is_service_enabled(self.request, "object-store"):
            # Horizon's own, where files are uploaded with a bar.
            found["buckets"] = reverse("horizon:project:containers:index")
        if given.get("check"):
            found["check_id"] = given["check"]
            found["check"] = report.of_job(self.request, given["check"], chosen.file_url(named))
        return found

    def _list(self) -> dict[str, Any]:
        form = SearchForm(self.way.source, self.request.GET)
        marker = self.request.GET.get("marker", "")
        page = picking.PAGES[self.way.source](
            self.request, picking.Sought(**form.given, marker=marker)
        )
        address = _address("wizard_settings", self.way)
        following = urlencode({**form.given, "marker": page.following}) if page.following else ""
        return {
            "search": form,
            "address": _address("wizard_source", self.way),
            "first": f"?{urlencode(form.given)}" if marker else "",
            "following": f"?{following}" if following else "",
            "source": ways.SOURCES[self.way.source],
            "rows": [
                {"choice": row, "address": f"{address}?{urlencode({self.way.source: row.id})}"}
                for row in page.rows
            ],
        }


class SettingsView(_OneWay):
    """How; then what will happen; then it is done."""

    number = 2
    template_name = "ims/wizard_settings.html"

    def get(self, request: http.HttpRequest, *args: Any, **kwargs: Any) -> Any:
        """What is to be filled in."""
        source = chosen.of(request, self.way)
        return self._ask(source, SettingsForm(self.way, source, self._systems()))

    def post(self, request: http.HttpRequest, *args: Any, **kwargs: Any) -> Any:
        """What was filled in: is it right, was it meant, does the service take it."""
        source = chosen.of(request, self.way)
        form = SettingsForm(self.way, source, self._systems(), request.POST)
        if not form.is_valid() or _BACK in request.POST:
            return self._ask(source, form)
        if _CONFIRMED not in request.POST:
            return self._foresee(source, form)
        try:
            job = form.begin(connection.ims(request))
        except refusals.FAILURES as error:
            form.add_error(None, refusals.sentence(error))
            return self._foresee(source, form)
        uploads.keep_for(request, source.query, job)
        messages.success(request, _("Image %s is being created.") % form.cleaned_data["name"])
        return shortcuts.redirect(refusals.home())

    def _systems(self) -> list[OSVersion]:
        """Operating systems to choose from, where one is asked for."""
        with refusals.shown(self.request):
            return (
                connection.ims(self.request).os_versions()
                if "os_version" in self.way.fields
                else []
            )
        return []

    def _ask(self, source: chosen.Chosen, form: SettingsForm) -> Any:
        return self._shown(source, form)

    def _foresee(self, source: chosen.Chosen, form: SettingsForm) -> Any:
        """The last step: the same fields, hidden, and what they come to."""
        self.template_name = "ims/wizard_confirm.html"
        found = outlook.of(self.request, self.way, source, form)
        check = source.query.get("check")
        return self._shown(
            source,
            form,
            number=3,
            outlook=found,
            check=report.of_job(self.request, check, chosen.file_url(source.query))
            if check
            else None,
            summary=_summary(form),
            sent=[(name, value) for name in form.fields for value in form.data.getlist(name)],
        )

    def _shown(self, source: chosen.Chosen, form: SettingsForm, **more: Any) -> Any:
        context = self.get_context_data(
            source=source,
            form=form,
            address=f"{_address('wizard_settings', self.way)}?{source.address}",
            before=f"{_address('wizard_source', self.way)}?{source.address}",
            **{"number": self.number, **more},
        )
        return self.render_to_response(context)


def address(name: str, kind: str, source: str) -> str:
    """Where a step is."""
    return str(reverse(f"horizon:project:ims:{name}", args=[kind, source]))


def _address(name: str, way: ways.Way) -> str:
    return address(name, way.kind, way.source)


def _summary(form: SettingsForm) -> list[tuple[Any, Any]]:
    """What was filled in, as it is read."""
    lines = []
    for name, field in form.fields.items():
        value = form.cleaned_data.get(name)
        if name == "key":
            value = form.key_name
        elif value is True:
            value = _("Yes")
        elif isinstance(value, list):
            known = dict(getattr(field, "choices", ()))
            value = ", ".join(str(known.get(each, each)) for each in value)
        if value and name != "encrypt":
            lines.append((field.label, words.plain(str(value))))
    return lines
