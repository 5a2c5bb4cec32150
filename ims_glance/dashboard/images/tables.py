# SPDX-License-Identifier: Apache-2.0
"""The tables of images, one a tab: actions of a table are bound to it."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from horizon import tables

from ims_glance.client.resources.image import Image
from ims_glance.dashboard import connection, rows, words
from ims_glance.dashboard.images import actions


class ImageRow(rows.KeptRow):
    """An image; it is asked for again until it is made."""

    shown = (
        "name", "status", "os_type", "os_version", "virtual_env_type", "whole_image", "min_disk", "cmk_id",
        "created_at", "owner", "image_type",
    )  # fmt: skip

    def fetch(self, request: Any, image_id: str) -> Image:
        """As it is now."""
        image: Image = connection.ims(request).get_image(image_id)
        return image

    def as_it_was(self, image_id: str, shown: Mapping[str, Any], why: str) -> Image:
        """As its row had it."""
        return Image.existing(connection=None, id=image_id, **{"status": "saving", **shown})


class ImagesTable(tables.DataTable):
    """The deck's columns."""

    name = tables.WrappingColumn(
        words.name,
        verbose_name=_("Name"),
        link=lambda image: reverse("horizon:project:ims:image", args=[image.id]),
    )
    status = tables.Column(
        lambda image: image.status,
        verbose_name=_("Status"),
        status=True,
        display_choices=tuple(words.STATUSES.items()),
        status_choices=(
            ("active", True),
            ("killed", False),
            ("deleted", False),
            ("deactivated", True),
        ),
    )
    os_type = tables.Column(
        lambda image: words.OS_TYPES.get(image.os_type, image.os_type), verbose_name=_("OS Type")
    )
    os = tables.Column(lambda image: image.os_version, verbose_name=_("OS"))
    kind = tables.Column(words.kind, verbose_name=_("Image Type"))
    disk = tables.Column(words.disk, verbose_name=_("Disk (GB)"))
    encrypted = tables.Column(words.encrypted, verbose_name=_("Encrypted"))
    created = tables.Column(lambda image: words.time(image.created_at), verbose_name=_("Created"))

    def get_object_display(self, image: Image) -> str:
        """What it is called in messages."""
        return words.name(image)

    # What the address of another page of the list keeps; the view says it.
    kept = ""

    def get_pagination_string(self) -> str:
        """The next page, of what is filtered."""
        return self._page(self._meta.pagination_param, self.get_marker())

    def get_prev_pagination_string(self) -> str:
        """The page before."""
        return self._page(self._meta.prev_pagination_param, self.get_prev_marker())

    def _page(self, parameter: str, marker: str) -> str:
        return "&".join(filter(None, (self.kept, urlencode({parameter: marker}))))


class ImagesOptions:
    """What all tables of images have."""

    row_class = ImageRow
    status_columns = ("status",)
    hidden_title = True


class PrivateImages(ImagesTable):
    """What the project has made."""

    class Meta(ImagesOptions):
        name = "private"
        verbose_name = _("Private Images")
        table_actions = (actions.CreatePrivateImage, actions.ShareChosen, actions.DeleteChosen)
        row_actions = (
            actions.LaunchServer,
            actions.CreateVolume,
            actions.Modify,
            actions.ShareWith,
            actions.CopyHere,
            actions.CopyToRegion,
            actions.Export,
            actions.DeleteChosen,
        )


class PublicImages(ImagesTable):
    """What the operator offers to all."""

    class Meta(ImagesOptions):
        name = "public"
        verbose_name = _("Public Images")
        row_actions = (actions.LaunchServer, actions.CreateVolume, actions.CopyHere)


class SharedImages(ImagesTable):
    """What others share, and the project has accepted."""

    class Meta(ImagesOptions):
        name = "shared"
        verbose_name = _("Images Shared with Me")
        table_actions = (actions.RejectShares,)
        row_actions = (
            actions.LaunchServer,
            actions.CreateVolume,
            actions.CopyHere,
            actions.RejectShares,
        )


class OfferedImages(ImagesTable):
    """What others share, and the project has not answered."""

    class Meta(ImagesOptions):
        name = "offered"
        verbose_name = _("Waiting for your answer")
        hidden_title = False
        footer = False
        table_actions = (actions.AcceptShares, actions.RejectShares)
        row_actions = (actions.AcceptShares, actions.RejectShares)


class BoughtImages(ImagesTable):
    """What the project has of the marketplace."""

    class Meta(ImagesOptions):
        name = "market"
        verbose_name = _("Market Images")
        row_actions = (actions.LaunchServer, actions.CreateVolume, actions.CopyHere)
