# SPDX-License-Identifier: Apache-2.0
from django.urls import reverse

from ims_glance.dashboard import places


def test_each_has_a_name_in_the_panel_of_images():
    for each in places.urlpatterns:
        arguments = ["a-1"] if "<" in str(each.pattern) else []
        assert reverse(f"horizon:project:ims:{each.name}", args=arguments).startswith(
            "/project/ims/"
        )
