# SPDX-License-Identifier: Apache-2.0
"""What a copy of an image has of the image, and when its data is the same."""

import dataclasses
import json
from collections.abc import Mapping
from typing import Any

from ims_glance.model.image import attributes

_CARRIED_BASE = ("disk_format", "container_format", "min_disk", "min_ram", "tags")
# Glance's own attributes, which are no properties (glance/schema of an image).
_BASE = frozenset(
    {
        "id",
        "name",
        "status",
        "visibility",
        "owner",
        "protected",
        "os_hidden",
        "size",
        "virtual_size",
        "checksum",
        "os_hash_algo",
        "os_hash_value",
        "created_at",
        "updated_at",
        "locations",
        "direct_url",
        "stores",
        "self",
        "file",
        "schema",
        *_CARRIED_BASE,
    }
)
# True of the one image only: its key and text, its place in the marketplace, its backup, who made
# it. The product code goes along, and the charging mark (__account_code): what is sold, and charged
# for, is in the copy as well.
_LEFT = frozenset(
    {
        attributes.BACKUP_ID,
        attributes.CMK_ID,
        attributes.STORE_KEY,
        attributes.BEFORE_SHARING,
        attributes.COMPONENT_OF,
        attributes.IMAGE_TYPE,
        attributes.DESCRIPTION,
        "enterprise_project_id",
        "active_at",
        "__image_displayname",
        "__image_location",
        "__is_offshelved",
        "__lazyloading",
        "__root_origin",
        "__system_support_market",
        # What Nova notes of the server and of the user that a snapshot was made from.
        "base_image_ref",
        "boot_roles",
        "image_location",
        "image_state",
        "image_type",
        "instance_uuid",
        "owner_id",
        "owner_project_name",
        "owner_user_name",
        "user_id",
    }
)
RECEIVED_HEADER = "X-IMS-Received"
"""Of Glance's answer to an upload of the worker: what :class:`ims_glance.crypto.passage.Passage` says of what arrived."""
EXPECTED_HEADER = "X-IMS-Expected"
"""Of the worker's upload: what has to arrive (:meth:`Digest.to_text`), or nothing is stored where the store encrypts."""
CINDER_KEY = "cinder_encryption_key_id"
"""On an image of an encrypted volume: Cinder's key, which goes when the image is deleted."""
_RESERVED = "os_glance"
_SIGNATURE = "img_signature"


def body(source: Mapping[str, Any], region: str, wishes: Mapping[str, Any]) -> dict[str, Any]:
    """The body of ``POST /v2/images`` for a copy in the region.

    :param source: the image as the Image API shows it
    :param wishes: ``name``, and if given ``description``, ``cmk_id``, ``enterprise_project_id``
    """
    carried = {name: source[name] for name in _CARRIED_BASE if source.get(name) is not None}
    properties = {
        name: value
        for name, value in source.items()
        if name not in _BASE
        and name not in _LEFT
        and not name.startswith(_RESERVED)
        and not any(attributes.ambiguous_names([name]))
        and not attributes.unknown_system_names([name])
    }
    wished = {
        attributes.DESCRIPTION: wishes.get("description"),
        attributes.CMK_ID: wishes.get("cmk_id"),
        "enterprise_project_id": wishes.get("enterprise_project_id"),
    }
    return {
        **properties,
        **carried,
        **{name: value for name, value in wished.items() if value},
        "name": wishes["name"],
        "visibility": "private",
        attributes.DATA_ORIGIN: f"image,{region},{source['id']}",
        attributes.ORIGINAL_IMAGE: str(source["id"]),
        "__image_source_type": "uds",
        "__image_size": "0",
        "__isregistered": "true",
    }


def body_with_other_data(view: Mapping[str, Any]) -> dict[str, Any]:
    """The body of ``POST /v2/images`` for an image that takes the place of another one of the same project.

    It says all that the other one says, but for what is true of its data alone.

    :param view: the other one, as the Image API shows it
    """
    kept = {
        name: value
        for name, value in view.items()
        if name not in _BASE
        and not name.startswith((_RESERVED, _SIGNATURE))
        and name not in (CINDER_KEY, "signature_verified")
    }
    carried = {name: view[name] for name in ("min_disk", "min_ram", "tags") if view.get(name)}
    return {
        **kept,
        **carried,
        "disk_format": "raw",
        "container_format": "bare",
        "visibility": "private",
        "__image_size": "0",
    }


@dataclasses.dataclass(frozen=True)
class Digest:
    """What is known of an image's data without reading it.

    :ivar size: in bytes
    :ivar checksum: MD5
    :ivar algorithm: of ``multihash``
    """

    size: int
    checksum: str | None = None
    algorithm: str | None = None
    multihash: str | None = None

    @classmethod
    def of(cls, view: Mapping[str, Any]) -> "Digest":
        """Of an active image, as the Image API shows it."""
        return cls(
            int(view.get("size") or 0),
            view.get("checksum") or None,
            view.get("os_hash_algo") or None,
            view.get("os_hash_value") or None,
        )

    @classmethod
    def of_text(cls, text: str) -> "Digest":
        """What :meth:`to_text` has told.

        :raises ValueError: if it has not
        """
        try:
            told = json.loads(text)
        except RecursionError:
            raise ValueError("it is nested too deeply") from None
        match told:
            case [int(size), str() | None, str() | None, str() | None] if not isinstance(
                size, bool
            ):
                return cls(*told)
        raise ValueError("it is no list of a size and three texts")

    def to_text(self) -> str:
        """In a line of ASCII, whatever another region says that its digests are."""
        return json.dumps(dataclasses.astuple(self))

    @property
    def is_known(self) -> bool:
        """Whether there is more than the size."""
        return bool(self.checksum or self.multihash)

    def agrees(self, other: "Digest") -> bool:
        """Whether the data is the same, by the strongest digest that both have.

        Without a digest in common, nobody knows, which is no agreement.
        """
        if self.size != other.size:
            return False
        if self.multihash and self.algorithm == other.algorithm:
            return self.multihash == other.multihash
        return bool(self.checksum) and self.checksum == other.checksum
