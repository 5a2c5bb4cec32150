# SPDX-License-Identifier: Apache-2.0
"""``openstack ims worker list``."""

import json

from ims_glance.client.commands.worker import ListWorkers
from tests.unit.client.resources.test_worker import WORKER


def test_list(cloud, run):
    cloud.ims("GET", "/v1/workers", {"workers": [WORKER]})
    (row,) = json.loads(run(ListWorkers, "-f", "json"))
    assert (row["Host"], row["State"], row["Jobs"], row["Heard Of (s ago)"]) == (
        "h",
        "busy",
        2,
        1.5,
    )
