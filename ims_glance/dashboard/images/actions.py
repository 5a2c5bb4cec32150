# SPDX-License-Identifier: Apache-2.0
"""What can be done to images in a list."""

from typing import Any
from urllib.parse import urlencode

from django import shortcuts
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext_lazy
from horizon import messages, tables
from openstack_dashboard.api import base, cinder
from openstack_dashboard.dashboards.project.images.images import tables as horizons

from ims_glance.client.resources.image import Image
from ims_glance.dashboard import connection
from ims_glance.dashboard.images import batch

# At once: what the service takes.
_MOST_SHARED = 128


class LaunchServer(horizons.LaunchImageNG):
    """Horizon's own dialog, with the image chosen."""

    name = "launch"
    verbose_name = _("Launch Server")
    # Where it leads to afterwards: Horizon's own list of images may have been taken away.
    url = "horizon:project:ims:index"

    def allowed(self, request: Any, image: Image | None = None) -> bool:
        """Of what starts a server."""
        usable = image is None or (image.status == "active" and image.kind not in ("data", "iso"))
        return usable and base.is_service_enabled(request, "compute")


class CreateVolume(tables.LinkAction):
    """Horizon's own dialog, with the image chosen."""

    name = "volume"
    verbose_name = _("Create Volume")
    url = "horizon:project:volumes:create"
    classes = ("ajax-modal",)
    icon = "camera"
    policy_rules = (("volume", "volume:create"),)

    def get_link_url(self, image: Image) -> str:
        """The dialog's address."""
        return f"{reverse(self.url)}?{urlencode({'image_id': image.id})}"

    def allowed(self, request: Any, image: Image | None = None) -> bool:
        """Of what is one disk."""
        usable = image is None or (image.status == "active" and image.kind in ("data", "system"))
        return usable and cinder.is_volume_service_enabled(request)


class DeleteChosen(tables.DeleteAction):
    """Delete them, each by itself."""

    policy_rules = (("image", "delete_image"),)
    help_text = _("A deleted image cannot be restored. Servers that were made of it go on.")

    @staticmethod
    def action_present(count: int) -> Any:
        """What it is called before."""
        return ngettext_lazy("Delete Image", "Delete Images", count)

    @staticmethod
    def action_past(count: int) -> Any:
        """What it is called afterwards."""
        return ngettext_lazy("Deleted Image", "Deleted Images", count)

    def handle(self, table: Any, request: Any, image_ids: list[str]) -> Any:
        """Delete those that are chosen."""
        return batch.each(self, table, request, image_ids, connection.ims(request).delete_image)


class _AnswerShares(tables.BatchAction):
    """Answer what others share, all of it as one job."""

    policy_rules = (("ims", "ims:batch_update_members"),)
    answer = ""

    def handle(self, table: Any, request: Any, image_ids: list[str]) -> Any:
        """Answer those that are chosen."""
        return batch.together(
            self,
            table,
            request,
            image_ids,
            lambda ids: connection.ims(request).answer_shares(ids, self.answer),
        )


class AcceptShares(_AnswerShares):
    """Have them in the list."""

    name = "accept"
    icon = "check"
    answer = "accepted"
    help_text = _("The images are in your list then.")

    @staticmethod
    def action_present(count: int) -> Any:
        """What it is called before."""
        return ngettext_lazy("Accept Image", "Accept Images", count)

    @staticmethod
    def action_past(count: int) -> Any:
        """What it is called afterwards."""
        return ngettext_lazy("Accepting Image", "Accepting Images", count)


class RejectShares(_AnswerShares):
    """Have them in the list no more."""

    name = "reject"
    icon = "times"
    action_type = "danger"
    answer = "rejected"
    help_text = _("The images leave your list. You can still be given them again.")

    @staticmethod
    def action_present(count: int) -> Any:
        """What it is called before."""
        return ngettext_lazy("Reject Image", "Reject Images", count)

    @staticmethod
    def action_past(count: int) -> Any:
        """What it is called afterwards."""
        return ngettext_lazy("Rejecting Image", "Rejecting Images", count)


class _OpenDialog(tables.LinkAction):
    """A dialog about one image; whether it may be done is the service's to say."""

    classes = ("ajax-modal",)

    def allowed(self, request: Any, image: Image | None = None) -> bool:
        """Of what is made."""
        return image is None or image.status == "active"


class Modify(_OpenDialog):
    """Change it."""

    name = "modify"
    verbose_name = _("Modify")
    url = "horizon:project:ims:modify"
    icon = "pencil"
    policy_rules = (("ims", "ims:update_image"),)


class ShareWith(_OpenDialog):
    """Have others use it."""

    name = "share"
    verbose_name = _("Share")
    url = "horizon:project:ims:share"
    icon = "share-alt"
    policy_rules = (("ims", "ims:batch_add_members"),)


class ShareChosen(tables.Action):
    """Have others use those that are chosen."""

    name = "share_many"
    # Without a plural Horizon makes one, by another "s".
    verbose_name = verbose_name_plural = _("Share Images")
    icon = "share-alt"
    policy_rules = (("ims", "ims:batch_add_members"),)

    def handle(self, table: Any, request: Any, image_ids: list[str]) -> Any:
        """To the dialog about them."""
        query = urlencode({"image": image_ids}, doseq=True)
        if len(image_ids) > _MOST_SHARED:
            # An address with more is too long besides.
            messages.error(request, _("At most %s images can be shared at once.") % _MOST_SHARED)
            return shortcuts.redirect(request.get_full_path())
        return shortcuts.redirect(f"{reverse('horizon:project:ims:share_many')}?{query}")


class CopyHere(_OpenDialog):
    """Copy it within the region."""

    name = "copy"
    verbose_name = _("Copy")
    url = "horizon:project:ims:copy"
    icon = "copy"
    policy_rules = (("ims", "ims:copy_image_in_region"),)


class CopyToRegion(_OpenDialog):
    """Copy it to another region, if there is one."""

    name = "replicate"
    verbose_name = _("Copy to Another Region")
    url = "horizon:project:ims:replicate"
    icon = "globe"
    policy_rules = (("ims", "ims:copy_image_cross_region"),)

    def allowed(self, request: Any, image: Image | None = None) -> bool:
        """Where there is another region."""
        regions = request.user.available_services_regions
        return len(regions) > 1 and super().allowed(request, image)


class Export(_OpenDialog):
    """Write it into a bucket."""

    name = "export"
    verbose_name = _("Export")
    url = "horizon:project:ims:export"
    icon = "upload"
    policy_rules = (("ims", "ims:export_image"),)


class CreatePrivateImage(tables.LinkAction):
    """Step by step."""

    name = "create"
    verbose_name = _("Create Private Image")
    url = "horizon:project:ims:create"
    icon = "plus"
    policy_rules = (("ims", "ims:create_image"),)
