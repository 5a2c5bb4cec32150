# SPDX-License-Identifier: Apache-2.0
"""``openstack ims quota show``."""

import json

from ims_glance.client.commands.quota import ShowQuota


def test_show(cloud, run):
    entries = [{"type": "image", "used": 36, "quota": 50, "min": 1, "max": 1000}]
    cloud.ims("GET", "/v1/cloudimages/quota", {"quotas": {"resources": entries}})
    (row,) = json.loads(run(ShowQuota, "-f", "json"))
    assert (row["Resource"], row["Used"], row["Quota"], row["Remaining"]) == ("image", 36, 50, 14)
