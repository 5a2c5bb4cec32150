# SPDX-License-Identifier: Apache-2.0
from django.apps import apps


def test_no_other_app_has_its_label():
    assert apps.get_app_config("ims_dashboard").name == "ims_glance.dashboard"
