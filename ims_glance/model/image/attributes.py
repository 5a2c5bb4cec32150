# SPDX-License-Identifier: Apache-2.0
"""Attributes of images that IMS adds to Glance's own: who sets them, and how they are written.

Source: IMS "Image attributes". In Glance they are properties, which are strings; on the wire of the
IMS API two of them are JSON booleans.
"""

import dataclasses
import enum
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from ims_glance.model.image import kinds, platforms
from ims_glance.model.text import collation

CMK_ID = "__system__cmkid"
"""The id of the key that an image is encrypted with (IMS: Image attributes)."""
IMAGE_TYPE = "__imagetype"
OS_VERSION = "__os_version"
DESCRIPTION = "__description"
WHOLE_IMAGE = "__whole_image"
VIRTUAL_ENV_TYPE = "virtual_env_type"
DATA_ORIGIN = "__data_origin"
ORIGINAL_IMAGE = "__originalimagename"
COMPONENT_OF = "__component_of"
"""On a disk of a whole-machine image: id of that image. Ours; IMS has disks in its backups."""
BACKUP_ID = "__backup_id"
PRODUCT_CODE = kinds.PRODUCT_CODE
IS_OFFSHELVED = "__is_offshelved"
SUPPORT_MARKET = "__system_support_market"
CAPTURE = "__capture"
STANDSTILL = "__capture_standstill_ms"
BEFORE_SHARING = kinds.HAS_MEMBERS
"""On an image with members: what its visibility will be without any. Ours."""
STORE_KEY = "__store_key"
"""On an image whose owner named no key: the key of its copies in stores that encrypt. Ours."""

_PREFIX = "__"
_SYSTEM_PREFIX = "__system__"


class Setter(enum.Enum):
    """Who gives an attribute its value."""

    USER = "the owner, at any time"
    CREATOR = "whoever creates the image"
    SERVICE = "the service"


@dataclasses.dataclass(frozen=True)
class Attribute:
    """An attribute.

    :ivar values: those it may have; empty if any text will do
    :ivar help: what it says, for people
    """

    name: str
    setter: Setter
    help: str
    values: tuple[str, ...] = ()


_YES = ("true",)
_BOOLEAN = ("true", "false")
_GPUS = ("M60", "V100_vGPU", "P2V_V100", "P100", "V100")
_OS_TYPES = (platforms.LINUX, platforms.WINDOWS, platforms.OTHER)
_PLATFORMS = (
    *sorted({each.platform for each in platforms.TABLE} - {platforms.OTHER}), platforms.OTHER
)  # fmt: skip
CAPTURES = ("paused", "quiesced", "stopped", "running")
_ENV_TYPES = ("FusionCompute", "Ironic", "DataImage", "IsoImage")
USER, CREATOR, SERVICE = Setter.USER, Setter.CREATOR, Setter.SERVICE

TABLE: tuple[Attribute, ...] = (
    Attribute(DESCRIPTION, USER, "Description, at most 1024 characters"),
    Attribute("__is_config_init", USER, "Whether the initial configuration is done", _BOOLEAN),
    Attribute("__support_xen", USER, "Runs on Xen", _YES),
    Attribute("__support_largememory", USER, "Fits servers with large memory", _YES),
    Attribute("__support_diskintensive", USER, "Fits disk-intensive servers", _YES),
    Attribute("__support_highperformance", USER, "Fits high-performance servers", _YES),
    Attribute("__support_xen_gpu_type", USER, "Fits GPU servers on Xen", ("M60_vGPU",)),
    Attribute("__support_kvm_gpu_type", USER, "Fits GPU servers on KVM", _GPUS),
    Attribute("__support_xen_hana", USER, "Fits HANA servers on Xen", _YES),
    Attribute("__support_kvm_infiniband", USER, "Fits InfiniBand servers on KVM", _YES),
    Attribute("__support_kvm_hi1822_hisriov", USER, "Works with SR-IOV of Hi1822", _YES),
    Attribute("__support_kvm_hi1822_hivirtionet", USER, "Works with virtio-net of Hi1822", _YES),
    Attribute("__support_amd", USER, "Runs on AMD processors", _YES),
    Attribute("__support_fc_inject", USER, "true: Cloud-Init takes no password or key", _BOOLEAN),
    Attribute("hw_vif_multiqueue_enabled", USER, "Network cards with several queues", _BOOLEAN),
    Attribute("hw_firmware_type", USER, "How it boots", ("bios", "uefi")),
    Attribute("os_shutdown_timeout", USER, "Seconds to shut down in, 60 to 300"),
    Attribute("max_ram", USER, "Most memory of a server, in MiB; 0 is no limit"),
    Attribute("enterprise_project_id", USER, "Enterprise project; 0 is the default one"),
    Attribute(OS_VERSION, CREATOR, "Operating system, as list_os_versions names it"),
    Attribute(CMK_ID, CREATOR, "Key that it is encrypted with"),
    Attribute(VIRTUAL_ENV_TYPE, SERVICE, "What it is for: FusionCompute (disk of a server), Ironic "
              "(disk of a bare metal server), DataImage, IsoImage", _ENV_TYPES),
    Attribute("__os_type", SERVICE, "Family of the kernel", _OS_TYPES),
    Attribute("__os_bit", SERVICE, "Its width", ("32", "64")),
    Attribute("__platform", SERVICE, "Family of the operating system", _PLATFORMS),
    Attribute(IMAGE_TYPE, SERVICE, "gold is public", kinds.KINDS),
    Attribute("__isregistered", SERVICE, "Whether it can be used", _BOOLEAN),
    Attribute(WHOLE_IMAGE, SERVICE, "Whether it is a whole machine", _BOOLEAN),
    Attribute(COMPONENT_OF, SERVICE, "Whole-machine image that it is a disk of"),
    Attribute(CAPTURE, SERVICE, "How its server was when it was made: paused for that instant; "
              "quiesced; stopped; running (its disks are not of one instant)", CAPTURES),
    Attribute(STANDSTILL, SERVICE, "Milliseconds that its server stood still when it was made"),
    Attribute(BEFORE_SHARING, SERVICE, "Its visibility while it is shared with nobody",
              ("private", "shared")),
    Attribute(STORE_KEY, SERVICE, "Key of its copies in stores that encrypt, which nobody named"),
    Attribute("__image_source_type", SERVICE, "Kind of the storage that it lies in"),
    Attribute("__image_location", SERVICE, "Where it lies"),
    Attribute("__image_size", SERVICE, "Size in bytes"),
    Attribute("__image_displayname", SERVICE, "Name for others"),
    Attribute(ORIGINAL_IMAGE, SERVICE, "Id of the image that it was made of"),
    Attribute(BACKUP_ID, SERVICE, "Backup behind a whole-machine image"),
    Attribute(DATA_ORIGIN, SERVICE, "What it was made of: kind,value"),
    Attribute("__root_origin", SERVICE, "file: it was uploaded"),
    Attribute("__sequence_num", SERVICE, "Place of the system disk"),
    Attribute(PRODUCT_CODE, SERVICE, "Product of the marketplace that is in it; several with commas"),
    Attribute("__account_code", SERVICE, "What it is charged as"),
    Attribute(IS_OFFSHELVED, SERVICE, "Withdrawn from the marketplace", _BOOLEAN),
    Attribute(SUPPORT_MARKET, SERVICE, "May be sold in the marketplace", _BOOLEAN),
    Attribute("__support_kvm", SERVICE, "Runs on KVM", _YES),
    Attribute("__support_arm", SERVICE, "Runs on ARM processors", _YES),
    Attribute("__support_agent_list", SERVICE, "Agents in it: hss, ces"),
    Attribute("__os_feature_list", SERVICE, "What the system can do, in JSON"),
    Attribute("__lazyloading", SERVICE, "Loaded when needed"),
    Attribute("active_at", SERVICE, "When it became active"),
)  # fmt: skip

ATTRIBUTES: Mapping[str, Attribute] = {attribute.name: attribute for attribute in TABLE}
SYSTEM = frozenset(attribute.name for attribute in TABLE if attribute.setter is SERVICE)
"""Attributes that only the service writes."""

# What ``update_image`` changes of Glance's own attributes.
CHANGEABLE_BASE = frozenset({"name", "min_ram"})
IMPORT_TASK = "os_glance_import_task"
"""Id of the task of Glance's that imports an image's data, or copies it, or did when its process died."""

IMPORTING_STORES = "os_glance_importing_to_stores"
"""The stores that the task has still to bring the data to, with commas."""

GLANCE = frozenset(
    {
        "id", "name", "status", "visibility", "protected", "os_hidden", "owner", "checksum", "size",
        "os_hash_algo", "os_hash_value", "virtual_size", "container_format", "disk_format",
        "created_at", "updated_at", "tags", "min_ram", "min_disk", "direct_url", "self", "file",
        "schema", "locations", "stores", "image_id", "deleted", "deleted_at", "location",
    }
)  # fmt: skip
"""Attributes of Glance's own."""

# Attributes of an image that has nothing to say about itself (IMS "Creating image metadata").
_OF_NEW = {
    "__isregistered": "true",
    "__image_source_type": "uds",
    "__image_size": "0",
    "__root_origin": "file",
    VIRTUAL_ENV_TYPE: "FusionCompute",
}
_JSON_BOOLEANS = (SUPPORT_MARKET,)


def is_ours(name: str) -> bool:
    """Whether a name, or one that a database takes for the same, is in the service's name space."""
    folded = collation.folded(name)
    return folded.startswith(_PREFIX) or folded in SYSTEM


def unknown_system_names(given: Iterable[str]) -> list[str]:
    """Which of the names *given* look like attributes of the service and are none.

    Whoever writes ``__system__CMKID`` believes that the image will be encrypted.
    """
    return [
        name
        for name in given
        if name != CMK_ID and collation.folded(name).startswith(_SYSTEM_PREFIX)
    ]


def names_own(names: Iterable[str]) -> bool:
    """Whether there are attributes among *names* that only IMS has, and neither Glance nor Nova."""
    return any(name in ATTRIBUTES and name.startswith("__") for name in names)


def ambiguous_names(given: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Which of the names *given* are in the service's name space and not written as there.

    As long as all are, no two of them are one to a database.

    :returns: each such name, and how it is to be written
    """
    for name in given:
        if is_ours(name) and name != collation.folded(name):
            yield name, collation.folded(name)


def of_system(os_version: str | None) -> dict[str, str]:
    """What follows from the name of an operating system; Linux of 64 bits if IMS knows none."""
    system = platforms.find(os_version or "") or platforms.OTHER_LINUX
    return {
        OS_VERSION: os_version or system.os_version,
        "__os_type": system.os_type,
        "__os_bit": str(system.os_bit),
        "__platform": system.platform,
    }


def for_creation(body: Mapping[str, Any]) -> dict[str, str]:
    """What the service adds to a new image.

    :param body: of ``POST /v2/images``
    """
    named = body.get(OS_VERSION)
    return {**_OF_NEW, **of_system(named if isinstance(named, str) else None)}


def to_wire(view: Mapping[str, Any]) -> dict[str, Any]:
    """An image as the IMS API shows it (``ImageInfo``).

    :param view: as the Image API shows it to the same caller
    """
    image = {name: value for name, value in view.items() if name not in _HIDDEN}
    image[IMAGE_TYPE] = kinds.image_type(view)
    image["visibility"] = kinds.shown_visibility(view)
    # A whole-machine image has no data of its own; its disks have what is recorded.
    image["__image_size"] = str(view.get("size") or view.get("__image_size") or 0)
    image["protected"] = bool(view.get("protected"))
    for name in _JSON_BOOLEANS:
        if name in image:
            image[name] = str(image[name]).lower() == "true"
    image.setdefault("enterprise_project_id", "0")
    image["max_ram"] = str(view.get("max_ram") or "0")
    image["status"] = _STATUSES.get(str(view.get("status")), view.get("status"))
    return image


# What Glance shows beside an image and IMS does not.
_HIDDEN = frozenset(
    {
        "locations",
        "direct_url",
        "stores",
        "os_hash_algo",
        "os_hash_value",
        BEFORE_SHARING,
        STORE_KEY,
    }
)
# IMS knows fewer states.
_STATUSES = {"importing": "saving", "uploading": "saving", "pending_delete": "deleted"}
