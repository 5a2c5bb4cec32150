# SPDX-License-Identifier: Apache-2.0
"""What buyers have of products: entitlements, the service's copies of images, and their members.

Entitlements say what a project may have; copies and members say which images and memberships there are
to be, and workers see to it that there are.
"""

import dataclasses
import datetime
import enum
from typing import Any

from ims_glance.model.job import timestamp


class EntitlementState(enum.StrEnum):
    """Whether a project has the product."""

    ACTIVE = "active"
    ENDED = "ended"


class ProductCopyState(enum.StrEnum):
    """What becomes of the service's copy of an image. An unwanted one is to be deleted."""

    WANTED = "wanted"
    READY = "ready"
    FAILED = "failed"
    UNWANTED = "unwanted"
    GONE = "gone"


class ProductMemberState(enum.StrEnum):
    """What becomes of a membership: it is to be made, is there, or is to be taken away."""

    WANTED = "wanted"
    THERE = "there"
    UNWANTED = "unwanted"


@dataclasses.dataclass(frozen=True)
class Entitlement:
    """What a project has of a product.

    :ivar sku: which of its specifications; ``None`` if it has but one
    :ivar agreement: SHA-256 of what was agreed to
    :ivar until: when it ends by itself; seconds since 1970
    """

    id: str
    project_id: str
    user_id: str
    product_id: str
    product_code: str
    agreement: str
    sku: str | None = None
    state: EntitlementState = EntitlementState.ACTIVE
    since: datetime.datetime | None = None
    ended_at: datetime.datetime | None = None
    until: float | None = None


@dataclasses.dataclass(frozen=True)
class ProductCopy:
    """The service's copy of a version's image in a region.

    :ivar image_id: recorded before the image is made
    :ivar digest: its ``os_hash_value``; of a whole machine, that of its disks
        (:func:`ims_glance.model.market.image.digest`)
    :ivar reason: with *code*, why it is not there (yet)
    :ivar job_id: of the job that makes it in another region
    :ivar attempts: how often that failed
    :ivar look_at: when somebody looks after it again; seconds since 1970
    :ivar is_offshelved: whether it says that its product is withdrawn
    """

    version_id: str
    product_id: str
    region: str
    state: ProductCopyState = ProductCopyState.WANTED
    image_id: str | None = None
    digest: str | None = None
    code: str | None = None
    reason: str | None = None
    job_id: str | None = None
    attempts: int = 0
    look_at: float | None = None
    is_offshelved: bool = False


@dataclasses.dataclass(frozen=True)
class ProductMember:
    """A project that is to be, or no longer to be, a member of a copy."""

    image_id: str
    project_id: str
    region: str
    product_id: str
    state: ProductMemberState


def view(entitlement: Entitlement, images: dict[str, str]) -> dict[str, Any]:
    """An entitlement as its project sees it.

    :param images: region -> id of the image that may be booted there
    """
    until = entitlement.until
    return {
        "id": entitlement.id,
        "product_id": entitlement.product_id,
        "product_code": entitlement.product_code,
        "sku": entitlement.sku,
        "agreement_digest": entitlement.agreement,
        "state": str(entitlement.state),
        "since": timestamp(entitlement.since),
        "ended_at": timestamp(entitlement.ended_at),
        "until": None if until is None else moment(until),
        "images": [{"region": each, "image_id": images[each]} for each in sorted(images)],
    }


def moment(seconds: float) -> str | None:
    """Seconds since 1970 as clients see a time."""
    found = datetime.datetime.fromtimestamp(seconds, datetime.UTC)
    return timestamp(found.replace(tzinfo=None))
