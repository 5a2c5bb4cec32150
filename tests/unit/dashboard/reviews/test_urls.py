# SPDX-License-Identifier: Apache-2.0
from typing import Any

from django.urls import reverse

from ims_glance.dashboard.reviews import urls


def test_both_panels_have_the_same_pages_and_none_of_them_in_common():
    """Horizon changes whom a page lets in."""
    for each in urls.pages():
        arguments: dict[str, Any] = {"version_id": "e" * 32, "number": 1}
        wanted = {name: arguments[name] for name in arguments if name in str(each.pattern)}
        for panel in ("project:ims_market", "admin:ims_reviews"):
            assert reverse(f"horizon:{panel}:{each.name}", kwargs=wanted)
    assert not set(map(id, urls.pages())) & set(map(id, urls.urlpatterns))
