# SPDX-License-Identifier: Apache-2.0
"""Products and their versions: records, states, and which action leads from which to which.

A product is what is sold; a version is one that was handed in of it, with the image and the text as they
were then. A later version of a listed product goes its own way, and the product stays listed meanwhile.
"""

import dataclasses
import datetime
import enum
import re
from collections.abc import Mapping
from typing import Any

from ims_glance import exceptions

_ID = re.compile("[0-9a-f]{32}")


class ProductState(enum.StrEnum):
    """What becomes of a product. A restricted one has no new buyers; a withdrawn one nobody has any more."""

    DRAFT = "draft"
    SUBMITTED = "submitted"
    REJECTED = "rejected"
    LISTED = "listed"
    RESTRICTED = "restricted"
    WITHDRAWN = "withdrawn"


class VersionState(enum.StrEnum):
    """What becomes of a version."""

    COPYING = "copying"
    IN_REVIEW = "in review"
    LISTED = "listed"
    WITHDRAWN = "withdrawn"
    REJECTED = "rejected"
    FAILED = "failed"
    TAKEN_BACK = "taken back"


class ProductAction(enum.StrEnum):
    """What is done to products: by sellers, by reviewers, and by the service as it copies images."""

    CHANGE = "change"
    DELETE = "delete"
    SUBMIT = "submit"
    TAKE_BACK = "take back"
    COPIED = "copied"
    FAIL = "fail"
    APPROVE = "approve"
    REJECT = "reject"
    RESTRICT = "restrict"
    WITHDRAW = "withdraw"


_DRAFT, _SUBMITTED, _REJECTED, _LISTED, _RESTRICTED, _WITHDRAWN = ProductState
_ON_SALE = {_LISTED: _LISTED, _RESTRICTED: _RESTRICTED}

PRODUCTS: Mapping[ProductAction, Mapping[ProductState, ProductState]] = {
    ProductAction.CHANGE: {_DRAFT: _DRAFT, _REJECTED: _REJECTED, **_ON_SALE},
    ProductAction.DELETE: {_DRAFT: _DRAFT, _REJECTED: _REJECTED},
    ProductAction.SUBMIT: {_DRAFT: _SUBMITTED, _REJECTED: _SUBMITTED, **_ON_SALE},
    ProductAction.TAKE_BACK: {_SUBMITTED: _DRAFT, **_ON_SALE},
    ProductAction.COPIED: {_SUBMITTED: _SUBMITTED, **_ON_SALE},
    ProductAction.FAIL: {_SUBMITTED: _DRAFT, **_ON_SALE},
    ProductAction.APPROVE: {_SUBMITTED: _LISTED, **_ON_SALE},
    ProductAction.REJECT: {_SUBMITTED: _REJECTED, **_ON_SALE},
    ProductAction.RESTRICT: {_LISTED: _RESTRICTED},
    ProductAction.WITHDRAW: {_LISTED: _WITHDRAWN, _RESTRICTED: _WITHDRAWN},
}
"""Action -> state of the product before -> and after. What is not there is refused."""

_UNDER_WAY = (VersionState.COPYING, VersionState.IN_REVIEW)

VERSIONS: Mapping[ProductAction, Mapping[VersionState, VersionState]] = {
    ProductAction.TAKE_BACK: dict.fromkeys(_UNDER_WAY, VersionState.TAKEN_BACK),
    ProductAction.COPIED: {VersionState.COPYING: VersionState.IN_REVIEW},
    ProductAction.FAIL: {VersionState.COPYING: VersionState.FAILED},
    ProductAction.APPROVE: {VersionState.IN_REVIEW: VersionState.LISTED},
    ProductAction.REJECT: {VersionState.IN_REVIEW: VersionState.REJECTED},
    ProductAction.WITHDRAW: {VersionState.LISTED: VersionState.WITHDRAWN},
}
"""The same for versions. One that is submitted is new, and is copied."""


class ProductStateWrong(exceptions.Conflict):
    """What is to be done is not done to a product in that state."""

    template = "Product {product_id} is {state}; to {action} it, it has to be {states}."

    def __init__(self, product_id: str, state: ProductState, action: ProductAction) -> None:
        states = " or ".join(PRODUCTS[action])
        super().__init__(product_id=product_id, state=state, action=action, states=states)


class VersionStateWrong(exceptions.Conflict):
    """What is to be done is not done to a version in that state."""

    template = "Version {version_id} is {state}; to {action} it, it has to be {states}."

    def __init__(self, version_id: str, state: VersionState, action: ProductAction) -> None:
        states = " or ".join(VERSIONS[action])
        super().__init__(version_id=version_id, state=state, action=action, states=states)


class SubmissionUnderWay(exceptions.Conflict):
    """A version is copied or reviewed, and another one has to wait for that."""

    template = (
        "A version of product {product_id} is copied or reviewed. Wait for the decision, or take it back "
        "('openstack ims product withdraw')."
    )


@dataclasses.dataclass(frozen=True)
class Product:
    """A product.

    :ivar id: 32 hexadecimal digits
    :ivar product_code: the same on each image that is made of it; it never changes
    :ivar project_id: the seller's
    :ivar document: the draft; with certificates, which buyers never see
    :ivar note: of the seller, for itself and the reviewers
    :ivar revision: how often the draft was changed
    :ivar submission_id: of the version that is copied or reviewed
    :ivar published: what buyers see of it; ``None`` if it was never listed
    :ivar agreement: SHA-256 of what buyers agree to
    :ivar withdrawn_from: when those who have it have it no more; seconds since 1970
    """

    id: str
    product_code: str
    project_id: str
    user_id: str
    state: ProductState
    access_type: str
    name: str
    document: Mapping[str, Any]
    note: str | None = None
    revision: int = 0
    submission_id: str | None = None
    published: Mapping[str, Any] | None = None
    summary: Mapping[str, Any] | None = None
    agreement: str | None = None
    listed_at: datetime.datetime | None = None
    withdrawn_from: float | None = None
    created_at: datetime.datetime | None = None
    updated_at: datetime.datetime | None = None


@dataclasses.dataclass(frozen=True)
class ProductVersion:
    """A version that was handed in.

    :ivar name: such as ``V1.0``
    :ivar source_image_id: the seller's image, which is copied
    :ivar source_digest: its ``os_hash_value``, which each copy must have
    :ivar source: what buyers choose by: ``os_type``, ``os_version``, ``platform``, ``architecture``, ``size``, and
        ``disks``, how many, of a whole machine
    :ivar document: the product's text as it was handed in
    :ivar reason: with *code*, why its image could not be copied
    """

    id: str
    product_id: str
    project_id: str
    name: str
    source_image_id: str
    state: VersionState = VersionState.COPYING
    release_notes: str | None = None
    source_digest: str | None = None
    source: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    document: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    job_id: str | None = None
    code: str | None = None
    reason: str | None = None
    created_at: datetime.datetime | None = None
    changed_at: datetime.datetime | None = None


@dataclasses.dataclass(frozen=True)
class ProductReview:
    """What a reviewer decided about a version.

    :ivar decision: ``approve`` or ``reject``
    """

    version_id: str
    user_id: str
    decision: str
    reasons: str | None = None
    decided_at: datetime.datetime | None = None


@dataclasses.dataclass(frozen=True)
class ProductChange:
    """A change of a product's state: what was done, by whom, when, why."""

    action: str
    from_state: str
    to_state: str
    user_id: str
    version_id: str | None = None
    why: str | None = None
    changed_at: datetime.datetime | None = None


@dataclasses.dataclass(frozen=True)
class Actor:
    """Who changes a product's state."""

    user_id: str
    project_id: str


def next_state(product_id: str, state: ProductState, action: ProductAction) -> ProductState:
    """The state of a product after an action.

    :raises ProductStateWrong: if that is not done in this state
    """
    found = PRODUCTS[action].get(state)
    if found is None:
        raise ProductStateWrong(product_id, state, action)
    return found


def next_version_state(version_id: str, state: VersionState, action: ProductAction) -> VersionState:
    """The same of a version.

    :raises VersionStateWrong: if that is not done in this state
    """
    found = VERSIONS[action].get(state)
    if found is None:
        raise VersionStateWrong(version_id, state, action)
    return found


def is_id(text: str) -> bool:
    """Whether a text looks like the id of a product, a version or a subscription."""
    return bool(_ID.fullmatch(text))
