# SPDX-License-Identifier: Apache-2.0
"""All that the service knows of one image."""

from typing import Any

from django.utils.translation import gettext as _
from horizon import views

from ims_glance.client.resources.image import Image
from ims_glance.dashboard import connection, refusals, report, words
from ims_glance.dashboard.images import lineage, possible

_PRODUCT = "__productcode"


def facts(image: Image) -> list[tuple[Any, Any]]:
    """What stands on the page, line by line."""
    return [
        (_("Name"), words.name(image)),
        (_("ID"), image.id),
        (_("Status"), words.status(image)),
        (_("Publish Status"), published(image)),
        (_("Scope"), words.TYPES.get(image.type_for_me, image.type_for_me)),
        (_("Image Type"), words.kind(image)),
        (_("OS Type"), words.OS_TYPES.get(image.os_type, image.os_type)),
        (_("OS"), image.os_version or words.NOTHING),
        (_("Disk (GB)"), words.disk(image)),
        (_("Size"), words.size(image.bytes)),
        (_("Min. Memory (MB)"), image.min_ram or _("No limit")),
        (_("Max. Memory (MB)"), image.max_ram if _is_limit(image.max_ram) else _("No limit")),
        (_("Encrypted"), words.encrypted(image)),
        (_("Key"), image.cmk_id or words.NOTHING),
        (_("NIC Multi-Queue"), _multiqueue(image)),
        (_("Protected"), _("Yes") if image.is_protected else _("No")),
        (_("Enterprise Project"), image.enterprise_project_id or words.NOTHING),
        (_("Project"), image.owner),
        (_("Created"), words.time(image.created_at)),
        (_("Description"), words.plain(image.description) or words.NOTHING),
    ]


def published(image: Image) -> Any:
    """Whether it is in the marketplace, or holds what was bought there."""
    if image.type_for_me == "market":
        return _("Published")
    if (image.properties or {}).get(_PRODUCT):
        return _("Holds a product of the marketplace")
    return _("Not published")


def _is_limit(number: Any) -> bool:
    return str(number or "0") != "0"


def _multiqueue(image: Image) -> Any:
    is_on = str(image.hw_vif_multiqueue_enabled).lower() == "true"
    return _("Supported") if is_on else _("Not supported")


def disks(image: Image) -> list[dict[str, Any]]:
    """Those of a whole machine, in its order."""
    return [
        {
            "is_system": str(each.get("boot_index")) == "0",
            "size": each.get("volume_size") or words.NOTHING,
            "type": each.get("volume_type") or words.NOTHING,
            "id": each.get("image_id") or words.NOTHING,
        }
        for each in (image.mapping if image.kind == "whole" else ())
    ]


class DetailsView(views.HorizonTemplateView):
    """The page of an image."""

    template_name = "ims/details.html"
    page_title = "{{ name }}"

    def get_context_data(self, **kwargs: Any) -> Any:
        """For the page.

        :raises Http404: if there is no such image for the user
        :raises Http302: to the list, if the service does not show it now
        """
        context = super().get_context_data(**kwargs)
        image = self._image()
        what = possible.of(self.request, image)
        is_own = image.owner == self.request.user.project_id
        context |= {
            "image": image,
            "name": words.name(image),
            "facts": [*facts(image), (_("Source"), lineage.origin(self.request, image))],
            "possible": what,
            "has_forbidden": any(each.reason for each in what),
            "disks": disks(image),
            "tags": sorted(map(words.plain, image.tags or ())),
            "is_own": is_own,
            "events": self._events(image),
            "list": refusals.home(),
        }
        return context | (self._of_owner(image) if is_own else {})

    def _image(self) -> Image:
        with refusals.needed(self.request):
            found: Image = connection.ims(self.request).get_image(str(self.kwargs["image_id"]))
        return found

    def _of_owner(self, image: Image) -> dict[str, Any]:
        """What the owner sees besides."""
        found: dict[str, Any] = {"members": [], "check": None}
        ims = connection.ims(self.request)
        with refusals.shown(self.request):
            found["members"] = [
                {
                    "project": member.member_id,
                    "status": words.MEMBER_STATUSES.get(member.status, member.status),
                    "since": words.time(member.created_at),
                }
                for member in ims.members(image)
            ]
        with refusals.ignored():
            kept = ims.get_image_report(image)
            found |= {"check": report.of(kept["report"]), "made_at": words.time(kept["made_at"])}
        if len(self.request.user.available_services_regions) > 1:
            found["asks_regions"] = True
            if "regions" in self.request.GET:
                found["copies"] = lineage.copies(self.request, image)
        return found

    def _events(self, image: Image) -> list[dict[str, Any]]:
        """What the project has done to it, the newest first."""
        with refusals.ignored():
            return [
                {
                    "time": words.time(each["time"]),
                    "what": words.EVENTS.get(each["name"], each["name"]),
                    "who": words.plain(each.get("user_name")) or each.get("user_id"),
                    "outcome": words.OUTCOMES.get(each["outcome"], each["outcome"]),
                    "code": each.get("error_code") or "",
                }
                for each in connection.ims(self.request).image_history(image)
            ]
        return []
