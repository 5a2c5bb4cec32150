# SPDX-License-Identifier: Apache-2.0
"""Quotas: what is sent, and what is made of the answer."""


def test_quotas(cloud, ims):
    entry = {"type": "image", "used": 3, "quota": 50, "min": 1, "max": 1000}
    cloud.ims("GET", "/v1/cloudimages/quota", {"quotas": {"resources": [entry]}})
    (quota,) = ims.quotas()
    assert (quota.type, quota.used, quota.remaining) == ("image", 3, 47)
