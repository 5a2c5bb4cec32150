# SPDX-License-Identifier: Apache-2.0
"""The images of the marketplace, as its API works with them."""

import logging
from typing import Any

from glance import context as glance_context
from oslo_config import cfg

from ims_glance import exceptions
from ims_glance.api.common.acceptance import Acceptance
from ims_glance.api.common.image import Images, SubrequestRefused
from ims_glance.api.common.market import SourceImage
from ims_glance.api.common.roles import SERVICE_ROLE
from ims_glance.clouds.identity import market_project
from ims_glance.conf import ims_service
from ims_glance.db.database import Database
from ims_glance.db.market.members import ProductMembers
from ims_glance.model import copy, job
from ims_glance.model.image import rules, whole_image
from ims_glance.model.market import image, membership
from ims_glance.model.market.product import ProductVersion

LOG = logging.getLogger(__name__)

# What one request sees to at most; workers do the rest.
_AT_ONCE = 20
_DONE = (404, 409)


class CinderKeyInside(exceptions.Conflict):
    """Nobody but the owner of the volume that it was made of can read the image."""

    code = "IMG.0105"
    template = (
        "Image {image_id} cannot be sold: it was made of an encrypted volume, and is encrypted with Cinder's "
        "key. Make a volume of it that is not, and an image of that."
    )


class KernelApart(exceptions.Conflict):
    """Servers boot a kernel or a RAM disk of other images, which buyers do not have, and nobody reviews."""

    code = "IMG.0105"
    template = (
        "Image {image_id} cannot be sold: it boots other images ({names}). Make one that has its kernel and its boot "
        "loader inside and boots by itself, without these properties, and sell that."
    )


class MarketImages:
    """See :class:`ims_glance.api.common.market.MarketImageDoor`.

    :param images: the Image API behind the guard
    """

    def __init__(self, conf: cfg.ConfigOpts, images: Images, jobs: Acceptance) -> None:
        self._conf = conf
        self._images = images
        self._jobs = jobs
        database = Database(conf)
        self._members = ProductMembers(database)

    def check_source(self, context: Any, image_id: str) -> SourceImage:
        """See whether an image may be sold.

        :raises NoMarketProject: if nothing can be
        :raises ImageNotFound: if the caller sees no such image
        :raises Refused, NotTheirs, CinderKeyInside, KernelApart: why it may not
        """
        market_project(self._conf)
        try:
            view = self._images.call(context, "GET", f"/v2/images/{image_id}")
        except SubrequestRefused as refused:
            if refused.response.status_int in {400, 404}:
                raise exceptions.ImageNotFound(image_id=image_id[:64]) from None
            raise
        rules.check(rules.Action.PUBLISH, rules.Facts.of(view), str(context.project_id))
        disks = [self._disk(context, view, each) for each in whole_image.components(view)]
        for each in (view, *disks):
            if copy.CINDER_KEY in each:
                raise CinderKeyInside(image_id=each["id"])
            if names := [name for name in image.BOOT_IMAGES if each.get(name)]:
                raise KernelApart(image_id=each["id"], names=", ".join(names))
        facts = {
            "os_type": view.get("__os_type"),
            "os_version": view.get("__os_version"),
            "platform": view.get("__platform"),
            "architecture": view.get("architecture"),
            "size": sum(int(each.get("size") or 0) for each in disks or [view]),
        }
        if disks:
            facts["disks"] = len(disks)
        return SourceImage(str(view["id"]), image.digest(view, disks) or None, facts)

    def _disk(
        self, context: Any, view: dict[str, Any], component: whole_image.Component
    ) -> dict[str, Any]:
        """A disk of a whole machine, which may be sold with it.

        :raises DiskMissing, Refused: if it may not
        """
        shown = self._images.get(context, f"/v2/images/{component.image_id}")
        if shown is None or shown.view["status"] != "active":
            raise whole_image.DiskMissing(
                number=component.disk.number, image_id=view["id"], disk_id=component.image_id
            )
        if rules.Facts.of(shown.view).product:
            raise rules.refusal(rules.Action.PUBLISH, rules.Trait.SOLD, str(view["id"]))
        return shown.view

    def copy(self, context: Any, version: ProductVersion) -> str:
        """Have the service's copy made, with the caller's rights to read the image; the id of the job.

        Those in other regions are made of it, as the service itself
        (:mod:`ims_glance.jobs.market.regions`).

        :raises ImsError: why there is no such job
        """
        arguments = {
            "image_id": version.source_image_id,
            "version_id": version.id,
            "disks": version.source.get("disks") or 0,
        }
        return self._jobs.accept(context, job.PUBLISH_IMAGE, arguments)

    def scan(self, context: Any, image_id: str) -> str:
        """Have a seller's image scanned, with their rights to read it; the id of the job.

        :raises ImsError: why there is no such job
        """
        return self._jobs.accept(context, job.SCAN_IMAGE, {"image_id": image_id})

    def settle(self, project_id: str | None = None, product_id: str | None = None) -> None:
        """Make memberships follow at once; what cannot be done now, workers do."""
        here = ims_service.region_name(self._conf)
        for member in self._members.to_do(_AT_ONCE, project_id, product_id, here):
            try:
                membership.follow(member, self._members, self)
            except (SubrequestRefused, exceptions.ImsError) as error:
                LOG.warning(
                    "A worker sees to %s of project %s: %s", member.image_id, project_id, error
                )

    # --- memberships ---------------------------------------------------------------------------

    def add(self, image_id: str, project_id: str) -> None:
        """Let a project have an image; the guard accepts it for the project."""
        self._send("POST", f"/v2/images/{image_id}/members", {"member": project_id})

    def remove(self, image_id: str, project_id: str) -> None:
        """Take it away."""
        self._send("DELETE", f"/v2/images/{image_id}/members/{project_id}")

    def _send(self, method: str, path: str, body: Any = None) -> None:
        try:
            self._images.call(_as_service_itself(self._conf), method, path, body)
        except SubrequestRefused as refused:
            if refused.response.status_int not in _DONE or (
                body is not None and refused.response.status_int == 404
            ):
                raise


def _as_service_itself(conf: cfg.ConfigOpts) -> Any:
    """Who acts for nobody: the service, as the guard knows it, with an administrator's rights."""
    context = glance_context.get_admin_context()
    context.project_id = market_project(conf)
    context.roles = ["admin", "member", "reader"]
    context.service_roles = [SERVICE_ROLE]
    return context
