# SPDX-License-Identifier: Apache-2.0
"""``list_os_versions``: the operating systems that the service knows."""

from ims_glance.api.ims.operation import Answer, Call, Operation
from ims_glance.model.image import platforms

_TAG = {"type": "string", "enum": ["bms", "uefi", "arm", "x86"]}
_VERSION = {
    "type": "object",
    "properties": {
        "platform": {"type": "string"},
        "os_version_key": {"type": "string"},
        "os_version": {"type": "string"},
        "os_bit": {"type": "integer"},
        "os_type": {"type": "string"},
    },
    "required": ["platform", "os_version_key", "os_version", "os_bit", "os_type"],
}
_ANSWER = {
    "type": "array",
    "items": {
        "type": "object",
        "properties": {
            "platform": {"type": "string"},
            "version_list": {"type": "array", "items": _VERSION},
        },
        "required": ["platform", "version_list"],
    },
}


def list_os_versions(call: Call) -> Answer:
    """``GET /v1/cloudimages/os_version``: a list at the top level, as IMS answers it."""
    return Answer(platforms.listing(call.query.get("tag")))


OPERATIONS = (
    Operation(
        "list_os_versions",
        "GET",
        "/v1/cloudimages/os_version",
        list_os_versions,
        "List the operating systems that images can have",
        query={"tag": _TAG},
        answer=_ANSWER,
    ),
)
