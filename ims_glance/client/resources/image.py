# SPDX-License-Identifier: Apache-2.0
"""Images as IMS shows them (``GET /v2/cloudimages``)."""

import json
from collections.abc import Iterable, Mapping
from typing import Any

from openstack import resource

from ims_glance.client.resources.paging import Paged

KINDS: Mapping[str, Mapping[str, str]] = {
    "system": {"virtual_env_type": "FusionCompute"},
    "data": {"virtual_env_type": "DataImage"},
    "whole": {"whole_image": "true"},
    "baremetal": {"virtual_env_type": "Ironic"},
    "iso": {"virtual_env_type": "IsoImage"},
}
"""The deck's words for what an image is for, and the list filters that find such images."""

TYPES: Mapping[str, str] = {
    "public": "gold",
    "private": "private",
    "shared": "shared",
    "market": "market",
}
"""The deck's words for the types of images, and ``__imagetype``."""

_KIND_OF = {
    filters["virtual_env_type"]: kind
    for kind, filters in KINDS.items()
    if "virtual_env_type" in filters
}
_TYPE_OF = {wire: word for word, wire in TYPES.items()}
_ALWAYS = ("name", "min_ram")


class Image(Paged):
    """An image.

    The wire has its numbers and truth values as text; ``is_…`` and ``kind`` read them.
    """

    base_path = "/v2/cloudimages"
    resources_key = "images"
    allow_list = True

    _query_mapping = resource.QueryParameters(
        "id",
        "name",
        "status",
        "visibility",
        "owner",
        "protected",
        "container_format",
        "disk_format",
        "min_disk",
        "min_ram",
        "tag",
        "member_status",
        "virtual_env_type",
        "enterprise_project_id",
        "architecture",
        "flavor_id",
        "created_at",
        "updated_at",
        "sort_key",
        "sort_dir",
        image_type="__imagetype",
        whole_image="__whole_image",
        os_type="__os_type",
        os_bit="__os_bit",
        platform="__platform",
        cmk_id="__system__cmkid",
        is_registered="__isregistered",
        support_kvm="__support_kvm",
        support_xen="__support_xen",
        support_largememory="__support_largememory",
        support_diskintensive="__support_diskintensive",
        support_highperformance="__support_highperformance",
        support_xen_gpu_type="__support_xen_gpu_type",
        support_kvm_gpu_type="__support_kvm_gpu_type",
        support_xen_hana="__support_xen_hana",
        support_kvm_infiniband="__support_kvm_infiniband",
    )
    _store_unknown_attrs_as_properties = True

    #: queued, saving, active, killed, deleted
    status: str = resource.Body("status")
    #: public, private, shared or community
    visibility: str = resource.Body("visibility")
    #: id of the owner's project
    owner: str = resource.Body("owner")
    is_protected: bool = resource.Body("protected", type=bool)
    #: ``key=value``, or ``key``
    tags: list[str] = resource.Body("tags", type=list)
    created_at: str = resource.Body("created_at")
    updated_at: str = resource.Body("updated_at")
    active_at: str = resource.Body("active_at")
    disk_format: str = resource.Body("disk_format")
    container_format: str = resource.Body("container_format")
    #: GB of a disk made of it
    min_disk: int = resource.Body("min_disk", type=int)
    #: MB
    min_ram: int = resource.Body("min_ram", type=int)
    #: MB, ``"0"`` for no limit
    max_ram: str = resource.Body("max_ram")
    #: gold, private, shared or market, for the one who looks
    image_type: str = resource.Body("__imagetype")
    #: bytes, as text
    image_size: str = resource.Body("__image_size")
    #: Linux, Windows or Other
    os_type: str = resource.Body("__os_type")
    #: a name from the list of operating systems
    os_version: str = resource.Body("__os_version")
    os_bit: str = resource.Body("__os_bit")
    platform: str = resource.Body("__platform")
    description: str = resource.Body("__description")
    #: id of the key that it is encrypted with
    cmk_id: str = resource.Body("__system__cmkid")
    #: FusionCompute (system disk), DataImage, Ironic or IsoImage
    virtual_env_type: str = resource.Body("virtual_env_type")
    whole_image: str = resource.Body("__whole_image")
    #: what it was made of, ``kind,value``
    data_origin: str = resource.Body("__data_origin")
    enterprise_project_id: str = resource.Body("enterprise_project_id")
    #: bios or uefi
    hw_firmware_type: str = resource.Body("hw_firmware_type")
    hw_vif_multiqueue_enabled: str = resource.Body("hw_vif_multiqueue_enabled")
    #: seconds
    os_shutdown_timeout: str = resource.Body("os_shutdown_timeout")
    # Named so that they do not count as properties.
    size = resource.Body("size")
    virtual_size = resource.Body("virtual_size")
    checksum = resource.Body("checksum")
    os_hash_algo = resource.Body("os_hash_algo")
    os_hash_value = resource.Body("os_hash_value")
    os_hidden = resource.Body("os_hidden")
    file = resource.Body("file")
    schema = resource.Body("schema")
    stores = resource.Body("stores")
    #: all the others
    properties: dict[str, Any] = resource.Body("properties")

    @property
    def is_encrypted(self) -> bool:
        """Whether it has a key."""
        return bool(self.cmk_id)

    @property
    def kind(self) -> str:
        """What it is for: a word of :data:`KINDS`."""
        if str(self.whole_image).lower() == "true":
            return "whole"
        return _KIND_OF.get(self.virtual_env_type, "system")

    @property
    def type_for_me(self) -> str:
        """What it is to the one who looks: a word of :data:`TYPES`."""
        return _TYPE_OF.get(self.image_type, self.image_type or self.visibility)

    @property
    def mapping(self) -> list[dict[str, Any]]:
        """The disks that Nova builds of something else than the image's own data.

        Those of a whole machine, the system disk first; or, of an image that Nova or somebody else
        made, snapshots and volumes in Cinder, and other images. None if it cannot be read.
        """
        try:
            found = json.loads((self.properties or {}).get("block_device_mapping") or "[]")
        except ValueError:
            return []
        return [each for each in found if isinstance(each, dict)] if isinstance(found, list) else []

    @property
    def bytes(self) -> int:
        """Bytes of its data; 0 until there are any."""
        # The Image API shows both; what is written beside an image when it is made is "0".
        text = str(self.size or self.image_size or 0)
        return int(text) if text.isdigit() else 0

    @classmethod
    def query(cls, filters: Mapping[str, Any]) -> dict[str, Any]:
        """Filters by the names here (or on the wire) as they are sent.

        :raises openstack.exceptions.InvalidResourceQuery: if one is unknown
        """
        cls._query_mapping._validate(dict(filters), base_path=cls.base_path)
        return cls._query_mapping._transpose(dict(filters), cls)

    @classmethod
    def on_wire(cls, values: Mapping[str, Any]) -> dict[str, Any]:
        """Attributes by the names here as the service names them."""
        names = {ours: wire for wire, ours in cls._body_mapping().items()}
        return {names.get(name, name): value for name, value in values.items()}


def changes(values: Mapping[str, Any], removed: Iterable[str]) -> list[dict[str, Any]]:
    """The body of ``update_image``.

    ``add`` sets an attribute whether it is there or not, where ``replace`` would be refused
    for one that is not (IMG.0035). Every image has a name and a minimum of RAM.

    :param values: what to set, by the names on the wire
    :param removed: what to take away, by the names on the wire
    """
    return [
        {"op": "replace" if name in _ALWAYS else "add", "path": f"/{name}", "value": value}
        for name, value in values.items()
    ] + [{"op": "remove", "path": f"/{name}"} for name in removed]
