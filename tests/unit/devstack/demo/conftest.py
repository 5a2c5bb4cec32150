# SPDX-License-Identifier: Apache-2.0
"""A stage in an empty folder, with nothing behind it."""

import pytest
from pocket_cloud.cloud import Cloud
from pocket_cloud.demo.claim import Claim
from pocket_cloud.demo.signals import Stopper
from pocket_cloud.demo.stage import Stage


@pytest.fixture
def stage(tmp_path):
    """A stage of its own."""
    cloud = Cloud(tmp_path)
    claim = Claim(cloud)
    claim.take()
    with Stopper() as stopper:
        yield Stage(cloud, claim, stopper)
    claim.drop()
