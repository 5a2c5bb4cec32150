# SPDX-License-Identifier: Apache-2.0
"""The addresses of the panel."""

from django.urls import path

from ims_glance.dashboard.workers import listing, orphans

urlpatterns = [
    path("", listing.WorkersView.as_view(), name="index"),
    path("orphans/", orphans.OrphansView.as_view(), name="orphans"),
]
