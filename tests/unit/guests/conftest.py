# SPDX-License-Identifier: Apache-2.0
"""Fixtures of the tests of guests."""

import pytest

from ims_glance.formats.layout import zvhd as zvhd_layout
from tests.unit.formats.samples import BLOCK
from tests.unit.guests.disks import guest_conf


@pytest.fixture
def conf(tmp_path):
    return guest_conf(tmp_path / "scratch")


@pytest.fixture
def small_blocks(monkeypatch):
    """Of zvhd and zvhd2, as the samples have them."""
    monkeypatch.setattr(zvhd_layout, "BLOCK", BLOCK)
