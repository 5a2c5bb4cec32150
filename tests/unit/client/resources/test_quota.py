# SPDX-License-Identifier: Apache-2.0
"""Quotas."""

import pytest

from ims_glance.client.resources.quota import Quota


@pytest.mark.parametrize(("used", "remaining"), [(0, 50), (49, 1), (50, 0), (51, 0)])
def test_remaining(used, remaining):
    assert Quota.existing(type="image", used=used, quota=50).remaining == remaining
