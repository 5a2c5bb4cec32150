# SPDX-License-Identifier: Apache-2.0
"""These run where Django is set up (``tests/unit/test_dashboard.py``), and are left alone elsewhere."""

import os

from tests import garbage

_IS_HERE = "DJANGO_SETTINGS_MODULE" in os.environ
collect_ignore_glob = [] if _IS_HERE else ["*"]
if _IS_HERE:
    garbage.begin()


def pytest_configure(config):
    """Horizon's helpers have marks of their own."""
    for mark in ("selenium", "plugin_test"):
        config.addinivalue_line("markers", f"{mark}: of Horizon")


def pytest_collection_finish():
    """Elsewhere the conftest of all tests does it."""
    if _IS_HERE:
        garbage.all_is_loaded()
