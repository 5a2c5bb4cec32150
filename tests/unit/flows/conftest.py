# SPDX-License-Identifier: Apache-2.0
"""A small cloud for flows."""

from typing import Any

import pytest

from tests.unit.clouds.cloud_server import CloudServer
from tests.unit.flows.cloud_bench import CloudBench


@pytest.fixture
def cloud(tables: Any, server: CloudServer) -> CloudBench:
    """A worker's work on them."""
    return CloudBench(tables, server)
