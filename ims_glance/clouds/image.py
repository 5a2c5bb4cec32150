# SPDX-License-Identifier: Apache-2.0
"""What Glance's own database knows of an image, for code that runs inside Glance.

A store driver is told an image's id and nothing else, in some flows without a request context
(glance/location.py), so the image's key and its locations are read from Glance's database. So are
members that the Image API does not show.
"""

import dataclasses
import datetime
import functools
import itertools
from collections.abc import Collection, Iterator
from typing import Any

from glance_store import exceptions as store_exceptions

from ims_glance import exceptions
from ims_glance.model.image import attributes

_PAGE = 500
_DELETION_DELAYED = {"deleted": True, "status": "pending_delete"}

# The key that its owner, or the service, shows; else that of its copies in encrypting stores.
_KEYS = (attributes.CMK_ID, attributes.STORE_KEY)
_PRODUCTS = attributes.PRODUCT_CODE


class ImageInUse(exceptions.Conflict):
    """A store refuses to delete the data of an image."""

    template = (
        "Image {image_id} is in use in its store, by a volume that is a clone of it: delete that "
        "first."
    )


@dataclasses.dataclass(frozen=True)
class ImageRecord:
    """An image.

    :ivar status: Glance's, ``pending_delete`` if only its data is still there
    :ivar key_id: of the key that it is encrypted with, or to be; ``None`` if it has none
    :ivar locations: store id and URL of each
    :ivar task_id: of the task of Glance's that imports or copies its data, or did when its process died
    """

    status: str
    key_id: str | None
    locations: list[tuple[str, str]]
    task_id: str | None = None

    def of_scheme(self, scheme: str) -> list[tuple[str, str]]:
        """The locations of that scheme."""
        return [(store, url) for store, url in self.locations if _has_scheme(url, scheme)]


@dataclasses.dataclass(frozen=True)
class HiddenImage:
    """An image that is in no list unless somebody asks for hidden ones.

    :ivar created_at: UTC, without a time zone
    :ivar updated_at: when its row last changed; the same
    :ivar component_of: id of the whole-machine image that it is a disk of; ``None`` if it is none
    """

    id: str
    owner: str
    name: str
    created_at: datetime.datetime
    updated_at: datetime.datetime
    component_of: str | None


class ImageRecords:
    """The tables of images, read and written as an administrator through ``glance.db``."""

    def key_id(self, image_id: str) -> str | None:
        """The key that an image is to be encrypted with, or is; ``None`` if it has none.

        :raises ImageNotFound: if there is no such image
        """
        return _key_id(self._get(image_id))

    def set_key_id(self, image_id: str, key_id: str) -> None:
        """Record that an image is encrypted with another key now."""
        properties = _properties(self._get(image_id))
        names = [name for name in _KEYS if name in properties] or [attributes.CMK_ID]
        values = {"properties": dict.fromkeys(names, key_id)}
        self._db().image_update(_admin_context(), image_id, values, purge_props=False)

    def product_code(self, image_id: str) -> str:
        """The products of the marketplace that an image holds, or held before it was deleted.

        :returns: the attribute; empty if there are none
        :raises ImageNotFound: if there never was such an image, or its row is purged
        """
        # Nobody removes the attribute, so what is there of a deleted image is what it had.
        named = [each for each in self._get(image_id)["properties"] if each["name"] == _PRODUCTS]
        return str(named[-1]["value"] or "") if named else ""

    def sold_among(self, image_ids: Collection[str]) -> str | None:
        """One of some images that holds a product of the marketplace, or held one before it was deleted.

        :returns: its id; ``None`` if none does
        """
        import sqlalchemy as sa  # noqa: PLC0415
        from glance.db.sqlalchemy import models  # noqa: PLC0415

        there = models.ImageProperty
        query = sa.select(there.image_id).where(
            there.image_id.in_(sorted(image_ids)), there.name == _PRODUCTS, there.value != ""
        )
        with self._db().session_for_read() as session:
            found = session.scalar(query.limit(1))
        return None if found is None else str(found)

    def may_hold_product(self, image_id: str) -> bool:
        """Whether an image may hold a product of the marketplace: one look at an index, for each download.

        :returns: true also if Glance's database does not say
        """
        import sqlalchemy as sa  # noqa: PLC0415
        from glance.db.sqlalchemy import models  # noqa: PLC0415
        from oslo_db import exception as db_exceptions  # noqa: PLC0415

        there = models.ImageProperty
        query = sa.select(there.id).where(there.image_id == image_id, there.name == _PRODUCTS)
        try:
            with self._db().session_for_read() as session:
                return session.scalar(query.limit(1)) is not None
        except (db_exceptions.DBError, sa.exc.SQLAlchemyError):
            return True

    def count(self, owner: str) -> int:
        """How many images a project has, of whatever kind, as Glance's own quota counts them."""
        return int(self._db().user_get_image_count(_admin_context(), owner))

    def bytes_left(self, context: Any) -> int | None:
        """How many bytes more a project may have by Glance's ``user_storage_quota``.

        :param context: of its caller
        :returns: ``None`` for as many as it likes
        """
        from glance.api import common  # noqa: PLC0415

        left = common.get_remaining_quota(context, self._db())
        return None if left is None else int(left)

    def forget_members(self, image_id: str) -> None:
        """Take an image from all who have it, also while it is not shared.

        The Image API tells nobody, administrators included, who the members of an image are that
        is not shared, and keeps them for when it is shared again
        (``glance/api/v2/image_members.py``, ``_check_visibility_and_ownership``).
        """
        for member in self._db().image_member_find(_admin_context(), image_id=image_id):
            self._db().image_member_delete(_admin_context(), member["id"])

    def find(self, image_id: str) -> ImageRecord:
        """An image that exists, or whose deletion is delayed.

        :raises ImageNotFound: if there is no such image, or it was deleted
        """
        image = self._get(image_id)
        # Glance keeps the row of a deleted image, and tells an administrator of it.
        if image["deleted"] and image["status"] != _DELETION_DELAYED["status"]:
            raise exceptions.ImageNotFound(image_id=image_id)
        task_id = _properties(image).get(attributes.IMPORT_TASK) or None
        return ImageRecord(image["status"], _key_id(image), list(_locations(image)), task_id)

    def all_locations(self, scheme: str) -> Iterator[tuple[str, str]]:
        """Store id and URL of every location of *scheme* that an image has.

        Images whose deletion is delayed count as well: their data is left to Glance's scrubber.
        """
        for image in itertools.chain(self._all({"deleted": False}), self._all(_DELETION_DELAYED)):
            yield from (each for each in _locations(image) if _has_scheme(each[1], scheme))

    def exists(self, image_id: str) -> bool:
        """Whether there is such an image, or one whose deletion is delayed, which may come back."""
        try:
            self.find(image_id)
        except exceptions.ImageNotFound:
            return False
        return True

    def hidden(self, image_id: str | None = None) -> Iterator[HiddenImage]:
        """The hidden images of all projects.

        :param image_id: only this one, if it is there and hidden
        """
        filters = {"deleted": False, "os_hidden": True}
        for image in self._all(filters | ({"id": image_id} if image_id else {})):
            yield HiddenImage(
                id=str(image["id"]),
                owner=str(image["owner"]),
                name=str(image["name"] or ""),
                created_at=image["created_at"],
                updated_at=image["updated_at"],
                component_of=_properties(image).get(attributes.COMPONENT_OF) or None,
            )

    def delete(self, image_id: str) -> None:
        """Delete an image with its data, protected or not, as Glance's own API does it.

        ``glance_store`` has its stores by then. That the image is gone is fine.

        :raises ImageInUse: if its store keeps it, for a volume is a clone of it
        """
        from glance import gateway  # noqa: PLC0415
        from glance.common import exception as glance_exception  # noqa: PLC0415

        images = gateway.Gateway().get_repo(_admin_context())
        try:
            image = images.get(image_id)
            image.protected = False
            image.delete()
            images.remove(image)
        except glance_exception.ImageNotFound:
            return
        except (glance_exception.InUseByStore, store_exceptions.InUseByStore):
            raise ImageInUse(image_id=image_id) from None

    def _all(self, filters: dict[str, Any]) -> Iterator[Any]:
        marker = None
        # Of community images, Glance tells only who asks for all.
        while page := self._db().image_get_all(
            _admin_context(),
            marker=marker,
            limit=_PAGE,
            filters={"visibility": "all", **filters},
        ):
            yield from page
            marker = page[-1]["id"]

    def _get(self, image_id: str) -> Any:
        from glance.common import exception as glance_exception  # noqa: PLC0415

        try:
            return self._db().image_get(_admin_context(), image_id)
        except glance_exception.ImageNotFound:
            raise exceptions.ImageNotFound(image_id=image_id) from None

    def _db(self) -> Any:
        # Imported when it is needed: glance_store, and so the driver, is also used without Glance.
        import glance.db  # noqa: PLC0415

        return glance.db.get_api()


def _admin_context() -> Any:
    """As ``get_admin_context`` makes it, which would describe all policies anew for each."""
    from glance import context  # noqa: PLC0415

    return context.RequestContext(is_admin=True, overwrite=False, policy_enforcer=_enforcer())


@functools.cache
def _enforcer() -> Any:
    """Glance's policies, of which all its own requests share one, too; it reads changed files anew."""
    from glance.api import policy  # noqa: PLC0415

    return policy.Enforcer()


def _key_id(image: Any) -> str | None:
    properties = _properties(image)
    return next((properties[name] for name in _KEYS if properties.get(name)), None)


def _properties(image: Any) -> dict[str, str]:
    # Glance keeps the row of a property that was removed.
    return {each["name"]: each["value"] for each in image["properties"] if not each["deleted"]}


def _locations(image: Any) -> Iterator[tuple[str, str]]:
    from glance.common import crypt  # noqa: PLC0415
    from oslo_config import cfg  # noqa: PLC0415

    cfg.CONF.import_opt("metadata_encryption_key", "glance.common.config")
    secret = cfg.CONF.metadata_encryption_key
    for location in image["locations"]:
        url = crypt.urlsafe_decrypt(secret, location["url"]) if secret else location["url"]
        yield location["metadata"].get("store", ""), url


def _has_scheme(url: str, scheme: str) -> bool:
    return url.startswith(f"{scheme}://")
