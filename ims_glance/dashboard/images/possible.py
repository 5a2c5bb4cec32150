# SPDX-License-Identifier: Apache-2.0
"""What can be done to an image from its page, and why the rest cannot: the service says it, and nobody here."""

import dataclasses
from collections.abc import Sequence
from typing import Any

from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from openstack_dashboard import policy

from ims_glance.client.resources.image import Image
from ims_glance.dashboard import connection, refusals, words


@dataclasses.dataclass(frozen=True)
class Possible:
    """Something that can be done, or not.

    :ivar title: of its button
    :ivar address: of its dialog
    :ivar reason: why it cannot be done; empty if it can
    """

    name: str
    title: Any
    address: str
    reason: str = ""


# The service's name of an action, the button, the dialog, and the rule of the policy.
_DIALOGS: Sequence[tuple[str, Any, str, tuple[str, str]]] = (
    ("update", _("Modify"), "modify", ("ims", "ims:update_image")),
    ("share", _("Share"), "share", ("ims", "ims:batch_add_members")),
    ("copy", _("Copy"), "copy", ("ims", "ims:copy_image_in_region")),
    (
        "copy_cross_region",
        _("Copy to Another Region"),
        "replicate",
        ("ims", "ims:copy_image_cross_region"),
    ),
    ("export", _("Export"), "export", ("ims", "ims:export_image")),
    ("check", _("Check"), "check", ("ims", "ims:check_image")),
    ("tag", _("Edit Tags"), "tags", ("ims", "ims:batch_add_or_delete_tags")),
    ("delete", _("Delete"), "delete", ("image", "delete_image")),
)


def forbidden(request: Any, image: Image) -> dict[str, str]:
    """Why which actions cannot be done, by the names of the service; nothing, if it does not say."""
    with refusals.ignored():
        return {
            each["name"]: f"{words.plain(each['reason'])} ({each['error_code']})"
            for each in connection.ims(request).image_actions(image)
            if not each["allowed"]
        }
    return {}


def of(request: Any, image: Image) -> list[Possible]:
    """What the user may do by the policy, with what the rules say of it."""
    reasons = forbidden(request, image)
    regions = request.user.available_services_regions
    return [
        Possible(
            name,
            title,
            reverse(f"horizon:project:ims:{dialog}", args=[image.id]),
            reasons.get(name, ""),
        )
        for name, title, dialog, rule in _DIALOGS
        if policy.check((rule,), request) and (name != "copy_cross_region" or len(regions) > 1)
    ]
