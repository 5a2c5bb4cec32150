# SPDX-License-Identifier: Apache-2.0
"""The tests of any cloud run on the one that an openrc names, with users that they make there."""

import os
import subprocess
import sys

import pytest
from pocket_cloud.cloud import CHECKOUT

from tests.cloud import login

pytestmark = pytest.mark.pocket

_TESTS = "tests/cloud/test_client_sdk.py"


def test_what_an_openrc_names_is_tested():
    auth = login.region("admin").config["auth"]
    openrc = {f"OS_{name.upper()}": str(value) for name, value in auth.items()}
    # There is no such pocket cloud: whoever looks for it fails.
    env = {**os.environ, **openrc, "OS_REGION_NAME": "RegionOne", "POCKET_HOME": "/nonexistent"}
    command = ["pytest", "-q", "-p", "no:cacheprovider", _TESTS, "tests/cloud/test_keys.py"]
    done = subprocess.run(
        [sys.executable, "-m", *command],
        cwd=CHECKOUT,
        env=env,
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert " passed" in done.stdout
    # Those that need the pocket cloud's own are left out, and not skipped.
    assert " deselected" in done.stdout
    assert "skipped" not in done.stdout
