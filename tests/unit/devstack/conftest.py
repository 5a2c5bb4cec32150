# SPDX-License-Identifier: Apache-2.0
"""Clouds of which nothing runs."""

import pytest
from pocket_cloud.cloud import Cloud


@pytest.fixture
def cloud(tmp_path):
    """A cloud in an empty folder; its environment is this folder's too."""
    return Cloud(home=tmp_path / "home", base=30000, venv=tmp_path / "venv", checkout=tmp_path)
