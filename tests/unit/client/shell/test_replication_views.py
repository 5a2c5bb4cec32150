# SPDX-License-Identifier: Apache-2.0
"""Replications as columns."""

from ims_glance.client.resources.replication import Replication
from ims_glance.client.shell import replication_views
from tests.unit.client.cloud import OTHER, replication


def test_a_row_fits_its_columns():
    shown = Replication.existing(**replication(reason="It waits."))
    row = dict(zip(replication_views.LIST, replication_views.row(shown), strict=True))
    assert (row["Name"], row["Keep"], row["Reason"]) == ("releases", 3, "It waits.")


def test_one():
    images = [{"image_id": "1", "state": "done", "reason": None}]
    shown = Replication.existing(**replication(images=images))
    values = dict(zip(*replication_views.replication(shown), strict=True))
    assert values["project"] == OTHER
    assert values["images"].human_readable() == "image_id=1, state=done"
