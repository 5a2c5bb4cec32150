# SPDX-License-Identifier: Apache-2.0
"""The marketplace: to sell, to review, to buy."""

import re
from collections.abc import Iterable, Iterator
from typing import Any, TypeVar

from openstack import exceptions, resource

from ims_glance.client.operations.base import Operations, segment
from ims_glance.client.resources.market import (
    OfferedProduct,
    SellersProduct,
    SubmittedVersion,
    Subscription,
)

_Named = TypeVar("_Named", bound=resource.Resource)
_ID = re.compile("[0-9a-f]{32}")
_PAGE = 100


class MarketOperations(Operations):
    """Products, reviews and subscriptions."""

    # --- to sell -------------------------------------------------------------------------------

    def own_products(self) -> Iterator[SellersProduct]:
        """Products that the project sells, the newest first, without their texts."""
        return self._some(SellersProduct, None, project_id=self._project(), limit=_PAGE)

    def get_own_product(self, product: str | SellersProduct, files: bool = False) -> SellersProduct:
        """One with its draft, what that lacks, and what became of it.

        :param files: with the content of its logo and certificates
        :raises errors.NotFound: if the project has none of that id
        """
        path = self._own_place(product) + ("?files=true" if files else "")
        return self._shown_as(SellersProduct, self.request(path, "GET").json())

    def find_own_product(self, name_or_id: str) -> SellersProduct:
        """That of an id or a name.

        :raises openstack.exceptions.NotFoundException: if there is none
        :raises openstack.exceptions.DuplicateResource: if several have the name
        """
        return _only(name_or_id, self.own_products(), "your project sells")

    def create_product(self, draft: dict[str, Any]) -> SellersProduct:
        """Begin a product.

        :param draft: ``name``, ``note``, and the steps ``version``, ``basic``, ``business``; it may be
            incomplete. Files have a ``name`` and their ``content`` in Base64
        """
        return self._sell("POST", self._in_market("seller/products"), draft)

    def update_product(
        self, product: str | SellersProduct, draft: dict[str, Any]
    ) -> SellersProduct:
        """Change a draft: fields that are given replace others, ``None`` takes one away."""
        return self._sell("PUT", self._own_place(product), draft)

    def delete_product(self, product: str | SellersProduct) -> None:
        """Delete a draft, or a product that was rejected."""
        self.delete(self._own_place(product))

    def submit_product(
        self, product: str | SellersProduct, validate_only: bool = False
    ) -> SellersProduct:
        """Have a product copied, scanned and reviewed.

        :param validate_only: only say in ``problems`` what would be refused; the job ``scan_job_id`` scans the
            image, and has in ``scan`` what would be refused of that
        """
        body = {"validate_only": True} if validate_only else {}
        return self._sell("POST", f"{self._own_place(product)}/submit", body)

    def add_product_version(self, product: str | SellersProduct, **values: Any) -> SellersProduct:
        """Submit another version of a product.

        :param values: ``name``, ``image_id``, ``release_notes``
        """
        return self._sell("POST", f"{self._own_place(product)}/versions", values)

    def withdraw_product(
        self,
        product: str | SellersProduct,
        why: str | None = None,
        after_days: float | None = None,
    ) -> SellersProduct:
        """Take back what is submitted, or take a product from the market and all who have it.

        :param after_days: when they lose it; at once, if it is ``None``
        """
        body = _given(why=why, after_days=after_days)
        return self._sell("POST", f"{self._own_place(product)}/withdraw", body)

    def restrict_product(
        self, product: str | SellersProduct, why: str | None = None
    ) -> SellersProduct:
        """Take no new buyers for a product."""
        return self._sell("POST", f"{self._own_place(product)}/restrict", _given(why=why))

    # --- to review -----------------------------------------------------------------------------

    def submitted_versions(self) -> Iterator[SubmittedVersion]:
        """What waits for a reviewer, the oldest first."""
        return self._some(SubmittedVersion, None, project_id=self._project(), limit=_PAGE)

    def get_submitted_version(self, version_id: str, files: bool = False) -> SubmittedVersion:
        """All that was handed in of one.

        :param files: with the content of its logo and certificates
        """
        path = self._in_market("reviews", version_id) + ("?files=true" if files else "")
        return self._shown_as(SubmittedVersion, self.request(path, "GET").json())

    def approve_version(
        self, version_id: str, reasons: str | None = None, uninspected: bool = False
    ) -> SubmittedVersion:
        """List it.

        :param uninspected: though the scan could not look into all of it; with reasons, which are recorded
        """
        path = f"{self._in_market('reviews', version_id)}/approve"
        body = _given(reasons=reasons, uninspected=uninspected or None)
        answer = self.request(path, "POST", json=body).json()
        return self._shown_as(SubmittedVersion, answer)

    def reject_version(self, version_id: str, reasons: str) -> SubmittedVersion:
        """Give it back, and say why."""
        path = f"{self._in_market('reviews', version_id)}/reject"
        return self._shown_as(
            SubmittedVersion, self.request(path, "POST", json={"reasons": reasons}).json()
        )

    # --- to buy --------------------------------------------------------------------------------

    def products(self, max_items: int | None = None, **filters: Any) -> Iterator[OfferedProduct]:
        """Products of the marketplace, the newest first, without their texts.

        :param filters: ``search`` (words, or beginnings of them), ``category``, ``os``, ``region``,
            ``price`` (``free`` or ``charged``)
        """
        limit = _PAGE if max_items is None else min(max_items, _PAGE)
        query = {**_given(**filters), "limit": limit, "project_id": self._project()}
        return self._some(OfferedProduct, max_items, **query)

    def get_product(self, product: str | OfferedProduct) -> OfferedProduct:
        """One with all its public parts.

        :raises errors.NotFound: if it is not listed, and the project does not have it
        """
        path = self._in_market("products", OfferedProduct._get_id(product))
        return self._shown_as(OfferedProduct, self.request(path, "GET").json())

    def find_product(self, name_or_id: str) -> OfferedProduct:
        """That of an id or a name, with all its public parts.

        :raises openstack.exceptions.NotFoundException: if there is none
        :raises openstack.exceptions.DuplicateResource: if several have the name
        """
        if _ID.fullmatch(name_or_id):
            return self.get_product(name_or_id)
        listed = self.products(search=name_or_id)
        return self.get_product(_only(name_or_id, listed, "is offered"))

    def subscribe(
        self, product: str | OfferedProduct, agreement_digest: str, sku: str | None = None
    ) -> Subscription:
        """Agree to a product's agreement, and have it in the project.

        :param agreement_digest: of the text that you read, as the product shows it
        :param sku: one of its specifications, if it has several
        """
        body = _given(
            product_id=OfferedProduct._get_id(product), agreement_digest=agreement_digest, sku=sku
        )
        answer = self.request(self._in_market("subscriptions"), "POST", json=body).json()
        return self._shown_as(Subscription, answer)

    def subscriptions(self) -> list[Subscription]:
        """What the project has, and had, the oldest first."""
        return list(self._list(Subscription, project_id=self._project()))

    def unsubscribe(self, subscription: str | Subscription) -> None:
        """Have a product no more."""
        self.delete(self._in_market("subscriptions", Subscription._get_id(subscription)))

    # --- inside --------------------------------------------------------------------------------

    def _in_market(self, *names: str) -> str:
        place = f"/v1/{self._project()}/market/{names[0]}"
        return "/".join([place, *map(segment, names[1:])])

    def _own_place(self, product: str | SellersProduct) -> str:
        return self._in_market("seller/products", SellersProduct._get_id(product))

    def _sell(self, method: str, path: str, body: dict[str, Any]) -> SellersProduct:
        return self._shown_as(SellersProduct, self.request(path, method, json=body).json())

    def _shown_as(self, kind: type[_Named], answer: dict[str, Any]) -> _Named:
        return kind.existing(
            connection=self._get_connection(), **{**answer, "project_id": self._project()}
        )


def _given(**values: Any) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}


def _only(name_or_id: str, known: Iterable[_Named], which: str) -> _Named:
    listed = list(known)
    found = [each for each in listed if each.id == name_or_id.lower()]
    found = found or [each for each in listed if each.name == name_or_id]
    if not found:
        raise exceptions.NotFoundException(
            f"There is no product of the name or id '{name_or_id}' that {which}."
        )
    if len(found) > 1:
        ids = ", ".join(str(each.id) for each in found)
        raise exceptions.DuplicateResource(
            f"Several products are named '{name_or_id}'; give the id of the one you mean: {ids}"
        )
    return found[0]
