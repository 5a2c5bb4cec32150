# SPDX-License-Identifier: Apache-2.0
"""The addresses of the panel."""

from django.urls import path

from ims_glance.dashboard.dialogs import copies, create, export, modify, share
from ims_glance.dashboard.images import details, listing

urlpatterns = [
    path("", listing.PrivateView.as_view(), name="index"),
    path("private/", listing.PrivateView.as_view(), name="private"),
    path("public/", listing.PublicView.as_view(), name="public"),
    path("shared/", listing.SharedView.as_view(), name="shared"),
    path("market/", listing.MarketView.as_view(), name="market"),
    path("list/<slug:tab>.csv", listing.csv, name="csv"),
    path("create/", create.CreateView.as_view(), name="create"),
    path("images/<uuid:image_id>/modify/", modify.ModifyView.as_view(), name="modify"),
    path("images/<uuid:image_id>/share/", share.ShareView.as_view(), name="share"),
    path("images/<uuid:image_id>/copy/", copies.CopyHereView.as_view(), name="copy"),
    path("images/<uuid:image_id>/replicate/", copies.CopyToRegionView.as_view(), name="replicate"),
    path("images/<uuid:image_id>/export/", export.ExportView.as_view(), name="export"),
    path("images/<uuid:image_id>/", details.DetailsView.as_view(), name="image"),
]
