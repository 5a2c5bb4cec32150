# SPDX-License-Identifier: Apache-2.0
"""These run where Django is set up (``tests/unit/test_dashboard.py``), and are left alone elsewhere."""

import os

collect_ignore_glob = [] if "DJANGO_SETTINGS_MODULE" in os.environ else ["*"]


def pytest_configure(config):
    """Horizon's helpers have marks of their own."""
    for mark in ("selenium", "plugin_test"):
        config.addinivalue_line("markers", f"{mark}: of Horizon")
