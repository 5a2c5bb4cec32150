# SPDX-License-Identifier: Apache-2.0
"""The addresses of reviewers' pages, which two panels have."""

from typing import Any

from django.urls import path

from ims_glance.dashboard.reviews import details, dialogs, listing


def pages() -> list[Any]:
    """The pages; each panel has its own, for Horizon changes whom they let in."""
    return [
        path("", listing.ReviewsView.as_view(), name="reviews"),
        path("<slug:version_id>/", details.ReviewView.as_view(), name="review"),
        path("<slug:version_id>/logo", details.logo, name="review_logo"),
        path(
            "<slug:version_id>/certificates/<int:number>", details.certificate, name="certificate"
        ),
        path("<slug:version_id>/approve/", dialogs.ApproveView.as_view(), name="approve"),
        path("<slug:version_id>/reject/", dialogs.RejectView.as_view(), name="reject"),
    ]


# Horizon looks for a panel's first page by this name.
urlpatterns = [path("", listing.ReviewsView.as_view(), name="index"), *pages()]
