# SPDX-License-Identifier: Apache-2.0
from ims_glance.client.resources.replication import STATUSES, Replication
from tests.unit.client.cloud import OTHER, replication


def test_what_the_service_shows():
    shown = Replication.existing(**replication(images=[{"image_id": "1"}]))
    assert (shown.name, shown.target_project_id, shown.keep) == ("releases", OTHER, 3)
    assert shown.images == [{"image_id": "1"}]
    assert shown.status in STATUSES
