# SPDX-License-Identifier: Apache-2.0
"""What operations are called in the audit trail.

The names are those of IMS (its page "IMS Operations Audited by CTS"), the same for the Image API's
own operations. Reading is not audited there, and not here.
"""

import dataclasses
import re

UNKNOWN = "unknown"
MEMBER, TAG, BACKUP, REPLICATION = "/member", "/tag", "/backup", "/replication"
PRODUCT, SUBSCRIPTION, JOB = "/product", "/subscription", "/job"

# Name -> CADF's action, and what of an image it is done to.
ACTIONS: dict[str, tuple[str, str]] = {
    "createImage": ("create", ""),
    "updateImage": ("update", ""),
    "deleteImage": ("delete", ""),
    "copyImage": ("create/copy", ""),
    "exportImage": ("read/export", ""),
    # Ours.
    "checkImage": ("read/check", ""),
    "addMember": ("create", MEMBER),
    "updateMember": ("update", MEMBER),
    "deleteMember": ("delete", MEMBER),
    "addTag": ("create", TAG),
    "deleteTag": ("delete", TAG),
    # Ours: IMS leaves backups to another service, and has no standing copies.
    "createBackup": ("backup", BACKUP),
    "deleteBackup": ("delete", BACKUP),
    "createReplication": ("create", REPLICATION),
    "updateReplication": ("update", REPLICATION),
    "deleteReplication": ("delete", REPLICATION),
    "createProduct": ("create", PRODUCT),
    "updateProduct": ("update", PRODUCT),
    "deleteProduct": ("delete", PRODUCT),
    "reviewProduct": ("evaluate", PRODUCT),
    "createSubscription": ("create", SUBSCRIPTION),
    "deleteSubscription": ("delete", SUBSCRIPTION),
    # By an operator: whose job it is, cancels it without a word.
    "cancelJob": ("disable", JOB),
}


@dataclasses.dataclass(frozen=True)
class ImageApiOperation:
    """An operation of the Image API.

    :ivar name: one of :data:`ACTIONS`
    :ivar subject: what its path names: ``image``, ``member``, ``tag``, ``store``
    """

    name: str
    subject: dict[str, str]


def _routes(*table: tuple[str, str, str]) -> tuple[tuple[str, re.Pattern[str], str], ...]:
    """The paths are Glance's (``glance/api/v2/router.py``).

    The version may have a minor number, or stand in ``Accept``
    (``glance/api/middleware/version_negotiation.py``); a line feed at the end is overlooked.
    """
    begin, end = r"(?:/v2(?:\.\d+)?)?", r"\n?"
    return tuple(
        (method, re.compile(begin + re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", path) + end), name)
        for method, path, name in table
    )


_NATIVE = _routes(
    ("POST", "/images", "createImage"),
    ("POST", "/tasks", "createImage"),
    ("PATCH", "/images/{image}", "updateImage"),
    ("PUT", "/images/{image}/(file|stage)", "updateImage"),
    ("POST", "/images/{image}/(import|locations)", "updateImage"),
    ("POST", "/images/{image}/actions/(deactivate|reactivate)", "updateImage"),
    ("DELETE", "/stores/{store}/{image}", "updateImage"),
    ("DELETE", "/images/{image}", "deleteImage"),
    ("POST", "/images/{image}/members", "addMember"),
    ("PUT", "/images/{image}/members/{member}", "updateMember"),
    ("DELETE", "/images/{image}/members/{member}", "deleteMember"),
    ("PUT", "/images/{image}/tags/{tag}", "addTag"),
    ("DELETE", "/images/{image}/tags/{tag}", "deleteTag"),
)
METHODS = frozenset(method for method, _pattern, _name in _NATIVE)


def native_operation(method: str, path: str) -> ImageApiOperation | None:
    """The operation behind a request of the Image API, if it is audited.

    :param path: with single slashes
    """
    for expected, pattern, name in _NATIVE:
        match = pattern.fullmatch(path) if expected == method else None
        if match:
            return ImageApiOperation(name, match.groupdict())
    return None
