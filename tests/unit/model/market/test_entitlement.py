# SPDX-License-Identifier: Apache-2.0
"""What a project has of a product, as it sees it."""

import datetime

from ims_glance.model.market.entitlement import Entitlement, moment, view


def test_how_a_project_sees_what_it_has():
    since = datetime.datetime(2030, 1, 2, 3, 4, 5)
    made = Entitlement("e", "p", "u", "product", "code", "digest", since=since, until=0.5)
    assert view(made, {"RegionTwo": "2", "RegionOne": "1"}) == {
        "id": "e",
        "product_id": "product",
        "product_code": "code",
        "sku": None,
        "agreement_digest": "digest",
        "state": "active",
        "since": "2030-01-02T03:04:05.000Z",
        "ended_at": None,
        "until": "1970-01-01T00:00:00.500Z",
        "images": [
            {"region": "RegionOne", "image_id": "1"},
            {"region": "RegionTwo", "image_id": "2"},
        ],
    }
    assert moment(1893456000.0) == "2030-01-01T00:00:00.000Z"
