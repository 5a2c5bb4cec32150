# SPDX-License-Identifier: Apache-2.0
"""Receivers of an image."""

from ims_glance.client.resources.member import Member
from tests.unit.client.cloud import OTHER


def test_a_receiver_is_a_project():
    shown = Member.existing(member_id=OTHER, status="pending", member_type="project")
    assert (shown.id, shown.member_id, shown.status, shown.type) == (
        OTHER,
        OTHER,
        "pending",
        "project",
    )
