# SPDX-License-Identifier: Apache-2.0
"""Fixtures of the operations."""

import pytest

from tests.unit.api.ims.site import Site


@pytest.fixture
def site(server, tmp_path):
    """A caller with a server in a small cloud."""
    return Site(server, tmp_path)
