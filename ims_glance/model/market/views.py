# SPDX-License-Identifier: Apache-2.0
"""Products as their seller, a reviewer and a buyer see them."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ims_glance.model.job import timestamp
from ims_glance.model.market import document as documents
from ims_glance.model.market.entitlement import ProductCopy, moment
from ims_glance.model.market.product import (
    Product,
    ProductAction,
    ProductChange,
    ProductReview,
    ProductVersion,
    VersionState,
)


def own(product: Product) -> dict[str, Any]:
    """A product as lists of its seller have it."""
    withdrawn = product.withdrawn_from
    return {
        "id": product.id,
        "product_code": product.product_code,
        "state": str(product.state),
        "access_type": product.access_type,
        "name": product.name,
        "submission_id": product.submission_id,
        "listed_at": timestamp(product.listed_at),
        "withdrawn_from": None if withdrawn is None else moment(withdrawn),
        "created_at": timestamp(product.created_at),
        "updated_at": timestamp(product.updated_at),
    }


def own_whole(
    product: Product,
    versions: Sequence[ProductVersion],
    copies: Mapping[str, Sequence[ProductCopy]],
    history: Iterable[ProductChange],
    reviews: Iterable[ProductReview],
) -> dict[str, Any]:
    """A product as its seller sees it: the draft, what it lacks, and what became of it.

    :param copies: by the ids of versions
    """
    return {
        **own(product),
        **{name: product.document.get(name) for name in documents.SECTIONS},
        "note": product.note,
        "missing": documents.missing(product.document),
        "versions": [_version(each, copies.get(each.id, ())) for each in versions],
        "history": [_change(each) for each in history],
        "reviews": [_review(each) for each in reviews],
    }


def submission(version: ProductVersion, seller: str, product: Product) -> dict[str, Any]:
    """A version as lists of reviewers have it."""
    return {
        "id": version.id,
        "product_id": version.product_id,
        "product_name": str(version.document.get("name")),
        "product_state": str(product.state),
        "seller_project_id": seller,
        "version": version.name,
        "state": str(version.state),
        "submitted_at": timestamp(version.created_at),
    }


def submission_whole(
    version: ProductVersion,
    product: Product,
    copies: Sequence[ProductCopy],
    history: Iterable[ProductChange],
    reviews: Iterable[ProductReview],
) -> dict[str, Any]:
    """A version as a reviewer sees it: all that was handed in, and what was decided before."""
    return {
        **submission(version, product.project_id, product),
        "release_notes": version.release_notes,
        "source_image_id": version.source_image_id,
        "source": dict(version.source),
        "document": dict(version.document),
        "note": product.note,
        "copies": [_copy(each, with_image=True) for each in copies],
        "history": [{**_change(each), "user_id": each.user_id} for each in history],
        "reviews": [{**_review(each), "user_id": each.user_id} for each in reviews],
    }


def offered(row: Mapping[str, Any]) -> dict[str, Any]:
    """A listed product as lists of buyers have it."""
    return {
        "id": row["id"],
        "product_code": row["product_code"],
        **row["summary"],
        "agreement_digest": row["agreement"],
        "listed_at": timestamp(row["listed_at"]),
    }


def offered_whole(
    product: Product,
    versions: Iterable[ProductVersion],
    reviews: Iterable[ProductReview],
    subscription: dict[str, Any] | None,
) -> dict[str, Any]:
    """A product as a buyer sees it; what it has of it, if it has."""
    # A version that was withdrawn has changed since it was listed.
    listed = {
        each.version_id: each.decided_at
        for each in reviews
        if each.decision == ProductAction.APPROVE
    }
    return {
        "id": product.id,
        "product_code": product.product_code,
        "state": str(product.state),
        **(product.published or {}),
        "listed_at": timestamp(product.listed_at),
        "versions": [
            {
                "name": each.name,
                "release_notes": each.release_notes,
                "listed_at": timestamp(listed.get(each.id)),
            }
            for each in versions
            if each.state in (VersionState.LISTED, VersionState.WITHDRAWN)
        ],
        "subscription": subscription,
    }


def _version(version: ProductVersion, copies: Sequence[ProductCopy]) -> dict[str, Any]:
    return {
        "id": version.id,
        "name": version.name,
        "release_notes": version.release_notes,
        "state": str(version.state),
        "source_image_id": version.source_image_id,
        "job_id": version.job_id,
        "error_code": version.code,
        "reason": version.reason,
        "created_at": timestamp(version.created_at),
        "changed_at": timestamp(version.changed_at),
        "copies": [_copy(each) for each in copies],
    }


def _copy(copy: ProductCopy, with_image: bool = False) -> dict[str, Any]:
    image = {"image_id": copy.image_id, "digest": copy.digest} if with_image else {}
    return {
        "region": copy.region,
        "state": str(copy.state),
        "attempts": copy.attempts,
        "error_code": copy.code,
        "reason": copy.reason,
        **image,
    }


def _change(change: ProductChange) -> dict[str, Any]:
    return {
        "action": change.action,
        "from": change.from_state,
        "to": change.to_state,
        "version_id": change.version_id,
        "why": change.why,
        "at": timestamp(change.changed_at),
    }


def _review(review: ProductReview) -> dict[str, Any]:
    return {
        "version_id": review.version_id,
        "decision": review.decision,
        "reasons": review.reasons,
        "decided_at": timestamp(review.decided_at),
    }
