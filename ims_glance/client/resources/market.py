# SPDX-License-Identifier: Apache-2.0
"""The marketplace: products, versions that wait for a reviewer, subscriptions."""

from typing import Any

from openstack import resource

from ims_glance.client.resources.paging import Paged

CATEGORIES = (
    "operating system", "database", "middleware", "development", "security", "network", "storage",
    "analytics", "machine learning", "business", "media", "other",
)  # fmt: skip
PRICE_MODELS = ("free", "hourly", "monthly", "yearly", "once", "by usage")


class OfferedProduct(Paged):
    """A product as buyers see it."""

    base_path = "/v1/%(project_id)s/market/products"
    resources_key = "products"
    allow_list = True
    allow_fetch = True
    _query_mapping = resource.QueryParameters("search", "category", "os", "region", "price")

    project_id: str = resource.URI("project_id")
    #: on each image that is made of it
    product_code: str = resource.Body("product_code")
    state: str = resource.Body("state")
    #: in lists its name; else with what buyers choose by
    version: Any = resource.Body("version")
    introduction: str = resource.Body("introduction")
    category: str = resource.Body("category")
    os_type: str = resource.Body("os_type")
    platform: str = resource.Body("platform")
    architecture: str = resource.Body("architecture")
    regions: list[str] = resource.Body("regions", type=list)
    price_model: str = resource.Body("price_model")
    price: str = resource.Body("price")
    #: SHA-256 of what one agrees to
    agreement_digest: str = resource.Body("agreement_digest")
    listed_at: str = resource.Body("listed_at")
    #: not in lists, as the rest
    basic: dict[str, Any] = resource.Body("basic", type=dict)
    business: dict[str, Any] = resource.Body("business", type=dict)
    versions: list[dict[str, Any]] = resource.Body("versions", type=list)
    #: what the project has of it, if it has
    subscription: dict[str, Any] = resource.Body("subscription", type=dict)


class SellersProduct(Paged):
    """A product as its seller sees it."""

    base_path = "/v1/%(project_id)s/market/seller/products"
    resources_key = "products"
    allow_list = True
    allow_fetch = True

    project_id: str = resource.URI("project_id")
    product_code: str = resource.Body("product_code")
    state: str = resource.Body("state")
    access_type: str = resource.Body("access_type")
    #: version that is copied or reviewed
    submission_id: str = resource.Body("submission_id")
    listed_at: str = resource.Body("listed_at")
    withdrawn_from: str = resource.Body("withdrawn_from")
    created_at: str = resource.Body("created_at")
    updated_at: str = resource.Body("updated_at")
    #: not in lists, as the rest
    version: dict[str, Any] = resource.Body("version", type=dict)
    basic: dict[str, Any] = resource.Body("basic", type=dict)
    business: dict[str, Any] = resource.Body("business", type=dict)
    note: str = resource.Body("note")
    #: what it lacks, step by step
    missing: list[dict[str, Any]] = resource.Body("missing", type=list)
    versions: list[dict[str, Any]] = resource.Body("versions", type=list)
    history: list[dict[str, Any]] = resource.Body("history", type=list)
    reviews: list[dict[str, Any]] = resource.Body("reviews", type=list)
    #: why it would be refused, if that was asked
    problems: list[dict[str, Any]] = resource.Body("problems", type=list)
    #: of the job that scans the image, if that was asked
    scan_job_id: str = resource.Body("scan_job_id")


class SubmittedVersion(Paged):
    """A version of a product as reviewers see it."""

    base_path = "/v1/%(project_id)s/market/reviews"
    resources_key = "reviews"
    allow_list = True
    allow_fetch = True

    project_id: str = resource.URI("project_id")
    product_id: str = resource.Body("product_id")
    product_name: str = resource.Body("product_name")
    product_state: str = resource.Body("product_state")
    seller_project_id: str = resource.Body("seller_project_id")
    version: str = resource.Body("version")
    state: str = resource.Body("state")
    submitted_at: str = resource.Body("submitted_at")
    #: not in lists, as the rest
    release_notes: str = resource.Body("release_notes")
    source_image_id: str = resource.Body("source_image_id")
    source: dict[str, Any] = resource.Body("source", type=dict)
    #: what was looked for in it, and found
    scan: dict[str, Any] = resource.Body("scan", type=dict)
    document: dict[str, Any] = resource.Body("document", type=dict)
    note: str = resource.Body("note")
    copies: list[dict[str, Any]] = resource.Body("copies", type=list)
    history: list[dict[str, Any]] = resource.Body("history", type=list)
    reviews: list[dict[str, Any]] = resource.Body("reviews", type=list)


class Subscription(resource.Resource):
    """What the project has, or had, of a product."""

    base_path = "/v1/%(project_id)s/market/subscriptions"
    resources_key = "subscriptions"
    allow_list = True

    project_id: str = resource.URI("project_id")
    product_id: str = resource.Body("product_id")
    product_code: str = resource.Body("product_code")
    sku: str = resource.Body("sku")
    agreement_digest: str = resource.Body("agreement_digest")
    state: str = resource.Body("state")
    since: str = resource.Body("since")
    ended_at: str = resource.Body("ended_at")
    #: when it ends by itself
    until: str = resource.Body("until")
    #: what may be booted, and where
    images: list[dict[str, Any]] = resource.Body("images", type=list)
