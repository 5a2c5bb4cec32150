# SPDX-License-Identifier: Apache-2.0
"""The addresses of the panel."""

from django.urls import path

from ims_glance.dashboard.everywhere import listing

urlpatterns = [path("", listing.AllImagesView.as_view(), name="index")]
