# SPDX-License-Identifier: Apache-2.0
"""The forms of a product's three steps: access, basic information, business information."""

from collections.abc import Callable, Mapping
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from ims_glance.client.proxy import Proxy
from ims_glance.client.resources.image import TYPES
from ims_glance.client.resources.market import SellersProduct
from ims_glance.dashboard import connection, refusals, words
from ims_glance.dashboard.dialogs import base
from ims_glance.dashboard.market import terms
from ims_glance.dashboard.selling import draft

# Nobody finds one among more.
_MOST_IMAGES = 500
_NONE = ("", gettext_lazy("Not chosen yet"))
_NOT_HERE = gettext_lazy(
    "It has what cannot be typed in this field: change it by the command line."
)


class ManyFiles(forms.ClearableFileInput):
    """A field for several files."""

    allow_multiple_selected = True


class FilesField(forms.FileField):
    """Several files, or none."""

    widget = ManyFiles

    def clean(self, data: Any, initial: Any = None) -> list[Any]:
        """Each of them."""
        return [super(FilesField, self).clean(each, initial) for each in data or () if each]


class LinesField(forms.CharField):
    """A text of several lines, which a browser sends with line ends of its own."""

    def to_python(self, value: Any) -> str:
        """With those that the product's text has: its digest is what buyers agree to."""
        return draft.one_end(super().to_python(value) or "")


class StepForm(base.AskingForm):
    """One step; what the product has of it stands in the fields, and stays as it is if that is not changed."""

    def __init__(
        self, request: Any, *args: Any, product: SellersProduct | None, **kwargs: Any
    ) -> None:
        self.product = product
        super().__init__(request, *args, **kwargs)
        self._shown = self.known(product)
        for name, value in self._shown.items():
            self.fields[name].initial = value

    def clean(self) -> dict[str, Any]:
        """What was typed; a text that was left alone, to the last blank and line end."""
        data: dict[str, Any] = super().clean() or self.cleaned_data
        for name, value in data.items():
            if isinstance(value, str) and self._is_as_shown(name):
                data[name] = self._shown[name]
        return data

    def _is_as_shown(self, name: str) -> bool:
        """Whether a field came back with the text that it had."""
        shown, field = self._shown.get(name), self.fields[name]
        typed = shown if field.disabled else self.data.get(self.add_prefix(name))
        return isinstance(shown, str) and draft.is_same(shown, typed or "")

    def known(self, product: SellersProduct | None) -> dict[str, Any]:
        """What stands in the fields at first."""
        raise NotImplementedError

    def draft(self, data: dict[str, Any]) -> dict[str, Any]:
        """What is sent."""
        raise NotImplementedError

    def act(self, ims: Proxy, data: dict[str, Any]) -> str:
        """Keep it."""
        given = self.draft(data)
        if self.product is None:
            self.product = ims.create_product(given)
        else:
            self.product = ims.update_product(self.product, given)
        return str(_("It is kept."))

    def _typed(self, name: str, read: Callable[[str], Any], stored: Any) -> Any:
        """A list that was typed; what the product has if it is as it was shown."""
        if self._is_as_shown(name):
            return stored
        try:
            return read(self.cleaned_data[name])
        except ValueError as error:
            said = _("This line is not understood: %s") % error
            raise forms.ValidationError(said) from error


def _area(rows: int, **attributes: Any) -> forms.Textarea:
    return forms.Textarea(attrs={"rows": rows, **attributes})


class AccessForm(StepForm):
    """What it is, and of which image."""

    access_type = forms.ChoiceField(
        label=gettext_lazy("Access Type"),
        choices=[("image", gettext_lazy("Image"))],
        help_text=gettext_lazy("Nothing else is sold here yet."),
    )
    name = forms.CharField(
        label=gettext_lazy("Product Name"),
        max_length=64,
        help_text=gettext_lazy("Without a price, a version or a telephone number."),
    )
    version = forms.CharField(
        label=gettext_lazy("Version"),
        required=False,
        max_length=32,
        widget=forms.TextInput(attrs={"placeholder": "V1.0"}),
    )
    image = forms.ChoiceField(
        label=gettext_lazy("Image"),
        required=False,
        help_text=gettext_lazy(
            "A private one of yours. It is copied when you submit; yours may change or go then."
        ),
    )
    release_notes = LinesField(
        label=gettext_lazy("Release Notes"), required=False, widget=_area(4), max_length=4096
    )
    note = LinesField(
        label=gettext_lazy("Note"),
        required=False,
        widget=_area(3),
        max_length=4096,
        help_text=gettext_lazy("For yourself and the reviewers; no buyer sees it."),
    )

    def known(self, product: SellersProduct | None) -> dict[str, Any]:
        """The first step."""
        version = (product and product.version) or {}
        chosen = version.get("image_id") or ""
        self.fields["image"].choices = images(self.request, chosen)
        return {
            "access_type": (product and product.access_type) or "image",
            "name": product and product.name,
            "version": version.get("name"),
            "image": chosen,
            "release_notes": version.get("release_notes"),
            "note": product and product.note,
        }

    def draft(self, data: dict[str, Any]) -> dict[str, Any]:
        """The first step."""
        return {
            "access_type": data["access_type"],
            "name": data["name"],
            "note": data["note"] or None,
            "version": {
                "name": data["version"] or None,
                "image_id": data["image"] or None,
                "release_notes": data["release_notes"] or None,
            },
        }


def images(request: Any, chosen: str = "") -> list[tuple[str, Any]]:
    """The private images that start a server, to choose one of; and the one that was chosen, whatever became of it."""
    found: list[tuple[str, Any]] = []
    with refusals.shown(request):
        query = {"image_type": TYPES["private"], "status": "active"}
        listed = connection.ims(request).images(max_items=_MOST_IMAGES, **query)
        found = [
            (each.id, f"{words.name(each)} ({each.os_version or words.NOTHING})")
            for each in listed
            if each.kind not in ("data", "iso")
        ]
    if chosen and chosen not in dict(found):
        found.append((chosen, chosen))
    return [_NONE, *found]


class BasicForm(StepForm):
    """What buyers read."""

    logo = forms.FileField(
        label=gettext_lazy("Logo"),
        required=False,
        widget=forms.FileInput(attrs={"accept": "image/png,image/jpeg,image/gif"}),
        help_text=gettext_lazy(
            "PNG, JPEG or GIF, 120 x 120 pixels. The one that is there stays if you choose none."
        ),
    )
    introduction = LinesField(
        label=gettext_lazy("Introduction"),
        required=False,
        widget=_area(2),
        max_length=300,
        help_text=gettext_lazy("A few lines, for lists."),
    )
    description = LinesField(
        label=gettext_lazy("Description"), required=False, widget=_area(8), max_length=20000
    )
    category = forms.ChoiceField(
        label=gettext_lazy("Category"), required=False, choices=[_NONE, *terms.CATEGORIES.items()]
    )
    guide = LinesField(
        label=gettext_lazy("Usage Guide"),
        required=False,
        widget=_area(8),
        max_length=20000,
        help_text=gettext_lazy("Written for this cloud: how one begins, what one sees."),
    )
    ports = forms.CharField(
        label=gettext_lazy("Ports"),
        required=False,
        widget=_area(3, placeholder="5432/tcp SQL"),
        help_text=gettext_lazy("Those that it opens, on lines of their own."),
    )
    opens_none = forms.BooleanField(label=gettext_lazy("It opens no port"), required=False)
    login_method = forms.ChoiceField(
        label=gettext_lazy("Login"), required=False, choices=[_NONE, *terms.LOGINS.items()]
    )
    login_user = forms.CharField(label=gettext_lazy("User"), required=False, max_length=64)
    support_scope = LinesField(
        label=gettext_lazy("Scope of Support"), required=False, widget=_area(3), max_length=4096
    )
    agreement = LinesField(
        label=gettext_lazy("Agreement"),
        required=False,
        widget=_area(10),
        max_length=60000,
        help_text=gettext_lazy("Buyers agree to it word by word."),
    )
    specifications = forms.CharField(
        label=gettext_lazy("Specifications"),
        required=False,
        widget=_area(3, placeholder=gettext_lazy("small | Small | for a few users | 1 an hour")),
        help_text=gettext_lazy(
            "SKU, name, description and price, on lines of their own; all but the SKU may be left out."
        ),
    )
    attributes = forms.CharField(
        label=gettext_lazy("Attributes"),
        required=False,
        widget=_area(3, placeholder=gettext_lazy("engine = quick")),
    )
    keywords = forms.CharField(
        label=gettext_lazy("Keywords"),
        required=False,
        help_text=gettext_lazy("With commas between them."),
    )
    kept_certificates = forms.MultipleChoiceField(
        label=gettext_lazy("Certificates That Are There"),
        required=False,
        widget=forms.CheckboxSelectMultiple(),
        help_text=gettext_lazy("Those without a tick are taken away."),
    )
    certificates = FilesField(
        label=gettext_lazy("New Certificates"),
        required=False,
        help_text=gettext_lazy(
            "PDF, ZIP or a document of an office program. Only reviewers see them."
        ),
    )
    certificate_kind = forms.ChoiceField(
        label=gettext_lazy("Kind of New Certificates"),
        required=False,
        choices=[*terms.CERTIFICATES.items()],
    )

    def known(self, product: SellersProduct | None) -> dict[str, Any]:
        """The second step."""
        basic = (product and product.basic) or {}
        guide = basic.get("usage_guide") or {}
        login = guide.get("login") or {}
        there = [(each["digest"], words.plain(each.get("name"))) for each in self._there()]
        self._lists = {
            "ports": guide.get("ports"),
            **{name: basic.get(name) for name in ("specifications", "attributes", "keywords")},
        }
        for name, stored in self._lists.items():
            if not draft.can_be_typed(name, stored):
                self.fields[name].disabled = True
                self.fields[name].help_text = _NOT_HERE
        self.fields["kept_certificates"].choices = there
        if not there:
            del self.fields["kept_certificates"]
        same = ("introduction", "description", "category", "support_scope", "agreement")
        return {
            **{name: basic.get(name) for name in same},
            "guide": guide.get("text"),
            **{name: draft.written(name, stored) for name, stored in self._lists.items()},
            "opens_none": guide.get("ports") == [],
            "login_method": login.get("method"),
            "login_user": login.get("user"),
            **({"kept_certificates": [digest for digest, _name in there]} if there else {}),
        }

    def _there(self) -> list[Mapping[str, Any]]:
        basic = (self.product and self.product.basic) or {}
        return list(basic.get("certificates") or ())

    def clean_logo(self) -> Any:
        """Not larger than the service takes it: it is read as a whole later.

        :raises ValidationError: if it is
        """
        file = self.cleaned_data["logo"]
        if file and file.size > draft.MAX_LOGO:
            raise forms.ValidationError(_("A logo has 128 KiB at most."))
        return file

    def clean_certificates(self) -> Any:
        """No more and not larger than the service takes them: they are read as a whole later.

        :raises ValidationError: if they are
        """
        files = self.cleaned_data["certificates"]
        count = len(self.cleaned_data.get("kept_certificates") or ()) + len(files)
        size = sum(file.size for file in files)
        if files and (count > draft.MOST_CERTIFICATES or size > draft.MAX_CERTIFICATES):
            raise forms.ValidationError(_("There can be 10 certificates, of 10 MiB together."))
        return files

    def clean_ports(self) -> Any:
        """Each line is a port."""
        return self._list("ports")

    def clean_specifications(self) -> Any:
        """Each line is one."""
        return self._list("specifications")

    def clean_attributes(self) -> Any:
        """Each line is one."""
        return self._list("attributes")

    def clean_keywords(self) -> Any:
        """With commas between them."""
        return self._list("keywords")

    def _list(self, name: str) -> Any:
        return self._typed(name, draft.LISTS[name].read, self._lists[name])

    def draft(self, data: dict[str, Any]) -> dict[str, Any]:
        """The second step. A logo that is not given anew stays."""
        ports = data["ports"] or ([] if data["opens_none"] else None)
        login = {"method": data["login_method"] or None, "user": data["login_user"] or None}
        login = {name: value for name, value in login.items() if value}
        guide = {"text": data["guide"] or None, "ports": ports, "login": login or None}
        guide = {name: value for name, value in guide.items() if value is not None}
        same = ("introduction", "description", "category", "support_scope", "agreement")
        found = {
            **{name: data[name] or None for name in same},
            "usage_guide": guide or None,
            "specifications": data["specifications"] or None,
            "attributes": data["attributes"] or None,
            "keywords": data["keywords"] or None,
            "certificates": self._certificates(data) or None,
        }
        if data["logo"]:
            found["logo"] = draft.upload(data["logo"])
        return {"basic": found}

    def _certificates(self, data: dict[str, Any]) -> list[dict[str, Any]]:
        chosen = data.get("kept_certificates") or ()
        there = [draft.kept(each) for each in self._there() if each["digest"] in chosen]
        kind = data["certificate_kind"]
        return [*there, *(draft.upload(each, kind) for each in data["certificates"])]


class BusinessForm(StepForm):
    """Where it is sold, and for what."""

    regions = forms.MultipleChoiceField(
        label=gettext_lazy("Regions"), required=False, widget=forms.CheckboxSelectMultiple()
    )
    price_model = forms.ChoiceField(
        label=gettext_lazy("How It Is Paid For"),
        required=False,
        choices=[_NONE, *terms.PRICES.items()],
    )
    price = forms.CharField(
        label=gettext_lazy("Price"),
        required=False,
        max_length=1024,
        help_text=gettext_lazy("As buyers read it; nothing is metered."),
    )
    support_terms = LinesField(
        label=gettext_lazy("Terms of Support"), required=False, widget=_area(4), max_length=4096
    )

    def known(self, product: SellersProduct | None) -> dict[str, Any]:
        """The third step."""
        business = (product and product.business) or {}
        pricing = business.get("pricing") or {}
        chosen = business.get("regions") or []
        regions = dict.fromkeys([*self.request.user.available_services_regions, *chosen])
        self.fields["regions"].choices = [(each, each) for each in regions]
        return {
            "regions": chosen,
            "price_model": pricing.get("model"),
            "price": pricing.get("text"),
            "support_terms": business.get("support_terms"),
        }

    def draft(self, data: dict[str, Any]) -> dict[str, Any]:
        """The third step."""
        pricing = {"model": data["price_model"] or None, "text": data["price"] or None}
        pricing = {name: value for name, value in pricing.items() if value}
        return {
            "business": {
                "regions": data["regions"] or None,
                "pricing": pricing or None,
                "support_terms": data["support_terms"] or None,
            }
        }
