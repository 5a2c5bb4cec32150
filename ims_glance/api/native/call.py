# SPDX-License-Identifier: Apache-2.0
"""A request of the Image API as the rules of the guard see it."""

import contextlib
import dataclasses
from collections.abc import Callable
from typing import Any

import webob
from glance.common import wsgi
from oslo_config import cfg

from ims_glance.api.common.backup import Backups
from ims_glance.api.common.image import Images, ShownImage, SubrequestRefused
from ims_glance.api.common.image_keys import ImageKeys
from ims_glance.api.common.quota import ImageQuota
from ims_glance.api.common.roles import is_of_service, is_service
from ims_glance.clouds import coordination
from ims_glance.clouds.image import ImageRecords
from ims_glance.db.market.uses import ServerUses
from ims_glance.db.report import GuestReports
from ims_glance.model.image import rules as image_rules
from ims_glance.model.image import stores, whole_image


@dataclasses.dataclass(frozen=True)
class Limits:
    """How many of what there may be.

    :ivar conf: with ``[ims_api]``
    """

    conf: cfg.ConfigOpts
    quota: ImageQuota

    @property
    def tags(self) -> int:
        """Tags that an image may have."""
        return int(self.conf.ims_api.tags)

    @property
    def members(self) -> int:
        """Receivers that an image may have."""
        return int(self.conf.ims_api.members)

    @property
    def conventions(self) -> bool:
        """Whether what is but a convention of IMS holds for the Image API's clients."""
        return bool(self.conf.ims_api.native_conventions)


@dataclasses.dataclass(frozen=True)
class NativeCall:
    """A request at the door.

    :ivar context: the caller's ``glance.context.RequestContext``
    :ivar image_path: path of the image that it is about, if it is about one
    :ivar backups: ``None`` where there are none
    :ivar reports: of the systems in images; ``None`` where there are none
    :ivar servers: what they use of the marketplace; ``None`` where that is not recorded
    :ivar held: what is held (locks) until Glance has answered
    :ivar effects: what has to be done once Glance has answered
    :ivar locked: ids of the images whose locks are held
    :ivar records: what the Image API does not show
    """

    request: wsgi.Request
    context: Any
    image_path: str
    images: Images
    keys: ImageKeys
    stores: stores.Stores
    limits: Limits
    backups: Backups | None = None
    reports: GuestReports | None = None
    servers: ServerUses | None = None
    held: contextlib.ExitStack = dataclasses.field(default_factory=contextlib.ExitStack)
    effects: list[Callable[[webob.Response], None]] = dataclasses.field(default_factory=list)
    locked: set[str] = dataclasses.field(default_factory=set)
    records: ImageRecords = dataclasses.field(default_factory=ImageRecords)

    def image(self) -> ShownImage | None:
        """The image, if the caller can see it."""
        return self.images.get(self.context, self.image_path)

    def hold(self, image: ShownImage) -> None:
        """Hold the lock of an image until Glance has answered; once, if several rules want it."""
        if image.id in self.locked:
            return
        self.locked.add(image.id)
        self.held.enter_context(coordination.lock(self.limits.conf, "image", image.id))

    def check(self, action: image_rules.Action, image: ShownImage) -> None:
        """Ask the table of rules whether something may be done to an image.

        Our worker does what the IMS API has asked it for already. For administrators, Glance's
        policy says whose images they act on.
        """
        if is_service(self.context):
            return
        facts = image_rules.Facts.of(image.view)
        if facts.component and self._is_left_behind(image):
            # It did not follow its image when that was deleted: its owner may tidy up.
            facts = dataclasses.replace(facts, component=False)
        if action is image_rules.Action.SHARE and is_of_service(self.context):
            # Nova gives the image of a server that an administrator makes to the server's project.
            facts = dataclasses.replace(facts, product=False)
        viewer = str(self.context.project_id)
        if self.context.is_admin and action is not image_rules.Action.ACCEPT:
            # Not to accept: that is never the owner's to do, and administrators receive images, too.
            viewer = facts.owner
        share_encrypted = self.limits.conf.ims_api.share_encrypted
        # Where the store encrypts, and nobody asked for it, nobody was promised that a key is kept.
        is_theirs = image.store_key is None or self.limits.conventions
        image_rules.check(
            action,
            facts,
            viewer,
            share_encrypted,
            lambda: (
                is_theirs
                and self.keys.is_default(self.context, str(image.key_id), image.view["owner"])
            ),
            conventions=self.limits.conventions,
        )

    def _is_left_behind(self, image: ShownImage) -> bool:
        """Whether the whole-machine image that an image is a disk of is gone."""
        try:
            path = f"/v2/images/{whole_image.parent_id(image.view)}"
            self.images.call(self.context.elevated(), "GET", path)
        except SubrequestRefused as refused:
            return bool(refused.response.status_int == 404)
        return False
