# SPDX-License-Identifier: Apache-2.0
"""What Glance's own database knows of an image, for code that runs inside Glance.

A store driver is told an image's id and nothing else, in some flows without a request context
(glance/location.py), so the image's key and its locations are read from Glance's database.
"""

import itertools
from collections.abc import Iterator
from typing import Any

from ims_glance import exceptions
from ims_glance.model import attributes

_PAGE = 500
_DELETION_DELAYED = {"deleted": True, "status": "pending_delete"}


class ImageRecords:
    """The image table, read and written as an administrator through ``glance.db``."""

    def key_id(self, image_id: str) -> str | None:
        """The key that an image is to be encrypted with, or is; ``None`` if it has none.

        :raises ImageNotFound: if there is no such image
        """
        properties = self._get(image_id)["properties"]
        # Glance keeps the row of a property that was removed.
        named = [
            each["value"]
            for each in properties
            if each["name"] == attributes.CMK_ID and not each["deleted"]
        ]
        return named[0] if named and named[0] else None

    def set_key_id(self, image_id: str, key_id: str) -> None:
        """Record that an image is encrypted with another key now."""
        values = {"properties": {attributes.CMK_ID: key_id}}
        self._db().image_update(_admin_context(), image_id, values, purge_props=False)

    def locations(self, image_id: str, scheme: str) -> list[tuple[str, str]]:
        """Store id and URL of each location of *scheme* that an image has.

        :raises ImageNotFound: if there is no such image
        """
        return list(_locations(self._get(image_id), scheme))

    def all_locations(self, scheme: str) -> Iterator[tuple[str, str]]:
        """Store id and URL of every location of *scheme* that an image has.

        Images whose deletion is delayed count as well: their data is left to Glance's scrubber.
        """
        for image in itertools.chain(self._all({"deleted": False}), self._all(_DELETION_DELAYED)):
            yield from _locations(image, scheme)

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
    from glance import context  # noqa: PLC0415

    return context.get_admin_context()


def _locations(image: Any, scheme: str) -> Iterator[tuple[str, str]]:
    from glance.common import crypt  # noqa: PLC0415
    from oslo_config import cfg  # noqa: PLC0415

    secret = cfg.CONF.metadata_encryption_key
    for location in image["locations"]:
        url = crypt.urlsafe_decrypt(secret, location["url"]) if secret else location["url"]
        if url.startswith(f"{scheme}://"):
            yield location["metadata"].get("store", ""), url
