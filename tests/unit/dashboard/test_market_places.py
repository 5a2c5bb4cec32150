# SPDX-License-Identifier: Apache-2.0
from django.urls import reverse


def test_the_panel_has_pages_of_all_three_who_use_it():
    for name in ("index", "subscriptions", "selling", "begin", "reviews"):
        assert reverse(f"horizon:project:ims_market:{name}").startswith("/project/ims_market/")
