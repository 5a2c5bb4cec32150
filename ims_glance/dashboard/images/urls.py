# SPDX-License-Identifier: Apache-2.0
"""The addresses of the panel."""

from django.urls import path, register_converter
from django.urls.converters import StringConverter

from ims_glance.dashboard import places
from ims_glance.dashboard.dialogs import check, copies, delete, export, modify, share, tags
from ims_glance.dashboard.images import details, listing
from ims_glance.dashboard.wizard import upload
from ims_glance.dashboard.wizard import views as wizard


class ImageId(StringConverter):
    """An id as Glance takes it: who makes an image may write its id in capitals, which Django's ``uuid`` refuses."""

    regex = "[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"


register_converter(ImageId, "image_id")

urlpatterns = [
    path("", listing.PrivateView.as_view(), name="index"),
    path("private/", listing.PrivateView.as_view(), name="private"),
    path("public/", listing.PublicView.as_view(), name="public"),
    path("shared/", listing.SharedView.as_view(), name="shared"),
    path("market/", listing.MarketView.as_view(), name="market"),
    path("list/<slug:tab>.csv", listing.csv, name="csv"),
    path("create/", wizard.KindView.as_view(), name="create"),
    path("create/<slug:kind>/upload/", upload.UploadView.as_view(), name="wizard_upload"),
    path("create/<slug:kind>/<slug:source>/", wizard.SourceView.as_view(), name="wizard_source"),
    path(
        "create/<slug:kind>/<slug:source>/settings/",
        wizard.SettingsView.as_view(),
        name="wizard_settings",
    ),
    path("images/<image_id:image_id>/modify/", modify.ModifyView.as_view(), name="modify"),
    path("images/<image_id:image_id>/share/", share.ShareView.as_view(), name="share"),
    path("images/<image_id:image_id>/copy/", copies.CopyHereView.as_view(), name="copy"),
    path(
        "images/<image_id:image_id>/replicate/", copies.CopyToRegionView.as_view(), name="replicate"
    ),
    path("images/<image_id:image_id>/export/", export.ExportView.as_view(), name="export"),
    path("images/<image_id:image_id>/check/", check.CheckView.as_view(), name="check"),
    path("images/<image_id:image_id>/tags/", tags.TagsView.as_view(), name="tags"),
    path("images/<image_id:image_id>/delete/", delete.DeleteView.as_view(), name="delete"),
    path("share/", share.ShareManyView.as_view(), name="share_many"),
    path("images/<image_id:image_id>/", details.DetailsView.as_view(), name="image"),
]
urlpatterns += places.urlpatterns
