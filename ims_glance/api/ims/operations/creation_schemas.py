# SPDX-License-Identifier: Apache-2.0
"""JSON schemas of the bodies of ``create_image`` and its kin (IMS API reference)."""

from typing import Any

from ims_glance.api.ims import schemas
from ims_glance.model.image import attributes, values
from ims_glance.model.text import patterns

_ID = {"anyOf": [schemas.UUID, {"type": "null"}]}
_ENTERPRISE = {"anyOf": [schemas.ENTERPRISE_PROJECT, {"type": "null"}]}
_MEBIBYTES = {"anyOf": [schemas.MEBIBYTES, {"type": "null"}]}
_BUCKET = {"anyOf": [schemas.BUCKET_OBJECT, {"type": "null"}], "x-ims-code": "IMG.0175"}
_FIRMWARE = {
    "enum": [*attributes.ATTRIBUTES["hw_firmware_type"].values, None],
    "x-ims-code": "IMG.0141",
}
_ARCHITECTURE = {"enum": ["x86", "arm", None], "x-ims-code": "IMG.0212"}
# Ours: IMS reads buckets as whoever asks.
ACCESS_KEY = {"type": ["string", "null"], "pattern": patterns.whole("[!-~]{1,128}")}
_KEY = {"anyOf": [schemas.KEY_ID, {"type": "null"}]}
# Ours as well: the key that opens a sealed image, where that has another id here; of several images, the keys.
UNSEAL_KEY = {
    "anyOf": [
        schemas.KEY_ID,
        {"type": "array", "items": schemas.KEY_ID, "minItems": 1, "maxItems": 60},
        {"type": "null"},
    ]
}


def _gibibytes(most: int) -> dict[str, Any]:
    """The size of a disk. Which is the smallest, the operator says."""
    return {"type": ["integer", "null"], "minimum": 1, "maximum": most, "x-ims-code": "IMG.0055"}


_TEXTS: dict[str, Any] = {
    "name": {**schemas.NAME, "type": ["string", "null"]},
    "description": {"type": ["string", "null"]},
    "tags": schemas.TAGS,
    "image_tags": schemas.IMAGE_TAGS,
    "enterprise_project_id": _ENTERPRISE,
}
_OS_TYPES = {
    "enum": [*attributes.ATTRIBUTES["__os_type"].values, None],
    "x-ims-code": "IMG.0122",
}
_OS_VERSION = {"type": ["string", "null"], "minLength": 1, "maxLength": values.MAX_OS_VERSION}

IMAGE = {
    "type": "object",
    "properties": {
        **_TEXTS,
        "instance_id": _ID,
        "volume_id": _ID,
        "image_url": _BUCKET,
        "access_key": ACCESS_KEY,
        "unseal_key": UNSEAL_KEY,
        "min_disk": _gibibytes(1024),
        "min_ram": _MEBIBYTES,
        "max_ram": _MEBIBYTES,
        "os_type": _OS_TYPES,
        "os_version": _OS_VERSION,
        "is_config": schemas.BOOLEAN,
        "is_config_init": schemas.BOOLEAN,
        "is_quick_import": schemas.BOOLEAN,
        "cmk_id": _KEY,
        "type": {"enum": ["ECS", "BMS", "FusionCompute", "Ironic", "IsoImage", None]},
        "hw_firmware_type": _FIRMWARE,
        "architecture": _ARCHITECTURE,
        "data_images": {
            "type": ["array", "null"],
            "maxItems": 32,
            "items": {
                "type": "object",
                "properties": {
                    **_TEXTS,
                    "volume_id": _ID,
                    "image_url": _BUCKET,
                    "min_disk": _gibibytes(2048),
                    "is_quick_import": schemas.BOOLEAN,
                },
                "required": ["name"],
            },
        },
    },
}
DATA_IMAGE = {
    "type": "object",
    "properties": {
        **_TEXTS,
        "image_url": schemas.BUCKET_OBJECT,
        "access_key": ACCESS_KEY,
        "unseal_key": UNSEAL_KEY,
        "min_disk": _gibibytes(2048),
        "os_type": {"enum": ["Linux", "Windows", None], "x-ims-code": "IMG.0122"},
        "cmk_id": _KEY,
    },
    "required": ["name", "image_url", "min_disk"],
}
WHOLE_IMAGE = {
    "type": "object",
    "properties": {
        **_TEXTS,
        "instance_id": _ID,
        "backup_id": _ID,
        "vault_id": {"type": ["string", "null"]},
        "image_url": _BUCKET,
        "whole_image_type": {"enum": ["CBR", "CSBS", None]},
        # Ours: IMS has no say in these.
        "cmk_id": _KEY,
        "no_pause": schemas.BOOLEAN,
        "with_backup": schemas.BOOLEAN,
        "access_key": ACCESS_KEY,
        "unseal_key": UNSEAL_KEY,
        "min_disk": _gibibytes(1024),
        "os_type": _OS_TYPES,
        "os_version": _OS_VERSION,
        "hw_firmware_type": _FIRMWARE,
        "architecture": _ARCHITECTURE,
        "is_config": schemas.BOOLEAN,
        "is_quick_import": schemas.BOOLEAN,
        "min_ram": _MEBIBYTES,
        "max_ram": _MEBIBYTES,
    },
    "required": ["name"],
}
QUICK_IMPORT = {
    "type": "object",
    "properties": {
        **_TEXTS,
        "image_url": schemas.BUCKET_OBJECT,
        "access_key": ACCESS_KEY,
        "unseal_key": UNSEAL_KEY,
        "min_disk": _gibibytes(1024),
        "os_type": {"enum": ["Linux", "Windows", None], "x-ims-code": "IMG.0122"},
        "os_version": _OS_VERSION,
        "type": {"enum": ["ECS", "BMS", "DataImage", None]},
        "architecture": _ARCHITECTURE,
        "hw_firmware_type": _FIRMWARE,
        "license_type": {"enum": ["platform", "byol", None]},
    },
    "required": ["name", "image_url", "min_disk"],
}
REGISTER = {
    "type": "object",
    "properties": {
        "image_url": schemas.BUCKET_OBJECT,
        "access_key": ACCESS_KEY,
        "unseal_key": UNSEAL_KEY,
    },
    "required": ["image_url"],
}
