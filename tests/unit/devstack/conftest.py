# SPDX-License-Identifier: Apache-2.0
"""Clouds of which nothing runs."""

import signal
import tempfile
from pathlib import Path

import pytest
from pocket_cloud.cloud import Cloud


@pytest.fixture(autouse=True)
def ctrl_c():
    """Ctrl-C is heard, as a shell does not let what it runs in its background do."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture
def short_path():
    """An empty folder whose path leaves room for the sockets in it, as pytest's own may not."""
    with tempfile.TemporaryDirectory(prefix="pocket-", ignore_cleanup_errors=True) as folder:
        yield Path(folder).resolve()


@pytest.fixture
def cloud(tmp_path):
    """A cloud in an empty folder; its environment is this folder's too."""
    return Cloud(home=tmp_path / "home", base=30000, venv=tmp_path / "venv", checkout=tmp_path)
