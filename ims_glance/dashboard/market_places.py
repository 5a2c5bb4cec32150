# SPDX-License-Identifier: Apache-2.0
"""The addresses of the marketplace: to buy, to sell, to review."""

from django.urls import include, path

from ims_glance.dashboard.market import catalogue, product, subscriptions
from ims_glance.dashboard.reviews import urls as reviews
from ims_glance.dashboard.selling import details, dialogs, listing, steps

urlpatterns = [
    path("", catalogue.CatalogueView.as_view(), name="index"),
    path("subscriptions/", subscriptions.SubscriptionsView.as_view(), name="subscriptions"),
    path("products/<slug:product_id>/", product.ProductView.as_view(), name="product"),
    path("products/<slug:product_id>/logo", catalogue.logo, name="logo"),
    path("selling/", listing.SellingView.as_view(), name="selling"),
    path("selling/create/", steps.AccessView.as_view(), name="begin"),
    path("selling/<slug:product_id>/", details.OwnProductView.as_view(), name="own"),
    path("selling/<slug:product_id>/logo", details.logo, name="own_logo"),
    path("selling/<slug:product_id>/access/", steps.AccessView.as_view(), name="access"),
    path("selling/<slug:product_id>/basic/", steps.BasicView.as_view(), name="basic"),
    path("selling/<slug:product_id>/business/", steps.BusinessView.as_view(), name="business"),
    path("selling/<slug:product_id>/version/", dialogs.VersionView.as_view(), name="version"),
    path("selling/<slug:product_id>/restrict/", dialogs.RestrictView.as_view(), name="restrict"),
    path("selling/<slug:product_id>/withdraw/", dialogs.WithdrawView.as_view(), name="withdraw"),
    path("reviews/", include(reviews.pages())),
]
