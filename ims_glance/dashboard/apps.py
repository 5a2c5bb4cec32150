# SPDX-License-Identifier: Apache-2.0
"""How Django knows the console."""

from django.apps import AppConfig


class ConsoleConfig(AppConfig):
    """Its templates and translations are found by this."""

    name = "ims_glance.dashboard"
    label = "ims_dashboard"
