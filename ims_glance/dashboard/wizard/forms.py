# SPDX-License-Identifier: Apache-2.0
"""What is typed on the way to an image."""

from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from ims_glance.client.proxy import Proxy
from ims_glance.client.resources.job import Job
from ims_glance.client.resources.os_version import OSVersion
from ims_glance.dashboard.dialogs import base
from ims_glance.dashboard.dialogs.tags import TagsField
from ims_glance.dashboard.wizard import picking, ways
from ims_glance.dashboard.wizard.chosen import Chosen

_DEFAULT_KEY = "ims/default"
_MAX_NAME = 128
_SMALLEST = 40
# What the names of manifests of whole machines end with.
_MANIFEST = ".json"
_ALL = ("", gettext_lazy("All"))
_STATES = {
    ways.SERVER: ("ACTIVE", "SHUTOFF", "PAUSED", "SUSPENDED", "ERROR"),
    ways.VOLUME: ("available", "in-use"),
    ways.BACKUP: ("available",),
}


class SearchForm(forms.Form):
    """Above the sources to choose from."""

    name = forms.CharField(label=gettext_lazy("Name"), required=False, max_length=255)
    state = forms.ChoiceField(label=gettext_lazy("State"), required=False)

    def __init__(self, source: str, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        states = [(each, picking.STATES[each]) for each in _STATES[source]]
        field = self.fields["state"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = [_ALL, *states]
        for each in self.fields.values():
            each.widget.attrs["class"] = "form-control"

    @property
    def given(self) -> dict[str, str]:
        """What is filled in, and understood."""
        self.is_valid()
        found: dict[str, Any] = getattr(self, "cleaned_data", {})
        return {name: str(value) for name, value in found.items() if value}


class FileForm(forms.Form):
    """Which file."""

    bucket = forms.CharField(label=gettext_lazy("Bucket"), max_length=255)
    file = forms.CharField(
        label=gettext_lazy("File"),
        max_length=1024,
        help_text=gettext_lazy(
            "Its name in the bucket: a raw, qcow2, VHD or VMDK disk, or an OVA."
        ),
    )


class SettingsForm(forms.Form):
    """What the image is to be like; the fields of its way, and those that all have."""

    disks = forms.MultipleChoiceField(
        label=gettext_lazy("Data Disks"),
        widget=forms.CheckboxSelectMultiple,
        help_text=gettext_lazy("Each becomes an image of its own."),
    )
    name = forms.CharField(label=gettext_lazy("Name"), max_length=_MAX_NAME)
    os_version = forms.ChoiceField(
        label=gettext_lazy("OS"),
        required=False,
        help_text=gettext_lazy("What is not chosen is looked for in the file."),
    )
    os_type = forms.ChoiceField(
        label=gettext_lazy("OS Type"), choices=[("Linux", "Linux"), ("Windows", "Windows")]
    )
    min_disk = forms.IntegerField(
        label=gettext_lazy("Disk (GB)"),
        min_value=1,
        initial=_SMALLEST,
        help_text=gettext_lazy("At least what the disk in the file has."),
    )
    encrypt = forms.BooleanField(label=gettext_lazy("KMS Encryption"), required=False)
    key = forms.CharField(
        label=gettext_lazy("Key"),
        required=False,
        initial=_DEFAULT_KEY,
        help_text=gettext_lazy("ID of a key; ims/default is the project's own."),
    )
    prepare = forms.BooleanField(
        label=gettext_lazy("Prepare the system for servers of this cloud"),
        required=False,
        help_text=gettext_lazy(
            "Network addresses are then given by the cloud, and what names this one server is taken out. The source "
            "stays as it is."
        ),
    )
    no_pause = forms.BooleanField(
        label=gettext_lazy("Let the server run on"),
        required=False,
        help_text=gettext_lazy("Its disks are then not of one moment."),
    )
    with_backup = forms.BooleanField(
        label=gettext_lazy("Keep a backup of the server with the image"), required=False
    )
    enterprise_project = forms.CharField(
        label=gettext_lazy("Enterprise Project"),
        required=False,
        max_length=36,
        help_text=gettext_lazy("Its ID; the default one, if it is empty."),
    )
    tags = TagsField()
    description = forms.CharField(
        label=gettext_lazy("Description"), required=False, max_length=base.MAX_DESCRIPTION
    )

    def __init__(
        self, way: ways.Way, source: Chosen, systems: list[OSVersion], *args: Any, **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        self._way, self._source = way, source
        for name in [*self.fields]:
            if name in _OF_WAYS and name not in way.fields:
                del self.fields[name]
        self.fields["name"].initial = source.name
        if "os_version" in self.fields:
            self._offer_systems(systems)
        if "disks" in self.fields:
            self._offer_disks()
        if way.kind != "data" and source.query.get("file", "").lower().endswith(_MANIFEST):
            self._leave_size_to_manifest()
        for name, field in self.fields.items():
            if field.help_text:
                field.widget.attrs["aria-describedby"] = f"id_{name}_help"

    def _leave_size_to_manifest(self) -> None:
        """The manifest of a machine says how large its system disk is."""
        field = self.fields["min_disk"]
        field.required, field.initial = False, None
        field.help_text = _("What the manifest says, if it is empty.")

    def _offer_systems(self, systems: list[OSVersion]) -> None:
        field = self.fields["os_version"]
        assert isinstance(field, forms.ChoiceField)
        of_platform: dict[str, list[tuple[str, str]]] = {}
        for each in systems:
            of_platform.setdefault(each.platform, []).append((each.os_version, each.os_version))
        is_needed = self._way.source == ways.VOLUME
        field.required = is_needed
        field.help_text = "" if is_needed else field.help_text
        nothing = _("Choose one") if is_needed else _("Look for it")
        field.choices = [("", nothing), *of_platform.items()]

    def _offer_disks(self) -> None:
        field = self.fields["disks"]
        assert isinstance(field, forms.MultipleChoiceField)
        disks = self._source.data_disks
        field.choices = [(disk.id, disk.title) for disk in disks]
        field.initial = [disk.id for disk in disks] if len(disks) == 1 else []

    @property
    def key_name(self) -> str | None:
        """The key that the image is to be encrypted with, if it is."""
        data = self.cleaned_data
        return (data["key"] or _DEFAULT_KEY) if data.get("encrypt") else None

    @property
    def chosen_disks(self) -> list[str]:
        """Of the data disks, the ids of those that images are to be made of."""
        return list(self.cleaned_data.get("disks") or ())

    def begin(self, ims: Proxy) -> Job:
        """Ask the service for what is filled in, and found valid."""
        way, data = self._way, self.cleaned_data
        given = {**self._wishes(), **self._of_source()}
        if way.kind == "whole" and way.source != ways.FILE:
            return ims.create_whole_image(data["name"], tags=data["tags"], **given)
        if way.kind == "data" and way.source == ways.FILE:
            return ims.create_data_image(data["name"], tags=data["tags"], **given)
        return ims.create_image(data["name"], tags=data["tags"], **given)

    def _wishes(self) -> dict[str, Any]:
        data = self.cleaned_data
        wishes = {
            "cmk_id": self.key_name,
            "description": data["description"],
            "enterprise_project_id": data["enterprise_project"],
            "os_version": data.get("os_version"),
            "os_type": data.get("os_type"),
            "min_disk": data.get("min_disk"),
            "is_config": data.get("prepare"),
            "no_pause": data.get("no_pause"),
            "with_backup": data.get("with_backup"),
        }
        return {name: value for name, value in wishes.items() if value}

    def _of_source(self) -> dict[str, Any]:
        query, name = self._source.query, self.cleaned_data["name"]
        if self._way.source == ways.FILE:
            return {"image_url": f"{query['bucket']}:{query['file']}"}
        if self._way.kind == "data":
            return {"data_images": _data_images(name, self.chosen_disks)}
        return {_FIELDS[self._way.source]: query[self._way.source]}


def _data_images(name: str, volumes: list[str]) -> list[dict[str, str]]:
    """An image for each volume; the second and further ones have a number in their name."""
    found = []
    for number, volume in enumerate(volumes, 1):
        suffix = f"-{number}" if number > 1 else ""
        found.append({"name": name[: _MAX_NAME - len(suffix)] + suffix, "volume_id": volume})
    return found


_FIELDS = {ways.SERVER: "instance_id", ways.VOLUME: "volume_id", ways.BACKUP: "backup_id"}
_OF_WAYS = {field for way in ways.WAYS for field in way.fields}
