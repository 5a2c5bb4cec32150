# SPDX-License-Identifier: Apache-2.0
"""``openstack ims review list|show|approve|reject``."""

import json

import pytest

from ims_glance.client.commands.review import (
    ApproveVersion,
    ListReviews,
    RejectVersion,
    ShowReview,
)
from tests.unit.api.ims.market_world import CERTIFICATE, encoded
from tests.unit.client.cloud import PROJECT, handed_in

REVIEWS = f"/v1/{PROJECT}/market/reviews"
VERSION = "e" * 32
CERTIFICATES = [
    {"name": "../c.pdf", "media_type": "application/pdf", "content": encoded(CERTIFICATE)}
]


@pytest.fixture
def ready(cloud):
    page = {"reviews": [handed_in()], "page_info": {"next_marker": None, "current_count": 1}}
    whole = handed_in(document={"basic": {"certificates": CERTIFICATES}})
    cloud.ims("GET", REVIEWS, page)
    cloud.ims("GET", f"{REVIEWS}/{VERSION}", whole)
    for action in ("approve", "reject"):
        cloud.ims("POST", f"{REVIEWS}/{VERSION}/{action}", whole)
    return cloud


def test_list(ready, run):
    (row,) = json.loads(run(ListReviews, "-f", "json"))
    assert (row["Product"], row["State"]) == ("database", "in review")


def test_show_and_save_files(ready, run, tmp_path):
    assert "name=../c.pdf" in run(ShowReview, VERSION)
    run(ShowReview, VERSION, "--save-files", str(tmp_path / "files"))
    assert [each.name for each in (tmp_path / "files").iterdir()] == ["certificate-1.pdf"]
    assert [each.query for each in ready.sent("GET")] == [{}, {"files": "true"}]


def test_decisions(ready, run):
    run(ApproveVersion, VERSION)
    run(ApproveVersion, VERSION, "--uninspected", "--reasons", "booted it")
    run(RejectVersion, VERSION, "--reasons", "no")
    assert [(each.path.rsplit("/", 1)[-1], each.body) for each in ready.sent("POST")] == [
        ("approve", {}),
        ("approve", {"uninspected": True, "reasons": "booted it"}),
        ("reject", {"reasons": "no"}),
    ]
    with pytest.raises(SystemExit):
        run(RejectVersion, VERSION)
