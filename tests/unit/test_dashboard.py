# SPDX-License-Identifier: Apache-2.0
"""The console's own tests run in a process of their own: Django is set up once a process, for good."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
INSIDE = "tests/unit/dashboard"
# Seconds; the start of Horizon is most of it.
PATIENCE = 300


def test_the_console(tmp_path):
    """All of ``tests/unit/dashboard``."""
    # No other plugins, and not what the tests of the service share: that imports Glance.
    options = ["-q", "-p", "no:cacheprovider", "-p", "pytest_django.plugin", "--confcutdir", INSIDE]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *options, f"--basetemp={tmp_path / 'inside'}", INSIDE],
        cwd=ROOT,
        env={
            **{key: value for key, value in os.environ.items() if not key.startswith("PYTEST_")},
            "DJANGO_SETTINGS_MODULE": "tests.unit.dashboard.settings",
            "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
        },
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-8000:] + done.stderr[-2000:]
    assert " passed" in done.stdout
